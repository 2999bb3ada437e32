"""Errors of indices, shapes and kinds of input: what a layer or an operation was given."""

from __future__ import annotations

from grader.errors.explanation import Explanation

_RUNTIME = ("RuntimeError",)
_MODULES = (
    r"ReLU|GELU|SiLU|Sigmoid|Tanh|Softmax|LogSoftmax|Flatten|Identity|Dropout\w*|Linear|Conv\dd|"
    r"\w+Pool\dd|\w+Norm\d?d?|Embedding|LSTM|GRU|Sequential"
)

INDICES = (
    Explanation(
        "index_dtype",
        ("IndexError", "RuntimeError"),
        r"tensors used as indices must be long|are valid indices \(got float\)|"
        r"\(\): Expected dtype int\S+ .*for index|^one_hot is only applicable to index tensor|"
        r"Expected a long tensor for index|dtype of indices should be Long|"
        r"Expected tensor for argument #1 'indices' to have one of the following scalar types",
        "Indices are of dtype int64, in most places int32 as well, and these are of another one: "
        "floats, or integers of another length.",
        "Convert them: indices.long(), or int(i) of a number. A mask of 0 and 1 becomes one by "
        "mask.bool(); mask.long() would choose rows 0 and 1. Of what comes from NumPy or a file, "
        "read integers.",
    ),
    Explanation(
        "index_tensor",
        ("TypeError",),
        r"only integer tensors of a single element can be converted to an index",
        "Python wants a whole number there and met a tensor; or a tensor is multiplied by a tuple, "
        "such as ctx.saved_tensors, which is one even of a single tensor.",
        "Unpack the tuple: (y,) = ctx.saved_tensors. For a number write int(n).",
    ),
    Explanation(
        "mask_shape",
        ("IndexError",),
        r"^The shape of the mask .* does not match the shape of the indexed tensor",
        "A tensor of truth values, or of uint8, is a mask where it is an index, and has the shape "
        "of what it chooses from.",
        "Print both shapes. Whole numbers that are to count entries are no mask: convert them by "
        ".long().",
    ),
    Explanation(
        "negative_step",
        ("ValueError",),
        r"^step must be greater than zero",
        "A slice of a tensor cannot go backward: a view with negative strides does not exist.",
        "Turn it round by x.flip(0).",
    ),
    Explanation(
        "index_range",
        ("IndexError", "RuntimeError"),
        r"^index out of range in self|^INDICES element is out of DATA bounds|"
        r"^index -?\d+ is out of bounds for dimension \d+ with size|"
        r"^Class values must be smaller than num_classes|"
        r"^Index \d+ of input takes value \d+ which is not in the valid range",
        "An index is not below the size of what it counts, such as a dimension, the rows of an "
        "Embedding or the classes of one_hot; or it is too small. x[index] counts back from -1, to "
        "minus the size; gather, an Embedding and one_hot take nothing below 0.",
        "Print indices.min() and indices.max() beside that size. Numbers that begin at 1 are one "
        "too large: subtract 1. An Embedding needs one row more than its largest number, and "
        "padding is a number too.",
    ),
    Explanation(
        "device_assert",
        ("RuntimeError", "AcceleratorError"),
        r"CUDA error: device-side assert triggered",
        "Code on the GPU met a number that may not be, most often an index or a class number out "
        "of range. It runs on after a call has returned, so the line that is shown may be a later "
        "one.",
        "Run the same step on the CPU: there the error names index and line. Then start Python "
        "anew, as this process can use its GPU no more.",
    ),
)

