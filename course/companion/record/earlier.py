"""Gradients that are there before a watched step begins: what a pass will add to."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from course.companion.record.sizes import MOST_NODES, nodes


def filled(roots: Sequence[Tensor]) -> frozenset[int]:
    """The ids of the leaves that these roots lead to and that have a gradient, not of zeros."""
    starts = [root.grad_fn for root in roots if root.grad_fn is not None]
    leaves = (getattr(node, "variable", None) for node in nodes(starts, MOST_NODES))
    return frozenset(id(one) for one in leaves if one is not None and _is_filled(one))


def _is_filled(leaf: Tensor) -> bool:
    grad = leaf.grad
    return grad is not None and not grad.is_sparse and bool(grad.any())
