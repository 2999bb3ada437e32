"""Chapter 2, leaf tensors: the public halves of its exercises."""

CHAPTER = "02-leaves"
EXERCISES = (
    "make_leaf",
    "scaled_parameter",
    "cast_leaf",
    "leaf_grads",
    "grad_of_intermediate",
    "which_get_grad",
    "safe_update",
    "flag_setter",
)
