"""Errors of single operations on tensors: counts, dimensions, values, ranges."""

from __future__ import annotations

from grader.errors.explanation import Explanation

OPERATIONS = (
    Explanation(
        "more_than_there",
        ("RuntimeError",),
        r"^selected index k out of range",
        "topk was asked for more entries than the dimension has, as the five best of three "
        "classes.",
        "Print the shape, and ask for no more: x.topk(min(k, x.shape[-1])).",
    ),
    Explanation(
        "no_kth_value",
        ("RuntimeError",),
        r"^kthvalue\(\): selected number k out of range",
        "kthvalue counts from 1, the smallest, to the size of the dimension, the largest. k is 0, "
        "below 0, or more than that size.",
        "Print k and x.shape. Where a k of 0 or one behind the last can come, ask before the call.",
    ),
    Explanation(
        "nothing_to_reduce",
        ("RuntimeError", "IndexError"),
        r"Expected reduction dim (to be specified for input\.numel\(\) == 0|-?\d+ to have "
        r"non-zero size)",
        "The tensor is empty, and nothing has no largest entry: a mask or a filter chose "
        "nothing, or a batch has no samples.",
        "Ask first: if x.numel() > 0. Print the mask's sum. A sum of nothing is 0, a maximum "
        "can be replaced by torch.where(mask, x, -torch.inf).amax().",
    ),
    Explanation(
        "quantile_kind",
        ("RuntimeError",),
        r"^quantile\(\) (input tensor must be either|q )",
        "quantile takes float32 or float64, and q from 0 to 1, of the same dtype where it is "
        "a tensor.",
        "Convert both, and divide per cents: x.float().quantile(0.95), x.quantile(q.to(x.dtype)).",
    ),
    Explanation(
        "integer_spread",
        ("RuntimeError",),
        r"^std and var only support floating point|^linalg\.vector_norm: Expected a floating "
        r"point",
        "A spread or a norm of integers is no integer in general, so torch refuses it.",
        "Convert first: x.float().std(), F.normalize(x.float()).",
    ),
    Explanation(
        "argument_left_out",
        ("TypeError",),
        r"^\w+\(\) missing \d+ required positional arguments?: \x22",
        "This function of torch wants more arguments: the text names what is missing.",
        "Say it by its name: x.cumsum(dim=0), x.unsqueeze(dim=0), torch.full(size, "
        "fill_value=0.0).",
    ),
    Explanation(
        "count_kind",
        ("TypeError",),
        r"^(split_with_sizes|split|chunk|topk|randperm|eye)\(\): argument '\w+' \(position "
        r"\d\) must be (tuple of ints|int), not float",
        "This argument counts, so it is a whole number, and it is a float: / gives one even "
        "where it divides evenly.",
        "Write // in the place of /, or int(n): x.split(len(x) // 2).",
    ),
    Explanation(
        "assigned_kind",
        ("TypeError",),
        r"^can't assign an? [\w.]+ to a torch\.",
        "Into a part of a tensor go tensors and numbers, and this is a list, a text, a NumPy array "
        "or something else.",
        "Make a tensor of it: x[0] = torch.tensor([1.0, 2.0, 3.0]) of numbers, x[0] = "
        "torch.stack([a, b]) of tensors, which keeps their graphs. Of an array: "
        "torch.from_numpy(a). A text first becomes a number: float(text).",
    ),
    Explanation(
        "one_to_fill",
        ("RuntimeError",),
        r"^masked_fill_ only supports a 0-dimensional value|^fill_ only supports 0-dimension "
        r"value",
        "masked_fill and fill_ write one number everywhere, and were given a tensor of several.",
        "Choose entry by entry: torch.where(mask, values, x); to write them all, x.copy_(values).",
    ),
    Explanation(
        "text_in_formula",
        ("TypeError",),
        r"^unsupported operand type\(s\) for .*: '(Tensor|Parameter)' and '(str|list|dict|"
        r"set)'|^'\S+' not supported between instances of '(Tensor|Parameter)' and '(str|list|"
        r"dict)'|^unsupported operand type\(s\) for .*: '(str|list|dict|set)' and '(Tensor|"
        r"Parameter)'|^can only concatenate (str|list) \(not \x22(Tensor|Parameter)\x22\)",
        "A formula holds a tensor beside a text, a list or a dict, which have no numbers to "
        "compute with.",
        "Convert first: float(text), x - torch.tensor(numbers), or torch.stack(tensors), which "
        'keeps their graphs. A text with a number in it is f"loss {loss.item():.3f}". Of a dict '
        "take an entry.",
    ),
    Explanation(
        "inverted_numbers",
        ("TypeError",),
        r"^~ \(operator\.invert\) is only implemented on",
        "The operator ~ turns True and False round, and these are floating numbers.",
        "Make a mask of them first: ~(x > 0), or ~x.bool(). Of numbers 0 and 1 the others "
        "are 1 - x.",
    ),
    Explanation(
        "repeats_count",
        ("RuntimeError",),
        r"^repeats must have the same size as input along dim",
        "repeat_interleave takes one count for each entry along dim; without dim it goes "
        "through all entries of the tensor.",
        "Name the dimension: x.repeat_interleave(counts, dim=0), where len(counts) is x.shape[0].",
    ),
    Explanation(
        "empty_range",
        ("RuntimeError",),
        r"^random_ expects 'from' to be less than 'to'|^upper bound and (lower|larger) bound "
        r"inconsistent with step sign|^step must be nonzero",
        "There is no number between these bounds: randint leaves out the upper one, so that "
        "high must lie above low, and arange goes down only by a negative step.",
        "Print both. torch.randint(n, size) needs n of 1 or more: a dataset of length 0 has "
        "nothing to draw. Downward: torch.arange(5, 0, -1).",
    ),
    Explanation(
        "normal_size",
        ("TypeError",),
        r"^normal\(\) received an invalid combination of arguments - got \((int|float), (int|"
        r"float)\)",
        "torch.normal of two numbers cannot tell how many to draw.",
        "Say the size: torch.normal(0.0, 1.0, size=(3,)), or torch.randn(3).",
    ),
    Explanation(
        "distance_columns",
        ("RuntimeError",),
        r"^X1 and X2 must have the same number of columns|^cdist only supports at least 2D",
        "cdist measures from every row of one matrix to every row of the other, so that both "
        "have rows, of the same length.",
        "Print both shapes. A single vector becomes a row by x[None]: torch.cdist(x[None], rows).",
    ),
    Explanation(
        "several_dims",
        ("TypeError",),
        r"^(max|min|prod)\(\) received an invalid combination of arguments - got "
        r"\((dim=)?(tuple|list)|^arg(max|min)\(\): argument 'dim' .*must be int, not (tuple|"
        r"list)",
        "max, min, prod and argmax go along one dimension, and were given several.",
        "Take x.amax((0, 1)) and x.amin((0, 1)), which take several. For the place of the "
        "largest flatten first: x.flatten(1).argmax(1).",
    ),
    Explanation(
        "tensor_maker",
        ("TypeError",),
        r"^new\(\): data must be a sequence \(got (float|int)\)",
        "torch.Tensor and torch.FloatTensor take sizes or a list: a whole number is a size, "
        "another number is neither.",
        "Write torch.tensor(2.5), with a small t.",
    ),
    Explanation(
        "typed_maker",
        ("TypeError",),
        r"^expected TensorOptions\(dtype=",
        "torch.LongTensor and torch.FloatTensor make tensors of sizes and lists; of a tensor "
        "they take none of another dtype.",
        "Convert it: x.long(), x.float().",
    ),
    Explanation(
        "where_arguments",
        ("TypeError",),
        r"^where\(\) received an invalid combination of arguments",
        "torch.where takes a mask and two values, tensors or numbers; with the mask alone it "
        "gives the places.",
        "Write torch.where(mask, a, b), with b for where the mask is False: "
        "torch.where(mask, x, 0.0). Texts have no tensor: number them first.",
    ),
    Explanation(
        "dims_twice",
        ("RuntimeError",),
        r"^dim -?\d+ appears multiple times in the list of dims",
        "One dimension is named twice; -1 and the last number are the same one.",
        "Name each once: x.sum((0, 1)), x.sum(-1). Print x.dim().",
    ),
    Explanation(
        "no_mps",
        ("RuntimeError",),
        r"^PyTorch is not linked with support for mps",
        "This build of torch has no mps, the GPU of a Mac.",
        'Ask first: device = "mps" if torch.backends.mps.is_available() else "cpu".',
    ),
    Explanation(
        "normalized_shape",
        ("TypeError",),
        r"^(layer_norm|rms_norm)\(\): argument 'normalized_shape' .*must be tuple of ints",
        "The function takes the shape of what is normalized as a tuple; only the layer takes "
        "one number.",
        "Write F.layer_norm(x, (x.shape[-1],)), or nn.LayerNorm(features).",
    ),
)
