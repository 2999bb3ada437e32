"""Exercises on the largest numbers of a row, and on what becomes of ties."""

from typing import Any

import torch
from torch import Tensor

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.tensors.inputs import laid_out, reached

TIED = (2.0, 2.125, 2.25, 2.375, 2.5)
"""The absolute value for which several numbers of a row compete, in each of 5 rows."""


class RowAbsmax(Task):
    """x has shape (..., D). Return the largest absolute value of every row, a row being what lies
    along the last axis, as a column of shape (rows, 1): all axes but the last become one. Gradients
    reach x. Where several numbers of a row share the largest absolute value, each gets an equal
    part of the gradient. No row is all zero. x may lie in memory in any order. Leave x as it is."""

    id = "row_absmax"
    signatures = ("row_absmax(x) -> y",)
    title, points, difficulty, minutes = "The largest absolute value of a row", 5, 2, 8
    prerequisites = ("flatten_batch",)
    hints = (
        "Read the section on ties. Two functions find the largest number along an axis: which of "
        "them shares the gradient?",
        "What does keepdim=True do to the shape? For x of shape (2, 3, 5) the result is to be "
        "(6, 1).",
        "Take the absolute values, make them (rows, D) by a reshape, and take amax along the last "
        "axis.",
    )
    CASES = (
        case("shape (2, 3, 5)", shape=(2, 3, 5), visible=True),
        case("one row", shape=(7,), visible=True),
        case("a matrix", shape=(5, 3)),
        case("rows of one number", shape=(3, 7, 1)),
        case("four axes, transposed", shape=(2, 5, 1, 3), layout="second axis last"),
        case("all numbers are negative", shape=(5, 7), negative=True),
        case("float32", shape=(3, 5, 7), dtype=F32),
        case("a leaf with an old .grad", shape=(5, 3, 2), leaf=True),
        case("ties", shape=(3, 5, 7), leaf=False, ties=True, visible=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        x = rng.apart(0.5, 3.0, *shape)
        if case.params.get("negative"):
            x = -x.abs()
        if case.params.get("ties"):  # the largest number twice or three times, in both signs
            x[..., 1], x[..., 4] = 4.0, -4.0
            x[1:, :, 5] = 4.0
        drawn = {"x": x}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, x[..., 0].numel(), 1)
        return drawn

    def observe(self, row_absmax, x, v=None, layout="plain", leaf=True):
        x = laid_out(x, layout)
        return row_absmax(x) if v is None else reached(row_absmax, x, v, leaf)


class TopkMask(Task):
    """x has shape (R, D), and k is a whole number from 0 to D. Return a tensor of x's shape in
    which every row keeps its k numbers of largest absolute value, where they stand, and holds 0
    elsewhere. Where equal absolute values compete for the last place, keep any of them, and k
    numbers in all. Gradients reach x, through the numbers that are kept alone. x holds finite
    numbers. Leave x as it is."""

    id = "topk_mask"
    signatures = ("keep_largest(x, k) -> y",)
    title, points, difficulty, minutes = "Keep the k largest of each row", 6, 3, 12
    prerequisites = ("row_absmax",)
    hints = (
        "Read the section on sort and topk. topk returns values and positions: which of the two "
        "do you need?",
        "A threshold keeps too many where numbers are equal, and for k = 0 there is none. Start "
        "from a mask of zeros, and set a 1 at each position that is kept.",
        "torch.zeros_like(x).scatter(1, positions, 1.0) is such a mask. Multiply x by it.",
    )
    CASES = (
        case("3 of 7", shape=(5, 7), k=3, visible=True),
        case("2 of 5, float32", shape=(7, 5), k=2, dtype=F32),
        case("none", shape=(3, 5), k=0, visible=True),
        case("all", shape=(5, 3), k=3),
        case("one row", shape=(1, 7), k=2),
        case("rows of different size", shape=(5, 7), k=3, uneven=True, visible=True),
        case("ties for the last place", shape=(5, 7), k=3, ties=True, visible=True),
        case("a leaf with an old .grad", shape=(3, 7), k=2, leaf=True),
        case("x was computed", shape=(5, 7), k=5, leaf=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        x = rng.apart(0.5, 3.0, *shape)
        x[:, 0] = -x[:, 0].abs() - 1  # in every row one of the largest is negative
        if case.params.get("uneven"):
            x = x * torch.tensor([1.0, 20.0, 0.05, 5.0, 0.3])[:, None]
        if case.params.get("ties"):  # two are larger, and three compete for one place
            x = rng.apart(0.1, 1.0, *shape)
            tied = x.new_tensor(TIED)
            x[:, 0], x[:, 3] = -2 * tied, 1.5 * tied
            x[:, 1], x[:, 4], x[:, 6] = tied, -tied, tied
        drawn = {"x": x}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, *shape)
        return drawn

    def observe(self, keep_largest, x, k, v=None, leaf=True, ties=False):
        if v is not None:
            return reached(lambda given: keep_largest(given, k), x, v, leaf)
        y = keep_largest(x, k)
        return _tied_in_order(y, x) if ties else y


def _tied_in_order(y: Any, x: Tensor) -> Any:
    """y as it would be if of the tied numbers the first had been kept, and as many as were.

    Also where ones or absolute values stand in the places of what was kept, or -inf in those of
    the others; and of numbers that are kept elsewhere, those that are tied without their sign.
    """
    if type(y) is not Tensor or y.ndim != 2 or len(y) != len(x):
        return y
    value = x.new_tensor(TIED)[:, None]
    tied = x.abs() == value
    for put in (x, x.abs(), torch.ones_like(x)) if y.shape == x.shape else ():
        for other in (0.0, -torch.inf):
            kept = tied & (y == put)
            if (kept | (y == other) | ~tied).all():
                first = tied & (tied.cumsum(1) <= kept.sum(1, keepdim=True))
                return torch.where(tied, torch.where(first, put, other).to(y.dtype), y)
    return y if y.dtype == torch.bool else torch.where(y.abs() == value, y.abs(), y)
