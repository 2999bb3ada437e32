"""Errors of a module's parts: lists and dicts of them, names, parametrizations, first values."""

from __future__ import annotations

from grader.errors.explanation import Explanation

CONTAINERS = (
    Explanation(
        "part_number",
        ("IndexError",),
        r"^index -?\d+ is out of range|^Index out of range: ",
        "A Sequential or a ModuleList has no part of this number: they count from 0.",
        "Print len(parts). The last one is parts[-1]; go through all by for part in parts.",
        where=r"torch/nn/modules/container\.py:\w+$",
    ),
    Explanation(
        "part_by_name",
        ("TypeError",),
        r"^'str' object cannot be interpreted as an integer",
        "A Sequential is asked by number in brackets; a name is an attribute.",
        'Write model.name, or model.get_submodule("name"). To ask by names use nn.ModuleDict.',
        where=r"torch/nn/modules/container\.py:\w+$",
    ),
    Explanation(
        "part_key",
        ("KeyError", "AttributeError"),
        r"^(?!.*has no attribute)|^'ParameterDict' object has no attribute",
        "This ModuleDict or ParameterDict has no entry of this name.",
        "Print list(parts.keys()). A number is no name: parts[str(n)].",
        where=r"torch/nn/modules/container\.py:__getitem__( > torch/nn/modules/module\.py:"
        r"__getattr__)?$",
    ),
    Explanation(
        "parts_listed",
        ("TypeError", "ValueError"),
        r"^(ModuleList|ParameterList)\.extend should be called with an iterable|^(ModuleDict|"
        r"ParametersDict)\.update should be called with|^(ModuleDict|ParameterDict) update "
        r"sequence element",
        "A ModuleList takes a list of modules, and a ModuleDict a dict of names and modules; "
        "ParameterList and ParameterDict do so for parameters.",
        'Write nn.ModuleList([layer]), nn.ModuleDict({"head": layer}), '
        "nn.ParameterList([p]). One more is added by layers.append(layer).",
    ),
    Explanation(
        "name_text",
        ("TypeError", "KeyError"),
        r"^(module|buffer|parameter) name should be a string|^Index given to ParameterDict "
        r"cannot be used|(module|buffer|parameter) name can\S+t be empty",
        "A part of a module has a name, a text that is not empty.",
        'Write nn.ModuleDict({str(n): layer}), self.register_buffer("mask", mask). For parts '
        "by number take nn.ModuleList.",
    ),
    Explanation(
        "integer_model",
        ("TypeError",),
        r"^nn\.Module\.to only accepts floating point",
        "A model's weights are floating numbers, and it was asked to become integers.",
        "Leave the model as it is, and convert what needs it: target.long(), numbers.long(). "
        "For 16 bits write model.to(torch.bfloat16).",
    ),
    Explanation(
        "part_path",
        ("AttributeError",),
        r"^\w+ has no attribute `\w+`$|^`\w+` is not (an nn\.(Parameter|Module)|a buffer)$",
        "A path of names leads through this model to a part that it does not have, or to one "
        "of another kind: a buffer for a parameter.",
        "Print the names: [name for name, _ in model.named_parameters()], and "
        "named_buffers() or named_modules() for these.",
    ),
    Explanation(
        "parameter_called",
        ("TypeError",),
        r"^'(Parameter|Buffer)' object is not callable",
        "A parameter is a tensor, and was called like a layer.",
        "Multiply by it, x @ weight.T, or call the layer that holds it: layer(x).",
    ),
    Explanation(
        "norm_hooks",
        ("RuntimeError", "ValueError"),
        r"^Cannot register two (weight|spectral)_norm hooks|^(weight|spectral)_norm of '\w+' "
        r"not found in",
        "weight_norm and spectral_norm are put on a weight once and taken off once; this one "
        "has it already, or does not have it. A layer that is normalized where it is made, "
        "and again in a loop over all modules, meets it twice.",
        "Normalize a layer where it is made, and nowhere else: self.fc = "
        'weight_norm(nn.Linear(3, 2)). Ask with hasattr(layer, "weight_g") or hasattr(layer, '
        '"weight_u").',
    ),
    Explanation(
        "parametrized_name",
        ("ValueError",),
        r"does not have a parameter, a buffer, or a parametrized element with name|^Module "
        r"'.*' has no parameter or buffer with name|^Module .* does not have a "
        r"parametrization on",
        "This module itself has no tensor of this name, or none that is parametrized. The "
        "weights of a model are those of its layers.",
        "Put it on the layers: for m in model.modules(): if isinstance(m, nn.Linear): "
        "spectral_norm(m). Print the names of one: list(dict(m.named_parameters())).",
    ),
    Explanation(
        "parametrized_result",
        ("ValueError",),
        r"^Registering a parametrization may not change the (shape|dtype)|^A parametrization "
        r"must return a tensor",
        "A parametrization is a module whose forward turns the stored tensor into the one "
        "that is used, of the same shape and dtype; this one changes them.",
        "Return a tensor of the shape of the argument: def forward(self, w): return w.triu() "
        "+ w.triu(1).T makes a square w symmetric.",
    ),
    Explanation(
        "no_right_inverse",
        ("RuntimeError",),
        r"^parametrization \w+ does not implement right_inverse",
        "A weight that is parametrized is computed anew at each use. To write into it torch "
        "asks the parametrization which stored tensor gives this value, and it does not say.",
        "Write into what is stored: with torch.no_grad(): "
        "layer.parametrizations.weight.original.copy_(w). Or give the parametrization a "
        "method right_inverse(self, w).",
    ),
    Explanation(
        "parametrized_saved",
        ("RuntimeError",),
        r"^Serialization of parametrized modules is only supported through state_dict",
        "A layer with a parametrization has a class that was made for it alone, and "
        "torch.save cannot write such a one as a whole.",
        "Save the numbers: torch.save(model.state_dict(), path), and load them into a model "
        "that was parametrized in the same way.",
    ),
    Explanation(
        "init_word",
        ("ValueError",),
        r"^Unsupported nonlinearity|^Mode \S+ not supported, please use one of|"
        r"^negative_slope \S+ not a valid",
        'nn.init knows a few activations by name: "linear", "sigmoid", "tanh", "relu", '
        '"leaky_relu" and "selu"; mode is "fan_in" or "fan_out".',
        "For GELU, SiLU and their like, which are not among them, write "
        'nonlinearity="relu"; or choose the gain yourself: nn.init.xavier_normal_(w, '
        "gain=1.5).",
    ),
    Explanation(
        "init_matrix",
        ("ValueError",),
        r"^Only tensors with (2|2 or more|3, 4, or 5) dimensions are supported",
        "This way to begin is made for tensors of other dimensions: orthogonal_ for two or "
        "more, eye_ and sparse_ for matrices, dirac_ for weights of convolutions. A bias has "
        "one.",
        "Ask for the dimensions: if p.dim() > 1: nn.init.orthogonal_(p). A bias begins with "
        "nn.init.zeros_(p).",
    ),
    Explanation(
        "init_bounds",
        ("RuntimeError",),
        r"^uniform_ expects to return a \[from, to\) range",
        "The smaller bound comes first, and these are the other way round.",
        "Write nn.init.uniform_(w, -0.1, 0.1), x.uniform_(-0.1, 0.1).",
    ),
)
