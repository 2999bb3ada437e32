"""What a notebook calls for chapter 14's picture: explore_nan(loss, ...)."""

from __future__ import annotations

import sys

from torch import Tensor

from course.widgets.frame.names import names_in
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.graph.reader import read
from course.widgets.graph.walk import MOST_NODES, TooLargeError
from course.widgets.nan.picture import NanPicture, Searched
from course.widgets.nan.search import births


def explore_nan(*losses: Tensor) -> Player | Notice:
    """Step through the passes of a loss, to the node where a nan or an inf is born.

    Every number is measured: one real backward pass runs through each graph, watched by hooks, and
    everything is put back, as in ``explore``. A node in which something bad is born is also asked
    what it sends for a gradient of ones.

    Args:
        losses: tensors of one element with a graph of at most 200 nodes each. Several are choices.

    Returns:
        The live picture, or a notice that says why there is none.
    """
    if not losses:
        return Notice("Name a loss to search: explore_nan(loss).")
    named = names_in(sys._getframe(1))
    searched = []
    for number, loss in enumerate(losses, 1):
        if loss.grad_fn is None or loss.numel() != 1:
            return Notice(
                "A search starts from one number that operations made from a tensor that requires "
                f"grad. Number {number} has shape {tuple(loss.shape)}, and its grad_fn is "
                f"{'None' if loss.grad_fn is None else loss.grad_fn.name()}."
            )
        try:
            graph = read([loss], named)
        except TooLargeError as error:
            return Notice(
                f"This graph has {error.counts.total():,} nodes, and a picture stays readable up "
                f"to {MOST_NODES}: search the result of one layer."
            )
        if graph.refusal:
            return Notice(graph.refusal)
        name = next((name for name, other in named.items() if other is loss), f"loss {number}")
        searched.append(Searched(name, graph, births(graph, loss.grad_fn)))
    return Player(NanPicture(searched), "loss", fallback_step=_first_birth(searched[0]))


def _first_birth(one: Searched) -> int | None:
    return min(one.births, default=None)
