"""What a notebook calls for chapter 9's picture: explore_strides(x, "x.T", ...)."""

from __future__ import annotations

from torch import Tensor

from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.stride.picture import StridePicture
from course.widgets.stride.reader import look

MOST_CELLS = 16
MOST_ENTRIES = 24


def explore_strides(x: Tensor, *made: str) -> Player | Notice:
    """See which cell of the storage of ``x`` each entry of a tensor made from it looks at.

    Shapes, strides and offsets are those of real tensors, made of a copy of ``x`` that lies in
    memory in the order of its indices; gradients are what autograd computes.

    Args:
        x: a tensor of at most 16 numbers.
        made: texts that move the numbers of ``x``, such as ``"x.T"`` or ``"x[1:]"``; each makes at
            most 24 entries.

    Returns:
        The live picture, or a notice that says why there is none.

    Raises:
        ValueError: if a text computes new numbers, or makes none.
        Exception: what a text raises.
    """
    if not 0 < x.numel() <= MOST_CELLS:
        return Notice(
            f"A picture stays readable up to {MOST_CELLS} numbers. This tensor has {x.numel()}."
        )
    if not made:
        return Notice('Name what to make of x: explore_strides(x, "x.T").')
    tensors = [look(x, text) for text in made]
    for looked in tensors:
        if len(looked.entries) > MOST_ENTRIES:
            return Notice(
                f"A picture stays readable up to {MOST_ENTRIES} entries. {looked.made} has "
                f"{len(looked.entries)}."
            )
    return Player(StridePicture(tensors), "tensor", fallback_step=2)
