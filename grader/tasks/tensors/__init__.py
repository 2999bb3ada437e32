"""Chapter 9, the tensor toolbox: the public halves of its exercises."""

CHAPTER = "09-tensors"
EXERCISES = (
    "flatten_batch",
    "split_heads",
    "onehot_gather",
    "drop_lowest",
    "safe_sqrt_where",
    "row_absmax",
    "topk_mask",
    "remove_at",
    "sum_to_shape",
)
