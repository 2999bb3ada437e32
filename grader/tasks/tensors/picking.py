"""The exercise that picks numbers out of a tensor by label."""

import torch

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.tensors.inputs import laid_out, reached

DTYPES = {"int64": torch.int64, "int32": torch.int32, "uint8": torch.uint8}


class OnehotGather(Task):
    """logits has shape (N, C), and y of shape (N,) holds a label from 0 to C - 1 for each row, as
    int64, int32 or uint8. Return the N numbers logits[i, y[i]], of shape (N,). A logit that no
    label names may be -inf. Gradients reach logits. Leave both arguments as they are."""

    id = "onehot_gather"
    signatures = ("pick(logits, y) -> picked",)
    title, points, difficulty, minutes = "The score of the right class", 6, 2, 8
    hints = (
        "Read the section on indexing. What is the shape of logits[:, y]?",
        "Two lists of positions pick pairs: one says the rows, the other the columns. Which rows "
        "do you want? A tensor of uint8 is read as a mask: give it another dtype first.",
        "gather(1, index) picks in every row by the row of index, which has shape (N, 1) here. "
        "What it returns has that shape, too.",
    )
    CASES = (
        case("7 rows of 5", rows=7, columns=5, visible=True),
        case("labels of uint8", rows=7, columns=3, labels="uint8", visible=True),
        case("labels of int32", rows=5, columns=3, labels="int32"),
        case("labels above 127", rows=5, columns=211, labels="uint8"),
        case("more than 256 classes, labels of uint8", rows=5, columns=521, labels="uint8"),
        case("one row", rows=1, columns=5),
        case("one class", rows=7, columns=1),
        case("as many rows as classes", rows=5, columns=5),
        case("classes that are ruled out", rows=7, columns=5, ruled_out=True, visible=True),
        case("scores far from 0", rows=5, columns=3, size=2000.0),
        case("transposed logits", rows=5, columns=3, layout="first axis last"),
        case("float32", rows=11, columns=3, dtype=F32),
        case("a leaf with an old .grad", rows=7, columns=5, leaf=True),
        case("logits that were computed", rows=5, columns=7, leaf=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n, c = case["rows"], case["columns"]
        logits, y = rng.apart(0.5, 3.0, n, c), rng.integers(0, c, n)
        if c > 128:
            y = y % 256  # what uint8 holds
            y[1:3] = torch.tensor([min(c, 256) - 1, 128])
        if n > c:
            y[: c + 1] = torch.arange(c + 1) % c  # every class, and one of them twice
        logits = logits * case.params.get("size", 1.0)
        if case.params.get("ruled_out"):
            logits[torch.arange(n), (y + 1) % c] = -torch.inf
        drawn = {"logits": logits, "y": y.to(DTYPES[case.params.get("labels", "int64")])}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, n)
        return drawn

    def observe(self, pick, logits, y, v=None, layout="plain", leaf=True, size=1.0):
        logits = laid_out(logits, layout)
        if v is None:
            return pick(logits, y)
        return reached(lambda given: pick(given, y), logits, v, leaf)