SHAPES = (
    Explanation(
        "channels",
        ("RuntimeError",),
        r"expected input\[.*\] to have \d+ channels, but got|"
        r"running_mean should contain \d+ elements not|"
        r"Given normalized_shape=.*, expected input with shape",
        "The layer was made for another number of channels or features than its input has.",
        "Print the shape in front of the layer. Images are (N, C, H, W): move the channels with "
        "permute(0, 3, 1, 2), or make the layer with the number that arrives. BatchNorm1d takes "
        "the positions of sequences (N, T, D) for channels: x.transpose(1, 2).",
    ),
    Explanation(
        "dimensions",
        ("RuntimeError", "ValueError"),
        r"Expected \dD \(unbatched\) or \dD \(batched\) input to|expected .*\dD input \(got \dD",
        "The input has more or fewer dimensions than this layer takes.",
        "Print its shape. A single image becomes a batch by x.unsqueeze(0); a layer that ends in "
        "1d, 2d or 3d says how many dimensions follow batch and channels.",
    ),
    Explanation(
        "too_small",
        _RUNTIME,
        r"Kernel size can't be greater than actual input size|Output size is too small",
        "The image has become smaller than the layer's window.",
        "Print the shape in front of each layer. Take out a pooling layer or a stride, add "
        "padding, or give larger images.",
    ),
    Explanation(
        "cat_sizes",
        _RUNTIME,
        r"Sizes of tensors must match except in dimension \d+|"
        r"^Tensors must have same number of dimensions",
        "cat joins along one dimension, and all others have to be there, and equal.",
        "Print the shapes. If they differ in one dimension alone, name it: torch.cat(parts, "
        "dim=1). If they differ in another one too, as images of which one was halved and doubled "
        "again, bring one to the other's size first: F.interpolate(u, size=s.shape[2:]). A row "
        "beside a matrix is row[None]. For a new dimension use torch.stack.",
    ),
    Explanation(
        "reshaped_size",
        _RUNTIME,
        r"^shape '\[.*\]' is invalid for input of size \d+|^cannot reshape tensor of 0 elements",
        "view and reshape keep the number of entries, and this shape holds another number. Of an "
        "empty tensor -1 could be any length.",
        "Print the shape that the tensor has there. To make a row of each sample of a batch write "
        "x.flatten(1), which takes an empty one too.",
    ),
    Explanation(
        "cat_numbers",
        _RUNTIME,
        r"zero-dimensional tensor \(at position \d+\) cannot be concatenated",
        "cat joins along a dimension, and a single number has none. squeeze() without a dimension "
        "takes away that of a batch of one.",
        "Join numbers by torch.stack. Name the dimension that squeeze is to take: x.squeeze(1).",
    ),
    Explanation(
        "product_dimensions",
        _RUNTIME,
        r"^(self|mat1|mat2|batch1|batch2) must be a |^1D tensors expected|"
        r"^vector \+ matrix @ vector expected|"
        r"^Expected size for first two dimensions of batch2",
        "mm, mv, bmm and dot take tensors of one number of dimensions each, and broadcast nothing. "
        "Where the text names sizes of batch2, these do not fit, in A @ B as well: the last size "
        "of A must be the last but one of B, and bmm takes as many matrices in both.",
        "Write A @ B: it chooses among them, and broadcasts batches. Of two vectors it makes one "
        "number: torch.outer makes the table of all products. Where sizes do not fit, print both "
        "shapes: one may have to be turned, B.mT.",
    ),
    Explanation(
        "nothing_to_join",
        ("RuntimeError", "ValueError"),
        r"expects a non-empty TensorList|expected a non-empty list of Tensors",
        "stack and cat were given an empty list.",
        "Look at the loop that fills it: what it goes through was empty, as a batch may be, or an "
        "iterator that was used up before; or its condition was never true.",
    ),
)

