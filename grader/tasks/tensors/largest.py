"""The exercise that keeps the largest numbers of each row, as many where some are equal."""

from typing import Any

import torch
from torch import Tensor

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.tensors.inputs import laid_out, reached

TIED = (2.0, 2.125, 2.25, 2.375, 2.5)
"""The absolute value for which several numbers of a row compete, in each of 5 rows."""


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
        case("transposed", shape=(3, 7), k=2, layout="first axis last"),
        case("very small numbers", shape=(5, 3), k=1, size=1e-170, scale=1e-170),
        case("very large numbers", shape=(5, 3), k=1, size=1e170),
        case("a leaf with an old .grad", shape=(3, 7), k=2, leaf=True),
        case("a 0 among those that are kept", shape=(3, 5), k=5, leaf=True, zeros=True),
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
        if case.params.get("zeros"):
            x[:, 2] = 0
        if "size" in case.params:  # the largest of each row stands last, and squares are 0 or inf
            size = case["size"] if case.dtype is torch.float64 else case["size"] ** (3 / 17)
            x = (x.sort(1, descending=True).values - 4) * size
        drawn = {"x": x}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, *shape)
        return drawn

    def observe(self, keep_largest, x, k, v=None, layout="plain", leaf=True, ties=False):
        x = laid_out(x, layout)
        if v is not None:
            return reached(lambda given: keep_largest(given, k), x, v, leaf)
        before = x.clone()
        y = keep_largest(x, k)
        return _tied_in_order(y, before) if ties else y


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
