"""Chapter 10, modules: the public halves of its exercises."""

CHAPTER = "10-modules"
EXERCISES = (
    "fix_mlp",
    "linear_module",
    "registration",
    "named_leafs",
    "count_params",
    "hookable_call",
    "lenet_shapes",
    "load_matching",
    "distillation",
)
