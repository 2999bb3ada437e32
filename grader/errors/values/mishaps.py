"""Errors met beside autograd: None, tuples, calls that were forgotten, shapes, dtypes, devices."""

from __future__ import annotations

from grader.errors.explanation import Explanation

_RUNTIME = ("RuntimeError",)
_TENSOR_NAMES = (
    "backward|grad|grad_fn|requires_grad_?|is_leaf|detach|clone|view|reshape|flatten|sum|mean|norm|"
    "abs|exp|log|sqrt|pow|shape|dtype|device|size|numel|dim|T|t|item|numpy|zero_|to|long|float|cuda|cpu|unsqueeze|squeeze"
)

VALUES = (
    Explanation(
        "called_attribute",
        ("TypeError",),
        r"'(bool|NoneType|torch\.(dtype|device|Size))' object is not callable",
        "What is called is no function. is_leaf, requires_grad, grad, grad_fn, shape, dtype and "
        "device are attributes, not methods; and None is what a function or a decorator without "
        "return gives.",
        "Leave out the parentheses behind an attribute; add the missing return.",
    ),
    Explanation(
        "called_tensor",
        ("TypeError",),
        r"'Tensor' object is not callable",
        "A tensor stands where a function is called: an attribute such as .grad got parentheses, "
        "or a function was called too early, and its result handed over in its place.",
        "Leave out the parentheses behind an attribute; hand over a function itself and its "
        "arguments apart: checkpoint(f, x), not checkpoint(f(x)).",
    ),
    Explanation(
        "called_node",
        ("TypeError",),
        r"^expected \d+ arguments?, got \d+ instead|'\w+Backward' object is not callable",
        "grad_fn is an attribute that holds a graph node. Calling one of torch's own nodes runs "
        "its backward; that of a custom Function cannot be called.",
        "Write t.grad_fn without parentheses.",
    ),
    Explanation(
        "forgot_to_call",
        ("AttributeError", "TypeError"),
        r"'(builtin_function_or_method|method)'",
        "A method stands where you expected what it returns: it was named and not called.",
        "Add the parentheses: x.sum(), model.parameters().",
    ),
    Explanation(
        "none_used",
        ("AttributeError", "TypeError"),
        r"'NoneType' object (has no attribute|is not subscriptable|is not iterable)|"
        r"'NoneType' has no len\(\)|cannot unpack non-iterable NoneType object",
        "Something is None where you expected a tensor, a node or a list: a .grad before the first "
        "backward or of a non-leaf, a grad_fn of a leaf, the end of an edge, an attribute that was "
        "emptied, or what a function without return gave.",
        "Look for why it is None before you pass over it. A .grad that is None after backward "
        "means that the loss does not lead to that tensor: to skip it would leave it untrained. "
        "Test for None where None is right, as at the end of a graph.",
    ),
    Explanation(
        "none_in_formula",
        ("TypeError",),
        r"(unsupported operand type\(s\)|bad operand type for unary).*'NoneType'|"
        r"must be Tensor, not NoneType|Tensor as element \d+ in argument \d+, but got NoneType",
        "One of the operands is None. It may be a .grad before the first backward or of a "
        "non-leaf, an argument, an item or a bias that need not be there, what a function without "
        "return gave, an attribute that was emptied, or the gradient in a hook of a result that "
        "was not used.",
        "Print the operands. Read a .grad after backward, from a leaf or after retain_grad(). Test "
        "for what may be None before you compute with it.",
    ),
    Explanation(
        "tuple_used",
        ("AttributeError", "TypeError"),
        rf"'tuple' object has no attribute '({_TENSOR_NAMES})'|"
        r"unsupported operand type\(s\).*('tuple' and 'Tensor'|'Tensor' and 'tuple')|"
        r"bad operand type for unary -: 'tuple'|must be Tensor, not tuple|"
        r"Tensor as element \d+ in argument \d+, but got tuple|"
        r"can only concatenate tuple \(not \x22(Tensor|Parameter)\x22\)",
        "A tuple stands where you expected a tensor. torch.autograd.grad returns one, with a "
        "gradient for each input, even for a single input. An LSTM returns its output and its "
        "state, and that state is a pair again. A sample is one, where a dataset gives input "
        "and target.",
        "Take the entry out: (g,) = torch.autograd.grad(y, x); output, state = lstm(x); "
        "x, y = sample. Detach a "
        "state part by part: tuple(part.detach() for part in state).",
    ),
    Explanation(
        "sequence_scaled",
        ("TypeError",),
        r"^can't multiply sequence by non-int of type 'float'",
        "A list or a tuple is multiplied by a float. torch.autograd.grad returns a tuple, with a "
        "gradient for each input. A whole number would not scale it either, but repeat it, "
        "without an error.",
        "Multiply what it holds: [0.1 * g for g in grads]; or take the one out of it: "
        "(g,) = torch.autograd.grad(y, x).",
    ),
    Explanation(
        "pair_used",
        ("AttributeError", "TypeError"),
        r"'torch\.return_types\.\w+' object has no attribute|"
        r"must be Tensor, not torch\.return_types\.|"
        r"unsupported operand type\(s\).*'torch\.return_types\.\w+'",
        "Some functions return several tensors at once, by names. sort, topk, and max and min "
        "along a dimension return values and indices.",
        "Take the part you need: x.max(1).values.",
    ),
    Explanation(
        "number_used",
        ("AttributeError",),
        rf"'(float|int)' object has no attribute '({_TENSOR_NAMES})'",
        "A Python number stands where you expected a tensor. .item(), float() and math make one; "
        "and a sum that begins at 0 is still the number 0 where no term was added.",
        "Keep the tensor, and read its number after backward. Where no term was added, ask why: "
        "what the loop goes through may be empty, as an iterator is that was read before.",
    ),
    Explanation(
        "one_number",
        ("RuntimeError", "ValueError"),
        r"cannot be converted to Scalar|only one element tensors can be converted to Python",
        "item(), float() and the functions of math take a tensor of one element, and torch.tensor "
        "a list of such.",
        "Reduce it first, or use torch's own function: torch.sqrt(x), torch.stack(tensors).",
    ),
    Explanation(
        "truth",
        _RUNTIME,
        r"Boolean value of Tensor with more than one value is ambiguous",
        "if, while, and, or and not need one truth value, and this tensor has several. So do max "
        "and sorted of Python, and a search in a list by `in`, index or remove, which compare.",
        "Use torch.where for a choice per entry, (x > 0).all() for one answer, torch.maximum for "
        "the larger of two. Look for a tensor in a list by any(t is x for t in tensors).",
    ),
    Explanation(
        "zero_dimensions",
        ("TypeError", "IndexError"),
        r"(of|over) a 0-d tensor|invalid index of a 0-dim tensor",
        "A tensor of shape () is a single number: it has no length and no entries.",
        "Use it as it is, or give it a dimension: x.reshape(1).",
    ),
    Explanation(
        "recursion",
        ("RecursionError",),
        r"maximum recursion depth",
        "A function calls itself, perhaps by way of others, more often than Python allows: either "
        "nothing ends the calls, or there are too many of them, as in a walk over a graph that is "
        "thousands of nodes deep.",
        "Does one case return without a call? A forward that calls self(x) has none: call the "
        "parts. For a graph keep the nodes still to visit in a list or a deque, and loop.",
    ),
    Explanation(
        "exit",
        ("SystemExit",),
        r"",
        "exit() and sys.exit() end the program instead of the function. So does parse_args of "
        "argparse where it refuses a word: without a list it reads those that this process was "
        "started with.",
        "Use return. Hand parse_args a list: parser.parse_args([]).",
    ),
)

