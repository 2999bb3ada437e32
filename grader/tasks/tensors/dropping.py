"""The exercise that picks numbers out of a tensor by size."""

import torch

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.tensors.inputs import laid_out, reached


class DropLowest(Task):
    """x has shape (n,), and q is a number from 0 to 1. Return the numbers of x that are greater
    than the q-quantile of x, as torch.quantile computes it, in the order in which they stand in x;
    where none is greater, a tensor of shape (0,). Gradients reach x: 1 times what arrives for each
    number that is kept, and 0 for the others. Leave x as it is."""

    id = "drop_lowest"
    signatures = ("drop_lowest(x, q) -> kept",)
    title, points, difficulty, minutes = "Drop the lowest", 6, 2, 8
    prerequisites = ("onehot_gather",)
    hints = (
        "Read the sections on masks and on where. Which of the two gives a shorter tensor?",
        "torch.quantile gives the threshold. What is x > threshold, and what can stand in x[...]?",
        "Index x by the mask of the numbers that are greater. The order stays, and so does the "
        "graph.",
    )
    CASES = (
        case("7 numbers, a quarter", n=7, q=0.25, visible=True),
        case("the quantile is one of the numbers", n=13, q=0.25, visible=True),
        case("all numbers are equal", n=5, q=0.5, equal=True, visible=True),
        case("the lowest number stands there three times", n=11, q=0.125, tied=True),
        case("the greatest number stands there three times", n=11, q=0.375, topped=True),
        case("one of the numbers is 0", n=11, q=0.25, zero=True),
        case("q is 0", n=7, q=0.0),
        case("q is 1", n=7, q=1.0),
        case("three quarters", n=11, q=0.75),
        case("a single number is greater", n=7, q=0.875),
        case("one number", n=1, q=0.5),
        case("float32", n=11, q=0.375, dtype=F32),
        case("a leaf with an old .grad", n=7, q=0.625, leaf=True, visible=True),
        case("x was computed", n=11, q=0.25, leaf=False),
        case("numbers as near to each other as can be", n=11, q=0.5, close=True),
        case("x has gaps", n=11, q=0.25, layout="every other"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n, q = case["n"], case["q"]
        # The middle, the mean and the half of the range lie far apart.
        x = (rng.permutation(n) + rng.uniform(0.1, 0.9, n)) ** 4 / 200 - 2
        if case.params.get("equal"):
            x = x[:1].abs().ceil().expand(n)  # of whole numbers the mean is exact
        if case.params.get("tied"):
            x = x.clamp(min=float(x.sort().values[2]))
        if case.params.get("topped"):
            x = x.clamp(max=float(x.sort().values[-3]))
        if case.params.get("zero"):
            x = x - x.sort().values[-4]
        if case.params.get("close"):
            x = 1 + rng.permutation(n).double() ** 3 * torch.finfo(case.dtype).eps
        drawn = {"x": x, "q": q}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, int((x > x.quantile(q)).sum()))
        return drawn

    def observe(self, drop_lowest, x, q, v=None, layout="plain", leaf=True):
        x = laid_out(x, layout)
        if v is None:
            return drop_lowest(x, q)
        return reached(lambda given: drop_lowest(given, q), x, v, leaf)
