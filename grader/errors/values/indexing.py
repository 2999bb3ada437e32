"""Errors of indices and masks: gather, scatter, index_add, embeddings, one_hot."""

from __future__ import annotations

from grader.errors.explanation import Explanation

INDEXING = (
    Explanation(
        "dims_differ",
        ("RuntimeError",),
        r"^Index tensor must have the same number of dimensions as (input|self|src) tensor|"
        r"^torch\.take_along_dim\(\): input and indices should have the same number of "
        r"dimensions",
        "gather, scatter and take_along_dim take an index with as many dimensions as the tensor "
        "itself: it says for each place of the result where to look along dim.",
        "Give the index the missing dimension: x.gather(1, index[:, None]) takes one entry of "
        "each row, and .squeeze(1) drops that dimension again. To add whole rows, use "
        "index_add_: out.index_add_(0, index, rows).",
    ),
    Explanation(
        "index_larger",
        ("RuntimeError",),
        r"^Size does not match at dimension \d+ expected index|^Expected index \[.*\] to be no "
        r"larger than",
        "The index of gather or scatter may not be larger than the tensor in any dimension but "
        "dim, and that of scatter not larger than src in any.",
        "Print the three shapes. For whole rows repeat the index along the others: index[:, "
        "None].expand_as(src); to pick whole rows write x[index].",
    ),
    Explanation(
        "reduce_word",
        ("RuntimeError",),
        r"^reduce argument must be",
        "scatter and scatter_reduce do not know this kind of reduction.",
        'scatter_reduce takes reduce="sum", "prod", "mean", "amax" or "amin". A sum is also '
        "scatter_add.",
    ),
    Explanation(
        "index_vector",
        (
            "IndexError",
            "RuntimeError",
        ),
        r"^index_\w+\(\): Index is supposed to be|^index_\w+\(\): Index should have dimension",
        "index_add, index_copy and index_select take a vector of numbers: one for each row that "
        "is moved.",
        "Flatten it: index.reshape(-1), and the rows with it: rows.reshape(-1, rows.shape[-1]). "
        "Where an index has the shape of the tensor itself, gather and scatter_add are meant.",
    ),
    Explanation(
        "index_count",
        (
            "IndexError",
            "RuntimeError",
        ),
        r"^index_\w+\(\): Number of indices \(\d+\) should be equal to source\.size",
        "Every index needs one row of the source along dim, and there are more of one than of "
        "the other.",
        "Print index.shape and source.shape. dim counts in both: out.index_add_(0, index, rows) "
        "wants rows.shape[0] == len(index).",
    ),
    Explanation(
        "index_rows",
        ("RuntimeError",),
        r"^source tensor shape must match self tensor shape, excluding the specified dimension|"
        r"^Source/destination tensor must have same slice shapes",
        "The rows that index_add or index_copy moves have another length than those of the "
        "tensor that they go into.",
        "Print both shapes: apart from dim they must be equal.",
    ),
    Explanation(
        "scalar_types",
        ("RuntimeError",),
        r"must have the same scalar type",
        "What is written has another dtype than the tensor that it is written into.",
        "Make out from it: rows.new_zeros(n, d). Or convert it, source.to(out.dtype), if out "
        "holds floating numbers: integers would cut off its fractions, and its graph.",
    ),
    Explanation(
        "many_indices",
        ("IndexError",),
        r"^too many indices for tensor of dimension \d+",
        "There are more indices between the brackets than the tensor has dimensions.",
        "Print its shape. A squeeze, or an index before, may have taken a dimension away.",
    ),
    Explanation(
        "index_pairs",
        ("IndexError",),
        r"^shape mismatch: indexing tensors could not be broadcast together",
        "Several lists of indices are taken in pairs, so they must be of one length.",
        "For a block of rows and columns: x[rows[:, None], columns]. For pairs, give both lists "
        "one length.",
    ),
    Explanation(
        "index_written",
        ("RuntimeError",),
        r"^shape mismatch: value tensor of shape",
        "What is written does not have the shape of the places that the index chooses.",
        "Print x[index].shape: the value must have that shape, or broadcast to it.",
    ),
    Explanation(
        "dim_range",
        ("IndexError",),
        r"^Dimension out of range \(expected to be in range of|^Dimension specified as -?\d+ "
        r"but tensor has no dimensions",
        "dim names a dimension that this tensor does not have: it has fewer than you think.",
        "Print x.shape where it is used. dim=-1 is the last one, however many there are. A "
        "batch dimension that was lost comes back by x.unsqueeze(0); for stacking vectors use "
        "torch.stack, not torch.cat with dim=1.",
    ),
    Explanation(
        "mask_dtype",
        ("RuntimeError",),
        r"^masked_(fill|scatter)_? only supports boolean masks|^where expected condition to be a "
        r"boolean tensor|^masked_(select|scatter_?): expected BoolTensor",
        "A mask holds True and False, and this one holds numbers.",
        "Convert it: mask.bool() where 1 marks what is chosen or filled, mask == 0 where 1 marks "
        "what is left alone, as in a mask of what attention may see.",
    ),
    Explanation(
        "value_overflow",
        ("RuntimeError",),
        r"^value cannot be converted to type \S+ without overflow",
        "A number does not fit into the dtype of the tensor that it is written into: -inf into "
        "integers, -1e9 into float16, 300 into uint8.",
        'Of scores fill with torch.finfo(x.dtype).min, or float("-inf"). Of integers convert '
        "first: x.float().",
    ),
    Explanation(
        "text_index",
        ("TypeError",),
        r"^new\(\): invalid data type 'str'",
        "A text stands where a tensor takes a number: between its brackets, or in "
        "torch.tensor(...).",
        "A batch from a DataLoader is a dict only if the dataset returns one; of a tensor take "
        "entries by number. Texts have no tensor: give each a number first.",
    ),
    Explanation(
        "slice_kind",
        ("TypeError",),
        r"^slice indices must be integers or None",
        "A slice counts in whole numbers, and one of its ends is none.",
        "Use // in the place of /, or int(n).",
    ),
    Explanation(
        "bag_offsets",
        (
            "ValueError",
            "RuntimeError",
        ),
        r"^offsets has to be a 1D Tensor|^if input is 2D, then offsets has to be None|"
        r"^offsets\[0\] has to be 0|^offsets\[-1\] can not be greater than input's length",
        "An EmbeddingBag takes either a matrix, one bag a row, without offsets; or one long "
        "vector and offsets, where offset i is the place at which bag i begins: the first is 0, "
        "and none lies beyond the end.",
        "For bags of one length pass the matrix alone: bag(x). Else offsets = lengths.cumsum(0) "
        "- lengths, of torch.cat(bags).",
    ),
    Explanation(
        "bag_weights",
        ("NotImplementedError",),
        r"per_sample_weights is only supported for mode='sum'",
        "An EmbeddingBag weighs its entries only where it adds them up.",
        'Make it with mode="sum".',
    ),
    Explanation(
        "padding_row",
        ("AssertionError",),
        r"^[Pp]adding_idx must be within num_embeddings",
        "padding_idx names a row of the Embedding, and there is none of this number.",
        "Make one row more, nn.Embedding(words + 1, size, padding_idx=words), or use row 0 for "
        "padding.",
    ),
    Explanation(
        "below_zero",
        ("RuntimeError",),
        r"^Class values must be non-negative|^bincount only supports 1-d non-negative",
        "one_hot and bincount count from 0, and there is a number below it: often -1 or -100 "
        "for padding. Or bincount was given more dimensions than one.",
        "Take those out first, x[x >= 0], which makes one row of all, or give padding a number of "
        "its own. Of a matrix: torch.bincount(x.flatten()).",
    ),
    Explanation(
        "no_classes",
        ("RuntimeError",),
        r"^Can not infer total number of classes from empty tensor",
        "one_hot was given no numbers, so it cannot tell how many classes there are.",
        "Say it: F.one_hot(x, num_classes=n). That is right for every batch: without it a batch "
        "that lacks the last class is narrower.",
    ),
)
