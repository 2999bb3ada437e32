"""Errors of modules as classes: attributes, calls, modes."""

from __future__ import annotations

from grader.errors.explanation import BY_FRAMES, Explanation

CLASSES = (
    Explanation(
        "module_for_tensor_init",
        ("AttributeError",),
        r"^'\w+' object has no attribute '(dim|uniform_|normal_|ndimension)'",
        "The functions of nn.init fill a tensor, and were given a module.",
        "nn.init.xavier_uniform_(layer.weight); for all of them model.apply(function).",
        where=r"torch/nn/init\.py:",
    ),
    Explanation(
        "missing_attribute",
        ("AttributeError",),
        r"^'(?!DataParallel|DistributedDataParallel)\w+' object has no attribute '[A-Za-z]\w*'$",
        "This module has no attribute of that name: it is spelled another way, is made later "
        "than it is read, is a local variable of __init__, without self, or is what tensors have, "
        "as shape. Or it is a property, and its own code met an attribute that is not there.",
        "Look at the names: print(model). In __init__ write self.name = nn.Linear(...). The shape "
        "is that of a result: model(x).shape. Of a property call the code by itself, as a method.",
        where=r"^(?!.*torch/nn/init\.py).*torch/nn/modules/module\.py:__getattr__$",
    ),
    Explanation(
        "init_dims",
        ("ValueError",),
        r"^Fan in and fan out can not be computed",
        "xavier and kaiming draw by the numbers of inputs and outputs, and a vector, such as a "
        "bias or the weight of a norm, has no such two.",
        "Ask for the dimensions: if p.dim() > 1: nn.init.xavier_uniform_(p).",
    ),
    Explanation(
        "no_class",
        ("TypeError",),
        r"__init__\(\) takes (from )?\d.* positional arguments? but \d+|__init__\(\) missing "
        r"\d+ required",
        "The class was called with data in the place of a model: calling a class makes one.",
        "Make it once, model = Net(), and call that: model(x).",
        where=BY_FRAMES,
    ),
    Explanation(
        "name_taken",
        ("KeyError",),
        r"attribute '\w+' already exists|(buffer|parameter|module) name can\S+t contain",
        "A buffer or a parameter is registered under a name that the module has already, or "
        "with a dot in it.",
        "Take away the attribute of that name first, or choose another name; a dot belongs to "
        "parts, and not to names.",
    ),
    Explanation(
        "lazy",
        (
            "RuntimeError",
            "ValueError",
        ),
        r"uninitialized parameter",
        "A lazy layer learns its sizes from its first batch, and has not seen one.",
        "Call the model on a batch before you look at its parameters or make an optimizer: "
        "model(x).",
    ),
    Explanation(
        "train_argument",
        ("ValueError",),
        r"^training mode is expected to be boolean",
        "model.train() switches a mode on; it trains nothing, and takes no data.",
        "Write model.train(), and then your loop.",
    ),
    Explanation(
        "mode_uncalled",
        (
            "TypeError",
            "AttributeError",
        ),
        r"^'type' object does not support the context manager protocol|^__enter__$",
        "no_grad and its like are made before they are entered.",
        "Write the parentheses: `with torch.no_grad():`, with the block below it.",
        where=BY_FRAMES,
    ),
    Explanation(
        "autocast_kind",
        ("TypeError", "ValueError"),
        r"^autocast\.__init__\(\) missing 1 required positional argument: 'device_type'|"
        r"^Expected `device_type` of type `str`|^set_autocast_dtype\(\): argument 'dtype'|"
        r"^autocast\(\)\(func\) requires a callable",
        "autocast asks on which kind of device it is to act, as a text, and takes one of torch's "
        "dtypes.",
        'Say which: `with torch.autocast("cuda", dtype=torch.bfloat16):`, or "cpu"; of a '
        "torch.device that is device.type.",
    ),
    Explanation(
        "list_backward",
        ("AttributeError",),
        r"^'list' object has no attribute 'backward'",
        "Several losses stand in a list, and backward starts from one number.",
        "Add them: sum(losses).backward(), or torch.stack(losses).mean().backward().",
    ),
    Explanation(
        "torch_name",
        ("AttributeError",),
        r"^module 'torch(\.\w+)*' has no attribute '",
        "torch has no such name: it is spelled another way, or this version does not have it.",
        "Look at capitals and underscores: nn.ReLU, F.cross_entropy, torch.no_grad, "
        "optim.AdamW. torch.__version__ says which version runs.",
    ),
)
