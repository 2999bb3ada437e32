"""A second backward pass: what carries a graph from one to the next."""
