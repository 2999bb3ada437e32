"""Chapter 1, computation graphs: the public halves of its exercises."""

CHAPTER = "01-graphs"
EXERCISES = (
    "two_path_grad",
    "edge_products",
    "walk_graph",
    "requires_grad_table",
    "vjp_vector",
    "two_heads",
    "will_it_raise",
    "jacobian_rows",
    "second_derivative",
)