KINDS = (
    Explanation(
        "module_for_tensor",
        ("TypeError",),
        rf"must be Tensor, not ({_MODULES})\b|unsupported operand type.*'({_MODULES})'",
        "A module stands where a tensor belongs: nn.ReLU(x) and its like take settings and make a "
        "module.",
        "Make it first and call it then, nn.ReLU()(x); or use the function: F.relu(x), "
        "x.flatten(1).",
    ),
    Explanation(
        "list_for_tensor",
        ("TypeError", "AttributeError"),
        r"must be Tensor, not list|'list' object has no attribute '(size|shape|dtype|device|dim|"
        r"to|long|float|cuda|cpu|softmax|log_softmax|mean|sum|view|reshape|unsqueeze|detach|numpy)'",
        "A list stands where a tensor belongs. A DataLoader's batch is one, where a dataset gives "
        "input and target.",
        "Take a batch apart: for x, y in loader. torch.tensor(numbers) makes a tensor of numbers; "
        "torch.stack(tensors) joins tensors, and keeps their graph.",
    ),
    Explanation(
        "text_used",
        ("AttributeError",),
        r"^'str' object has no attribute '(to|shape|size|dim|dtype|device|float|long|cuda|cpu|view|"
        r"reshape|argmax|mean|sum|unsqueeze|squeeze|permute|numpy|item|detach|backward)'",
        "A text stands where a tensor belongs: a label or a path that was never turned into "
        "numbers, or a name of a dict that was taken apart, which gives its names.",
        "Number labels in the dataset. Where a batch is a dict, take it as one, for batch in "
        'loader, and its tensors by name: batch["image"].',
    ),
    Explanation(
        "dict_used",
        ("AttributeError",),
        r"^'(dict|OrderedDict)' object has no attribute '(size|shape|dim|dtype|device|argmax|max|"
        r"softmax|log_softmax|sigmoid|mean|sum|view|reshape|float|long|detach|backward|squeeze|"
        r"unsqueeze|permute|numpy|item|to|cpu|cuda|logits|loss)'",
        "A dict stands where a tensor belongs: a model, a loss or a dataset may give one, with its "
        "tensors under names.",
        'Take out the entry that you mean: output["logits"], batch["image"]. For all of them: '
        "{name: one.to(device) for name, one in batch.items()}.",
    ),
    Explanation(
        "listed_modules",
        ("TypeError",),
        r"^list is not a Module subclass",
        "nn.Sequential takes its modules one by one.",
        "Write a star in front of the list: nn.Sequential(*layers).",
    ),
    Explanation(
        "numpy_list",
        ("TypeError",),
        r"^expected np\.ndarray \(got",
        "from_numpy shares the memory of a NumPy array, and was given something else.",
        "Of a list of numbers make a tensor with torch.tensor(numbers); of a table take "
        "table.to_numpy() first.",
    ),
    Explanation(
        "numpy_kinds",
        ("TypeError",),
        r"can't convert np\.ndarray of type numpy\.\w+",
        "torch has no dtype for this array. numpy.object_ means that NumPy found no common kind "
        "of number: rows of different lengths, texts or None among numbers, or a table with "
        "columns of several kinds. numpy.str_ means texts.",
        "If all are numbers, a.astype(np.float32). Of rows of different lengths make a tensor "
        "each, and pad them: pad_sequence([torch.as_tensor(row) for row in a], "
        "batch_first=True), from torch.nn.utils.rnn. Number texts first.",
    ),
    Explanation(
        "numpy_turned",
        ("ValueError",),
        r"stride in the given numpy array is negative",
        "The array runs backward through its memory, as a[::-1], np.flip and np.fliplr leave it, "
        "and a tensor cannot.",
        "Copy it first: torch.from_numpy(a.copy()).",
    ),
    Explanation(
        "no_cuda",
        ("AssertionError", "RuntimeError"),
        r"Torch not compiled with CUDA enabled|Found no NVIDIA driver on your system|"
        r"^Attempting to deserialize object on a CUDA device but|"
        r"^Cannot get CUDA generator without ATen_cuda",
        "This computer, or this build of torch, has no CUDA.",
        'Ask first: device = "cuda" if torch.cuda.is_available() else "cpu". A file saved on a '
        'GPU is read with torch.load(path, map_location="cpu").',
    ),
)
