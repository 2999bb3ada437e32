"""Errors on the way from numbers, lists and arrays to tensors and back."""

from __future__ import annotations

from grader.errors.explanation import BY_FRAMES, Explanation

ARRAYS = (
    Explanation(
        "ragged",
        ("ValueError",),
        r"^expected sequence of length \d+ at dim \d+",
        "The lists are not all of one length, and a tensor has rows of one length.",
        "Pad them: pad_sequence([torch.tensor(one) for one in lists], batch_first=True), from "
        "torch.nn.utils.rnn. Keep the lengths, to leave the padding out of sums and means.",
    ),
    Explanation(
        "ragged_array",
        ("ValueError",),
        r"^setting an array element with a sequence",
        "NumPy was to make one array of numbers of rows that have different lengths, or of "
        "numbers beside lists.",
        "Pad them: pad_sequence([torch.as_tensor(row, dtype=torch.float32) for row in rows], "
        "batch_first=True), from torch.nn.utils.rnn; or go through a list of them, one tensor "
        "each. Rows of one length are joined by np.stack(rows).",
    ),
    Explanation(
        "texts",
        ("ValueError",),
        r"^too many dimensions 'str'",
        "A tensor holds numbers, and these are texts.",
        "Number them first, once for all data: {word: i for i, word in "
        "enumerate(sorted(set(words)))}. Numbers in a file are texts too: float(text).",
    ),
    Explanation(
        "no_dtype",
        ("RuntimeError",),
        r"^Could not infer dtype of",
        "torch.tensor met something that is no number: None, a dict, a set or an object.",
        "Print what you give it. None often comes from a missing entry of a table, or from a "
        "function without return.",
    ),
    Explanation(
        "array_bfloat",
        ("TypeError",),
        r"^Got unsupported ScalarType",
        "NumPy has no numbers of this dtype, such as bfloat16.",
        "Convert first: t.float().numpy().",
    ),
    Explanation(
        "array_first",
        ("TypeError",),
        r"^unsupported operand type\(s\) for \S+: 'numpy\.ndarray' and 'Tensor'|^Concatenation "
        r"operation is not implemented for NumPy arrays",
        "A NumPy array stands before a tensor in a formula, and NumPy does not know what to do "
        "with it.",
        "Convert the array: torch.from_numpy(a).to(x.dtype).",
    ),
    Explanation(
        "array_method",
        ("AttributeError",),
        r"^'numpy\.ndarray' object has no attribute '(dim|to|cuda|cpu|unsqueeze|numel|detach|"
        r"backward|requires_grad_?|float|long|double|permute|numpy|grad|contiguous|is_cuda|"
        r"size)'",
        "This is a NumPy array, and not a tensor.",
        "Convert it: torch.from_numpy(a). It has been one since .numpy(), or since it was read "
        "from a file.",
    ),
    Explanation(
        "tensor_method",
        ("AttributeError",),
        r"^'Tensor' object has no attribute '(astype|append|copy|tofile|ravel_|concat|"
        r"concatenate|iloc|values_|keys|items|loss|logits|last_hidden_state|read|lower|split_|"
        r"extend|shape_|tolist_|zero_grad|parameters|step)'",
        "A tensor has no such method: it belongs to an array, a list, a dict or a model.",
        "astype is x.to(torch.float32), copy is x.clone(), append is a list that torch.stack "
        "joins at the end. For the rest look at what the variable should have been.",
    ),
    Explanation(
        "array_loss",
        ("TypeError",),
        r"^'int' object is not callable",
        "A NumPy array was given to a loss: its .size is a number, and that of a tensor a method.",
        "Convert a target: torch.from_numpy(a).float(). Of a prediction leave out the .numpy() "
        "that made it one: behind that no gradient flows.",
        where=r"torch/nn/functional\.py:\w+$",
    ),
    Explanation(
        "formatted",
        ("TypeError",),
        r"^unsupported format string passed to (Tensor|Parameter)\.__format__|^type (Tensor|"
        r"Parameter) doesn't define __round__ method",
        "A format such as .3f takes a tensor of shape () that is no Parameter, and Python's round "
        "takes no tensor at all.",
        'Read the number: f"{loss.item():.3f}", round(loss.item(), 3). Reduce several first: '
        "x.mean().item().",
    ),
    Explanation(
        "leaf_data",
        ("RuntimeError",),
        r"^data set to a tensor that requires gradients must be floating point",
        "What requires grad keeps floating numbers, and these are integers.",
        "Convert them: p.data = values.float(); or, better, p.copy_(values) inside `with "
        "torch.no_grad():`.",
    ),
    Explanation(
        "parameter_of",
        ("AttributeError",),
        r"^'(list|float|int|tuple|numpy\.ndarray)' object has no attribute 'detach'",
        "nn.Parameter takes a tensor.",
        "Write nn.Parameter(torch.tensor(values)).",
        where=r"torch/nn/parameter\.py:__new__$",
    ),
    Explanation(
        "dtype_text",
        ("TypeError",),
        r"^\w+\(\): argument 'dtype' must be torch\.dtype, not (str|type)",
        "A dtype is an object of torch, and no text, nor one of NumPy's types.",
        "Write dtype=torch.float32.",
    ),
    Explanation(
        "start_value",
        ("TypeError",),
        r"^'(float|int)' object is not iterable",
        "backward of a number needs no argument, and one that it is given is the gradient to "
        "start from: a tensor of the result's shape.",
        "Write loss.backward(), or y.backward(torch.ones_like(y)). A factor belongs to the "
        "loss: (2 * loss).backward().",
        where=r"torch/autograd/__init__\.py:_tensor_or_tensors_to_tuple$",
    ),
    Explanation(
        "grad_inputs",
        (
            "RuntimeError",
            "TypeError",
        ),
        r"^all inputs have to be Tensors or GradientEdges",
        "torch.autograd.grad asks for the gradient of tensors, and was given something else.",
        "Pass the tensors themselves: torch.autograd.grad(loss, list(model.parameters())).",
    ),
    Explanation(
        "one_gradient",
        ("ValueError",),
        r"^not enough values to unpack \(expected \d+, got 1\)",
        "The right side has one value, and the left side more names. torch.autograd.grad gives "
        "one gradient for each tensor it was asked about; a TensorDataset of one tensor gives "
        "tuples of one.",
        "Print what stands on the right. For a batch of one tensor write (x,) = batch; ask for "
        "several gradients by grad(loss, [x, y]).",
        where=BY_FRAMES,
    ),
    Explanation(
        "shape_names",
        ("ValueError",),
        r"^not enough values to unpack \(expected [345], got [234]\)",
        "The right side has fewer values than the left side has names: often a shape, of a "
        "tensor without batch or without channels.",
        "Print x.shape. A single image becomes a batch by x.unsqueeze(0), a grey one gets its "
        "channel by x.unsqueeze(1).",
        where=BY_FRAMES,
    ),
)