OPERANDS = (
    Explanation(
        "device",
        _RUNTIME,
        r"[Ee]xpected (all tensors )?to be (on|in) the same device|is not on the expected device|"
        r"is on cpu but expected on|expected device \w+(:\d+)? but got|"
        r"tensors used as indices should be (either )?on",
        "Two tensors of one operation lie on different devices.",
        "Create tensors where one lies that you are given, say t: device=t.device, "
        "torch.zeros_like(t), t.new_zeros(...). A module's .to() moves its parameters and buffers; "
        "a tensor that is a plain attribute stays behind, so register it with register_buffer.",
    ),
    Explanation(
        "numpy_device",
        ("TypeError",),
        r"can't convert \S+ device type tensor to numpy",
        "NumPy reads the CPU's memory only.",
        "Stay in torch, or copy the values first: t.cpu().numpy().",
    ),
    Explanation(
        "no_values",
        ("RuntimeError", "NotImplementedError"),
        r"Cannot copy out of meta tensor|cannot be called on meta tensors",
        "A tensor on the meta device has a shape and a dtype, and no values.",
        "Use its shape alone, or create it on the CPU.",
    ),
    Explanation(
        "dtype",
        _RUNTIME,
        r"^(?!.*but got .*Complex).*((have|has) (the )?same dtype|expected scalar type "
        r"(?!Long but)|destination dtypes match|"
        r"expected dtype \w+ for .* but got dtype|(bias|weight) type .* should be the same|"
        r"dtype to be equal to src\.dtype)",
        "The tensors of one operation have different dtypes.",
        "Create tensors with dtype=x.dtype, or convert with t.to(x.dtype). Of integers and "
        "floating numbers convert the integers: the other way cuts off fractions, and the graph. "
        "NumPy's numbers are float64 and a layer's weights float32: torch.from_numpy(a).float().",
    ),
    Explanation(
        "integer_result",
        _RUNTIME,
        r"result type \w+ can't be cast to the desired output type",
        "An in-place operation keeps the dtype of its tensor, and an integer tensor cannot hold "
        "fractions, nor a mask numbers.",
        "Convert first (t = t.double()), or use the out-of-place operation. A loss for "
        "probabilities takes its target as floating numbers: y.float(). Where you average a "
        "model's buffers, copy the integer ones, such as BatchNorm's num_batches_tracked.",
    ),
    Explanation(
        "integer_mean",
        _RUNTIME,
        r"could not infer output dtype\. Input dtype must be either a floating point",
        "The mean of integers is no integer in general, so torch refuses it.",
        "Convert first: t.double().mean().",
    ),
    Explanation(
        "sizes",
        _RUNTIME,
        r"The size of tensor a \(\d+\) must match the size of tensor b",
        "The shapes do not fit entry by entry: read from the right, sizes must be equal or 1.",
        "Print both shapes, and look at what each dimension counts: unsqueeze or transpose one "
        "of them so that they line up. Where the same dimension has two lengths, look at how "
        "both are made: unsqueeze would end the error and pair each entry with every other.",
    ),
    Explanation(
        "product_sizes",
        _RUNTIME,
        r"shapes cannot be multiplied|size mismatch, got input",
        "In a matrix product A @ B the last size of A must be the first one of B. A Linear takes "
        "as many features as it was made with.",
        "Print both shapes, and ask whether it is the right tensor that arrives there. If the "
        "first size is not that of the batch, the batch was flattened with the features, or what "
        "stands behind the batch was not flattened: x.flatten(1) makes one row of each sample. A "
        "Linear of your own is made with the number of features that arrives; in a product of your "
        "own one of the two may have to be transposed.",
    ),
    Explanation(
        "result_size",
        _RUNTIME,
        r"output with shape .* doesn't match the broadcast shape",
        "An in-place operation cannot enlarge its tensor, and the result would be larger.",
        "Use the out-of-place operation: t = t + other.",
    ),
    Explanation(
        "view_stride",
        _RUNTIME,
        r"view size is not compatible with input tensor's size and stride",
        "view needs one stride for each dimension of the new shape, and here no one stride leads "
        "through dimensions that would become one: after a transpose, for one.",
        "Use reshape, which copies where it must: an edit in place of such a copy does not reach "
        "the tensor.",
    ),
)

CALLS = (
    Explanation(
        "asks",
        ("EOFError", "StdinNotImplementedError"),
        r"^input\(\)|^EOF when reading a line|^raw_input was called",
        "A call of input() was left in, and nobody types an answer while your code is checked.",
        "Take it out: what your function needs comes in its arguments.",
    ),
    Explanation(
        "debugs",
        ("EOFError",),
        r"^breakpoint\(\)",
        "A call of breakpoint() or of a debugger's set_trace() was left in, and there is no "
        "debugger while your code is graded.",
        "Take it out.",
    ),
)
"""Calls that were left in."""
