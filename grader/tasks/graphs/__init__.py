"""Chapter 1, computation graphs: the public halves of its exercises."""

CHAPTER = "01-graphs"
EXERCISES = (
    "two_path_grad",
    "edge_products",
    "walk_graph",
    "vjp_vector",
    "jacobian_rows",
    "two_heads",
    "second_derivative",
    "will_it_raise",
    "requires_grad_table",
)
