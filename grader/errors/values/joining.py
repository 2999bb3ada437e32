"""Errors of joining, reshaping and sizing tensors."""

from __future__ import annotations

from grader.errors.explanation import Explanation

JOINING = (
    Explanation(
        "list_wanted",
        ("TypeError",),
        r"^(cat|stack|concat|hstack|vstack|block_diag|meshgrid)\(\): argument 'tensors' "
        r"\(position 1\) must be tuple of Tensors, not Tensor",
        "cat and stack take one list of tensors, and were given the tensors one by one, or one "
        "tensor.",
        "Write torch.cat([a, b], dim=1).",
    ),
    Explanation(
        "list_of_numbers",
        ("TypeError",),
        r"^expected Tensor as element \d+ in argument \d+, but got (?!NoneType|tuple)",
        "The list that is to be joined holds something else than tensors: numbers, lists or "
        "arrays.",
        "Of numbers make one tensor: torch.tensor(numbers). Of losses keep the tensors and "
        "leave .item() out; of arrays: torch.from_numpy(np.stack(arrays)).",
    ),
    Explanation(
        "two_unknown",
        ("RuntimeError",),
        r"^only one dimension can be inferred",
        "view and reshape compute one size from the others, and two are -1.",
        "Say all sizes but one: x.reshape(len(x), -1).",
    ),
    Explanation(
        "negative_size",
        ("RuntimeError",),
        r"^invalid shape dimension -\d+|^Trying to create tensor with negative dimension",
        "A size is below 0. Only -1 has a meaning: in view and reshape the size that is left, in "
        "expand the size as it is.",
        "Print the numbers that the shape is computed from.",
    ),
    Explanation(
        "permute_all",
        ("RuntimeError",),
        r"^permute(\(sparse_coo\)|\(\)): (number of dimensions in the tensor input does not "
        r"match|duplicate dims|.*repeated dim)",
        "permute names every dimension of the tensor once, in the new order.",
        "Print x.dim(). For two of them use x.transpose(1, 2).",
    ),
    Explanation(
        "t_matrix",
        ("RuntimeError",),
        r"^t\(\) expects a tensor with <= 2 dimensions",
        "t() turns a matrix, and this tensor has more dimensions.",
        "For a batch of matrices: x.transpose(-2, -1), or x.mT.",
    ),
    Explanation(
        "expanded",
        ("RuntimeError",),
        r"^The expanded size of the tensor \(\d+\) must match the existing size|^expand\(.*\): "
        r"the number of sizes provided|^Number of dimensions of repeat dims can not be smaller",
        "expand repeats dimensions of size 1 alone, and says the size of every dimension; "
        "repeat says how often for every one.",
        "Print the shape, and put a 1 where it is to be repeated: x.unsqueeze(1).expand(-1, n, "
        "-1). Where a tensor is assigned, x[...] = y, the shape of y must broadcast to that of "
        "x[...].",
    ),
    Explanation(
        "split_sum",
        ("RuntimeError",),
        r"^split_with_sizes expects split_sizes to sum exactly",
        "The parts of a split must add up to the whole dimension.",
        "One number, x.split(2), cuts parts of that size, the last one smaller if need be.",
    ),
    Explanation(
        "beyond_end",
        ("RuntimeError",),
        r"^start \(-?\d+\) \+ length \(\d+\) exceeds dimension size|^maximum size for tensor at "
        r"dimension \d+ is \d+ but size is",
        "A window reaches beyond the end of its dimension.",
        "Print the size of that dimension. A slice, x[a:b], stops at the end by itself.",
    ),
    Explanation(
        "pad_count",
        ("RuntimeError", "NotImplementedError", "TypeError"),
        r"^Padding length should be less than or equal to two times|^Argument #\d+: Padding "
        r"size should be less than the corresponding input dimension|^Only "
        r"[2-5]D.*padding.*supported|^Padding size \d+ is not supported|"
        r"^Padding length must be divisible by 2|^Padding value causes wrapping|^pad\(\): "
        r"argument 'pad' \(position 2\) must be tuple of ints",
        "F.pad takes two numbers for each dimension, beginning with the last; reflect pads by "
        "less than the size itself, and circular by no more than it. All modes but the constant "
        "one pad each dimension behind the channels and no other: images (N, C, H, W) or (C, H, W) "
        "by two pairs, (N, C, L) or (C, L) by one.",
        "Print the shape. The last dimension is the first pair: F.pad(x, (left, right, top, "
        "bottom)). A grey image (H, W) gets its channel by x[None].",
    ),
    Explanation(
        "resize_dims",
        (
            "ValueError",
            "NotImplementedError",
        ),
        r"^Input and output must have the same number of spatial dimensions|^either size or "
        r"scale_factor should be defined|^Got \dD input, but \w+ mode needs \dD input|^Input and "
        r"scale_factor must have the same number",
        "interpolate sizes the dimensions behind batch and channels, so an image is (N, C, H, W).",
        'A single image becomes a batch by x.unsqueeze(0). For images say mode="bilinear" and '
        "size=(H, W).",
    ),
    Explanation(
        "einsum_letters",
        ("RuntimeError",),
        r"^einsum\(\): ",
        "The equation does not fit the tensors: one group of letters for each tensor, one letter "
        "for each dimension, one size for each letter, and in the result letters from before it, "
        "each once.",
        'Print the shapes beside the equation. "...ij,jk->...ik" leaves batch dimensions open.',
    ),
    Explanation(
        "dot_sizes",
        ("RuntimeError",),
        r"^inconsistent tensor size, expected tensor",
        "dot multiplies two vectors entry by entry and adds, so they have one length.",
        "Print both lengths.",
    ),
    Explanation(
        "array_for_tensor",
        ("TypeError",),
        r"must be Tensor, not numpy\.ndarray",
        "A NumPy array stands where a tensor belongs.",
        "Convert it where it enters: torch.from_numpy(a).float(). In a dataset, do it in "
        "__getitem__.",
    ),
    Explanation(
        "number_for_tensor",
        ("TypeError",),
        r"^\w+\(\): argument '(input|other|self|target)' \(position \d+\) must be Tensor, not "
        r"(float|int|bool)",
        "A Python number stands where a tensor belongs.",
        "For numbers use math.exp(2.0); else make a tensor, torch.tensor(2.0), or leave out the "
        ".item() that made a number of one.",
    ),
    Explanation(
        "dict_for_tensor",
        ("TypeError",),
        r"^\w+\(\): argument '\w+' \(position \d+\) must be Tensor, not (dict|str|"
        r"PackedSequence|BatchEncoding|BaseModelOutput\w*|OrderedDict)",
        "A dict, a text or a packed sequence stands where a tensor belongs.",
        'Take out the tensor: batch["image"], output.last_hidden_state, packed.data; a packed '
        "sequence that has gone through an RNN is unpacked by pad_packed_sequence first.",
    ),
    Explanation(
        "size_kind",
        ("TypeError",),
        r"^(view|reshape|zeros|ones|empty|rand|randn|full|expand|repeat)\(\): argument '(size|"
        r"shape|repeats)' .*must be tuple of ints|^(view|reshape|expand|repeat)\(\) received an "
        r"invalid combination of arguments|^(randint|linspace|arange|full)\(\) received an "
        r"invalid combination|^empty\(\): argument 'size' failed to unpack",
        "The sizes of a shape are whole numbers, and all the arguments that this function needs "
        "must be there.",
        "Use // in the place of /, and int(n) for what is a float: x.view(n // 2, 2). "
        "torch.randint(high, size) and torch.linspace(start, end, steps) take them all.",
    ),
    Explanation(
        "max_number",
        ("TypeError",),
        r"^(max|min|maximum|minimum)\(\)(: argument 'other'| received an invalid combination of "
        r"arguments - got \(Tensor, (float|int)\))",
        "The larger of two needs two tensors; with a number this is clamp.",
        "Write x.clamp(min=0.0), or torch.maximum(x, other) of two tensors.",
    ),
    Explanation(
        "clamp_ends",
        ("RuntimeError",),
        r"^torch\.clamp: At least one of 'min' or 'max' must not be None",
        "clamp was given neither end.",
        "Write x.clamp(min=0.0), x.clamp(max=1.0), or both.",
    ),
    Explanation(
        "bool_minus",
        ("RuntimeError",),
        r"^(Subtraction|Negation), the `-` operator, (with|on)",
        "True and False have no difference in torch.",
        "Turn a mask round by ~mask. To count, convert first: a.int() - b.int().",
    ),
    Explanation(
        "not_for_dtype",
        (
            "RuntimeError",
            "NotImplementedError",
        ),
        r"^(?!\x22(bitwise|lshift|rshift|gcd|lcm|bincount)).*\x22 not implemented for '(?!Complex)",
        "This operation is not written for this dtype: the functions of a net are for floating "
        "numbers, and some are not for float16 on the CPU.",
        "Convert first: x.float(). Integers, truth values and uint8 images are converted where "
        "they enter the model.",
    ),
    Explanation(
        "for_integers",
        (
            "RuntimeError",
            "NotImplementedError",
        ),
        r"^\x22(bitwise|lshift|rshift|gcd|lcm|bincount)\w*\x22 not implemented for '(?!Complex)",
        "This operation is for integers, and & and | for truth values too; these are floating "
        "numbers.",
        "Join masks, each in its parentheses: (a > 0) & (b > 0). A mask of numbers becomes one by "
        "mask.bool(). To count class numbers convert them: torch.bincount(x.long()).",
    ),
)
