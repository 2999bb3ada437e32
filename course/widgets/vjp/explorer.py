"""What a notebook calls for chapter 8's picture: explore_vjp(x, swish=Swish.apply, ...)."""

from __future__ import annotations

import torch
from torch import Tensor

from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.vjp.picture import VjpPicture
from course.widgets.vjp.reader import Function, measure

MOST = 5
ARRIVING = (1.0, -2.0, 3.0, 0.5, -1.0)
"""What arrives at the outputs, where nothing else was given."""


def explore_vjp(x: Tensor, *, v: Tensor | None = None, **functions: Function) -> Player | Notice:
    """See a gradient go back through a function: v times the Jacobian, column by column.

    The function runs for real, in float64. Its Jacobian is measured by moving one input at a time,
    without its backward; the last step compares with what backward returns for v.

    Args:
        x: where the functions are looked at, of shape (n,), with at most 5 numbers.
        v: what arrives at the outputs, of their shape (m,); 1, -2, 3, ... if left out.
        functions: by name, functions of a tensor, such as ``swish=Swish.apply``, that give one
            axis of at most 5 outputs.

    Returns:
        The live picture, or a notice that says why there is none.

    Raises:
        ValueError: if a function gives outputs of another shape than v.
    """
    if x.ndim != 1 or not 0 < len(x) <= MOST or not x.is_floating_point():
        return Notice(
            f"A picture stays readable up to {MOST} inputs: floating numbers of shape (n,). This "
            f"tensor has shape {tuple(x.shape)} and dtype {x.dtype}."
        )
    if not functions:
        return Notice("Name a function to look at: explore_vjp(x, exp=torch.exp).")
    measured = []
    for name, function in functions.items():
        arriving = v if v is not None else _arriving(function, x)
        if arriving.ndim != 1 or not 0 < len(arriving) <= MOST:
            return Notice(
                f"A picture stays readable up to {MOST} outputs of shape (m,). {name} gives "
                f"shape {tuple(arriving.shape)}."
            )
        measured.append(measure(name, function, x, arriving))
    return Player(VjpPicture(measured), "function", fallback_step=len(x) + 3)


def _arriving(function: Function, x: Tensor) -> Tensor:
    """Numbers to send back from the outputs, as many as there are."""
    with torch.no_grad():
        y = function(x.detach().double())
    if y.ndim != 1 or not 0 < len(y) <= MOST:
        return y
    return torch.tensor(ARRIVING[: len(y)], dtype=torch.float64)
