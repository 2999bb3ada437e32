"""Chapter 2, leaf tensors: the public halves of its exercises."""

CHAPTER = "02-leaves"
EXERCISES = (
    "scaled_parameter",
    "leaf_grads",
    "grad_of_intermediate",
    "which_get_grad",
    "make_leaf",
    "cast_leaf",
    "flag_setter",
    "safe_update",
)
