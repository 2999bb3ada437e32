"""Chapter 8, functions of one's own: the public halves of its exercises."""

CHAPTER = "08-functions"
EXERCISES = (
    "my_exp",
    "relu_at_zero",
    "clamp_ste",
    "kept_result",
    "mul_broadcast",
    "linear_fn",
    "double_backward",
)
