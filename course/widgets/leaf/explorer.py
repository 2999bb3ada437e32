"""What a notebook calls for chapter 2's picture: explore_leaves(y)."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import torch

from course.widgets.frame.names import names_in
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.graph.walk import MOST_NODES, TooLargeError
from course.widgets.leaf.model import read_leaves
from course.widgets.leaf.picture import LeafPicture


def explore_leaves(
    y: torch.Tensor, names: Mapping[str, torch.Tensor] | None = None
) -> Player | Notice:
    """See which tensors behind ``y`` are leaves, which keep a gradient, and why.

    The ``.grad``s after a pass are measured: one real backward runs through your graph, watched by
    hooks, and everything is put back, as in ``explore``. Where none can run, because ``y`` is no
    single number or its graph is freed, the picture shows what is there now.

    Args:
        y: a result computed by at most 200 nodes.
        names: what to call tensors, by name; others are found among your variables.

    Returns:
        The live picture, or a notice that says why there is none.
    """
    named = dict(names or {})
    named |= {name: t for name, t in names_in(sys._getframe(1)).items() if name not in named}
    name = next((name for name, tensor in named.items() if tensor is y), "this result")
    if y.grad_fn is None:
        return Notice(_leaf_alone(y, name))
    try:
        leaf_graph = read_leaves(y, named)
    except TooLargeError as error:
        return Notice(
            f"This graph has {error.counts.total():,} nodes, and a picture stays readable up to "
            f"{MOST_NODES}: take a smaller model, or the result of one layer."
        )
    return Player(LeafPicture(leaf_graph, f"Leaves of the graph of {name}"))


def _leaf_alone(y: torch.Tensor, name: str) -> str:
    """What there is to say of a leaf, which has no graph behind it."""
    if y.requires_grad:
        return (
            f"{name} is a leaf that requires grad. No operation made it, so there is no graph "
            "behind it: compute something from it, and explore that."
        )
    return (
        f"{name} is a leaf because it does not require grad: nothing was recorded, so there is no "
        "graph behind it, and no gradient can reach it."
    )
