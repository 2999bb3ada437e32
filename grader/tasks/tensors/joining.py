"""The exercise that takes an entry out, and joins what stands before and behind it."""

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.tensors.inputs import laid_out, reached


class RemoveAt(Task):
    """Return t without the entry at position i of its first axis: t has shape (n, ...), what you
    return (n - 1, ...), and all other entries keep their order. i counts as in Python, from -n to
    n - 1; n may be 1. Gradients reach t. Leave t as it is."""

    id = "remove_at"
    signatures = ("remove_at(t, i) -> rest",)
    title, points, difficulty, minutes = "Spot the bug: one entry too many", 5, 2, 7
    hints = (
        "Read the section on cat. A slice ends in front of its second number: what does "
        "[i + 1 : -1] leave out?",
        "Call the function with i = -1. What is t[: -1], and what is t[-1 + 1 :]?",
        "Count a negative i from the front first: i % len(t). Then join the part before it and the "
        "part behind it.",
    )
    CASES = (
        case("7 numbers", shape=(7,), i=2, visible=True),
        case("the last one", shape=(5,), i=4),
        case("counted from behind", shape=(7,), i=-3, visible=True),
        case("the last one, as -1", shape=(5,), i=-1, visible=True),
        case("the first one", shape=(7,), i=0),
        case("the first one, counted from behind", shape=(5,), i=-5),
        case("one number", shape=(1,), i=0),
        case("one number, as -1", shape=(1,), i=-1),
        case("one row", shape=(1, 3, 2), i=0),
        case("one of two rows", shape=(2, 3), i=0),
        case("some numbers are equal", shape=(11,), i=3, repeated=True),
        case("rows of a matrix", shape=(5, 3), i=1),
        case("rows of a transposed matrix", shape=(3, 7), i=-2, layout="first axis last"),
        case("float32", shape=(7, 2, 3), i=4, dtype=F32),
        case("a leaf with an old .grad", shape=(7,), i=5, leaf=True),
        case("t was computed", shape=(5, 3), i=-4, leaf=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        t = rng.apart(0.5, 3.0, *shape)
        if case.params.get("repeated"):
            t[5], t[8], t[1] = t[3], t[3], t[6]
        drawn = {"t": t, "i": case["i"]}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, shape[0] - 1, *shape[1:])
        return drawn

    def observe(self, remove_at, t, i, v=None, layout="plain", leaf=True):
        t = laid_out(t, layout)
        if v is None:
            return remove_at(t, i)
        return reached(lambda given: remove_at(given, i), t, v, leaf)
