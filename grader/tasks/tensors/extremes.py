"""The exercise on the largest number of a row, and on what becomes of ties."""

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.tensors.inputs import laid_out, reached


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
        case("ties in a matrix", shape=(5, 7), leaf=True, ties=True),
        case("very small numbers", shape=(5, 3), size=1e-170, scale=1e-170),
        case("very large numbers", shape=(5, 3), size=1e170),
        case("numbers that are nearly the largest", shape=(5, 3), leaf=False, near=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        x = rng.apart(0.5, 3.0, *shape)
        if case.params.get("negative"):
            x = -x.abs()
        if case.params.get("ties"):  # the largest number twice or three times, in both signs
            x[..., 1], x[..., 4] = 4.0, -4.0
            x[1:, ..., 5] = 4.0
        if case.params.get("near"):
            x[:, 0], x[:, 2] = 4.0, 4.0 - 4.8e-7
            x[::2, 2] = 4.0 - 4e-9  # nearer than float32 can tell
        drawn = {"x": x * case.params.get("size", 1.0)}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, x[..., 0].numel(), 1)
        return drawn

    def observe(self, row_absmax, x, v=None, layout="plain", leaf=True, size=1.0):
        x = laid_out(x, layout)
        return row_absmax(x) if v is None else reached(row_absmax, x, v, leaf)
