"""What is handed to a Function of one tensor: a leaf, or what was computed from one."""

from torch import Tensor

from grader.engine.lived import computed, with_grad


def given_as(x: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """The tensor that an answer gets, and the leaf that its gradient is read at."""
    if kind == "in use":
        leaf = with_grad(x)
        return leaf, leaf
    leaf = x.requires_grad_(kind != "frozen")
    if kind == "transposed":
        return leaf.T, leaf
    return (leaf if kind == "frozen" else computed(leaf) if kind == "constant" else leaf * 1), leaf
