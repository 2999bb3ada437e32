"""The exercise on gradient accumulation where some targets do not count."""

from typing import Any

from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import draw_net, fill_grads
from grader.tasks.loop.pieces import Metered

IGNORED = -100


class AccumulateTokens(Task):
    """pieces is a list of pairs (x, y), a batch cut into pieces: x has shape (n, 3), model(x) has
    shape (n, 3) and holds scores, y has shape (n,) and holds the right class of each row, or -100
    for padding. Leave in .grad of every parameter that model uses the gradient of the mean cross
    entropy over all rows of the batch that are no padding, whatever .grad held before, and return
    that mean as a Python float. A piece may be padding alone, not all pieces. There is memory for
    one piece only: call backward for a piece before you run the model on the next one."""

    id = "accumulate_tokens"
    signatures = ("accum_tokens(model, pieces) -> loss",)
    title, points, difficulty, minutes = "Spot the bug: a batch with padding", 8, 3, 12
    prerequisites = ("accumulate", "loss_choice")
    hints = (
        "Read section 6.8, where some targets are padding. By which number does cross_entropy "
        "divide the sum of a piece's losses?",
        "The gradient of the whole batch is the gradient of one sum, divided by one number. Which "
        "number is it, and what do you have to look at to know it before the first backward?",
        'Count the targets that are not -100 in all pieces. cross_entropy with reduction="sum" '
        "adds up those of one piece, and gives 0 for a piece of padding alone. Divide by the "
        "count of all before backward.",
    )
    allows = frozenset({"parameters.grad", "parameters.emptied"})
    CASES = (
        case("4, 4 and 3 rows, padding at the end", kept=[4, 2, 1], sizes=[4, 4, 3], visible=True),
        case("pieces of equal size", kept=[5, 2], sizes=[5, 5]),
        case("no padding", kept=[4, 3], sizes=[4, 3]),
        case("a piece of padding alone", kept=[3, 0, 2], sizes=[4, 2, 5], visible=True),
        case("padding alone first and last", kept=[0, 3, 2, 0], sizes=[2, 4, 5, 3]),
        case("one piece, .grad empty", kept=[4], sizes=[7], empty=True),
        case("single rows", kept=[1, 0, 1, 1], sizes=[1, 1, 1, 1]),
        case("float32", kept=[5, 1, 2], sizes=[5, 2, 4], dtype=F32),
        case("a net in a net, a frozen bias", kept=[4, 1], sizes=[5, 2], used=True),
        case("a weight under two names", kept=[2, 3], sizes=[4, 4], tied=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        sizes, kept = case["sizes"], case["kept"]
        y = rng.integers(0, 3, sum(sizes))
        for piece, count in zip(y.split(sizes), kept, strict=True):
            piece[rng.permutation(len(piece))[count:]] = IGNORED
        return {
            **draw_net(rng),
            "x": rng.apart(0.5, 1.5, sum(sizes), 3),
            "y": y,
            "old": rng.apart(1.0, 2.0, 37),
        }

    def observe(self, accum_tokens, x, y, sizes, old, empty=False, used=False, tied=False, **net):
        model = Metered(**net, tied=tied)
        given: nn.Module = model
        if used:
            model.b.requires_grad_(False)
            given = lived(nn.Sequential(nn.Sequential(model)), "grad", "mode", "hooked")
        elif not empty:
            fill_grads(model, old)
        pieces: list[tuple[Tensor, Tensor]] = list(zip(x.split(sizes), y.split(sizes), strict=True))
        loss = accum_tokens(given, pieces)
        found: dict[str, Any] = {"loss": loss, "w.grad": model.w.grad, "u.grad": model.u.grad}
        if not used:
            found["b.grad"] = model.b.grad
        return {
            **found,
            "no more rows at once than a piece has": model.most_rows <= max(sizes),
            "one graph at a time": model.most_graphs <= 1,
        }
