"""The exercise on tensor parallelism: two linear layers, each cut into parts."""

from operator import is_

from torch import Tensor

from grader.engine.lived import some_numbers
from grader.engine.observation import gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class TensorParallel(Task):
    """A net computes relu(x @ W1.T + b1) @ W2.T + b2. Rank r holds w1s[r] and b1s[r], some rows of
    W1 with the entries of b1 that belong to them, and w2s[r], the columns of W2 that belong to
    them. b2 is held by all. x has shape (..., I). Return the output of the net, of shape (..., O),
    so that gradients reach x, b2 and every part that require grad. Leave all arguments as they
    are."""

    id = "tensor_parallel"
    signatures = ("parallel_mlp(x, w1s, b1s, w2s, b2) -> y",)
    title, points, difficulty, minutes = "Two layers, cut in parts", 8, 3, 12
    hints = (
        "Read the section on tensor parallelism. Which part of the hidden layer can a rank compute "
        "by itself, ReLU included?",
        "The second layer sums over the hidden features. A rank has some of them: what it gets is "
        "one summand of the output, in the output's full shape.",
        "Every rank computes its hidden part and multiplies it with its columns. All-reduce is the "
        "sum of these. The bias of the second layer is no summand of a rank: add it once.",
    )
    CASES = (
        case("2 ranks", cut=(3, 3), visible=True),
        case("3 ranks, unequal parts", cut=(4, 1, 2), visible=True),
        case("one rank", cut=(7,)),
        case("one row", cut=(2, 3), rows=(1,)),
        case("a sample without a batch", cut=(3, 2), rows=()),
        case("sequences", cut=(2, 3), rows=(7, 4)),
        case("sequences in groups", cut=(2, 3), rows=(2, 3, 4)),
        case("a frozen first layer, old gradients", cut=(2, 3), frozen=("x", "w1s", "b1s")),
        case("a frozen second layer, old gradients", cut=(2, 3), frozen=("w2s", "b2")),
        case("float32", cut=(4, 3), dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        cut, rows, i, o = case["cut"], case.params.get("rows", (7,)), 3, 5
        return {
            "x": rng.apart(0.3, 1.5, *rows, i),
            "w1": rng.apart(0.3, 1.5, sum(cut), i),
            "b1": rng.apart(0.1, 0.5, sum(cut)),
            "w2": rng.apart(0.3, 1.5, o, sum(cut)),
            "b2": rng.apart(0.5, 1.5, o),
            "v": rng.apart(0.5, 1.5, *rows, o),
        }

    def observe(self, parallel_mlp, x, w1, b1, w2, b2, v, cut, frozen=None):
        w1s, b1s = (_parts(whole, cut, 0) for whole in (w1, b1))
        w2s = _parts(w2, cut, 1)
        leaves: dict[str, Tensor] = {"x": x, "b2": b2}
        for name, parts in (("w1s", w1s), ("b1s", b1s), ("w2s", w2s)):
            leaves |= {f"{name}[{rank}]": part for rank, part in enumerate(parts)}
        for name, leaf in leaves.items():
            leaf.requires_grad_(not name.startswith(frozen or ()))
            if frozen is not None:
                leaf.grad = some_numbers(leaf)
        lists = [[*w1s], [*b1s], [*w2s]]
        y = parallel_mlp(x, *lists, b2)
        pairs = zip(lists, (w1s, b1s, w2s), strict=True)
        same = all(len(one) == len(cut) and all(map(is_, one, was)) for one, was in pairs)
        found = {f"d {name}": gradient(y, leaf, v) for name, leaf in leaves.items()}
        return {"y": y, **found, "the lists are as they were": same}


def _parts(whole: Tensor, cut: tuple[int, ...], axis: int) -> list[Tensor]:
    """The parts of a weight or bias, each with memory of its own."""
    return [part.clone() for part in whole.split(cut, axis)]
