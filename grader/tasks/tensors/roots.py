"""The exercise on a branch that is not taken, and whose gradient is nan all the same."""

import torch

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.tensors.inputs import laid_out, reached


class SafeSqrtWhere(Task):
    """Return y of x's shape: the square root of x where x > 0, and 0 elsewhere. Gradients reach x:
    0.5 / sqrt(x) times what arrives where x > 0, however small x is, and 0 elsewhere. x holds
    finite numbers. Leave x as it is, and no hook on it."""

    id = "safe_sqrt_where"
    signatures = ("safe_sqrt(x) -> y",)
    title, points, difficulty, minutes = "A root with a finite gradient", 8, 3, 12
    hints = (
        "Read the section on where. Both branches are computed: what is the derivative of the root "
        "at 0, and what is 0 times that?",
        "What reaches x must not pass through a root at 0, or of a negative number. Which number "
        "could stand in its place there?",
        "Two where: an inner one puts 1 in the place of every x that is not positive, and the "
        "outer one puts 0 in the place of the root of it.",
    )
    CASES = (
        case("positive numbers", shape=(7,), kind="positive", visible=True),
        case("zeros", shape=(7,), kind="zeros", leaf=True, visible=True),
        case("negative numbers", shape=(7,), kind="negative", leaf=False, visible=True),
        case("all of them, a matrix", shape=(5, 3), kind="mixed", leaf=True),
        case("transposed", shape=(3, 7), kind="mixed", layout="first axis last", leaf=False),
        case("no positive number", shape=(5,), kind="none", leaf=False),
        case("very small numbers", shape=(5,), kind="small", leaf=True, scale=1e-18),
        case("numbers that float32 cannot hold", shape=(3,), kind="tiny", leaf=True, scale=1e-155),
        case("numbers as large as can be", shape=(5,), kind="huge", leaf=True, scale=1e-160),
        case("one number without axes", shape=(), kind="positive", leaf=False),
        case("0 without axes", shape=(), kind="zero", leaf=True),
        case("no numbers", shape=(0, 3), kind="positive"),
        case("float32", shape=(11,), kind="mixed", leaf=False, dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape, kind = case["shape"], case["kind"]
        x = rng.uniform(0.3, 4.0, *shape)
        largest = torch.finfo(case.dtype).max / 5
        x = x * {"small": 1e-30, "tiny": 1e-310, "huge": largest}.get(kind, 1.0)
        if kind == "huge":
            x[0] = 4.5 * largest
        if kind in ("negative", "mixed"):
            x.view(-1)[1::3] *= -1
        if kind in ("zeros", "mixed", "tiny"):
            x.view(-1)[2::3] = 0
        if kind == "zero":
            x = 0 * x
        if kind == "none":
            x = (-x).clamp(max=-1.0)
            x[::2] = 0
        drawn = {"x": x}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, *shape)
        return drawn

    def observe(self, safe_sqrt, x, v=None, layout="plain", leaf=True):
        x = laid_out(x, layout)
        return safe_sqrt(x) if v is None else reached(safe_sqrt, x, v, leaf)
