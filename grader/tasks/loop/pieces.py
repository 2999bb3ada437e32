"""The exercise on gradient accumulation: a batch in pieces."""

from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import Net, draw_net, fill_grads, lopsided


class Accumulate(Task):
    """pieces is a list of pairs (x, y), a batch of N rows cut into pieces of any number of rows;
    some may have none, not all. loss_fn gives the mean over the rows it is given. Leave in .grad of
    every parameter that model uses the gradient of the mean loss over all N rows, whatever .grad
    held before, and return that mean loss as a Python float. There is memory for one piece only:
    call backward for a piece before you run the model on the next one."""

    id = "accumulate"
    signatures = ("accum_grads(model, loss_fn, pieces) -> loss",)
    title, points, difficulty, minutes = "Spot the bug: a batch in pieces", 12, 3, 15
    prerequisites = ("batch_gradient_facts",)
    hints = (
        "Read section 6.8, on a batch in pieces. backward adds to .grad: what should the terms be, "
        "so that their sum is the gradient of the mean over N rows?",
        "The mean of the pieces' means is the mean over all rows only if the pieces have equal "
        "sizes. Which weight does a piece of n rows need?",
        "A piece of n rows counts n / N. Scale its loss by that before backward. The mean over no "
        "rows is nan: leave a piece without rows out.",
    )
    allows = frozenset({"parameters.grad", "parameters.emptied"})
    CASES = (
        case("4, 4 and 3 rows", sizes=[4, 4, 3], visible=True, symbols={"N": 11, "k": 3}),
        case("3 and 8 rows, .grad empty", sizes=[3, 8], symbols={"N": 11, "k": 2}, empty=True),
        case("one piece", sizes=[7], symbols={"N": 7, "k": 1}),
        case("a piece without rows", sizes=[4, 0, 3], symbols={"N": 7, "k": 3}, visible=True),
        case("no rows first and last", sizes=[0, 4, 3, 0], symbols={"N": 7, "k": 4}),
        case("single rows", sizes=[1] * 5, symbols={"N": 5, "k": 5}),
        case("float32", sizes=[5, 2, 4], dtype=F32, symbols={"N": 11, "k": 3}),
        case("a net in a net, another loss", sizes=[5, 2], symbols={"N": 7, "k": 2}, nested=True),
        case("a weight under two names", sizes=[4, 3], symbols={"N": 7, "k": 2}, tied=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            **draw_net(rng),
            "x": rng.apart(0.5, 1.5, sum(case["sizes"]), 3),
            "y": rng.apart(1.0, 2.0, sum(case["sizes"]), 3),
            "old": rng.apart(1.0, 2.0, 37),
        }

    def observe(self, accum_grads, x, y, sizes, old, empty=False, nested=False, tied=False, **net):
        model = Metered(**net, tied=tied)
        if not empty:
            fill_grads(model, old)
        given: nn.Module = model
        if nested:  # a part of it works in train mode, another one is in eval mode, one is frozen
            model.spare.requires_grad_(False)
            given = lived(nn.Sequential(nn.Sequential(Louder()), model), "mode", "hooked")
        loss_fn = lopsided if nested else nn.functional.mse_loss
        pieces = list(zip(x.split(sizes), y.split(sizes), strict=True))
        loss = accum_grads(given, loss_fn, pieces)
        return {
            "loss": loss,
            "w.grad": model.w.grad,
            "b.grad": model.b.grad,
            "u.grad": model.u.grad,
            "no more rows at once than a piece has": model.most_rows <= max(sizes),
            "one graph at a time": model.most_graphs <= 1,
        }


class Louder(nn.Module):
    """Twice as much in train mode, as dropout makes of what it keeps."""

    def forward(self, x: Tensor) -> Tensor:
        """2 * x in train mode, x in eval mode."""
        return 2 * x if self.training else x


class Metered(Net):
    """A Net that knows the most rows it saw at once, and the most graphs that waited at once."""

    most_rows = most_graphs = waiting = 0

    def __init__(self, w: Tensor, b: Tensor, spare: Tensor, u: Tensor, tied: bool = False) -> None:
        super().__init__(w, b, spare, u)
        if tied:  # one parameter, under two names in two parts
            self.again = nn.ParameterList([self.w])

    def forward(self, x: Tensor) -> Tensor:
        """What the net makes of the rows of x."""
        out = super().forward(x)
        if out.requires_grad and len(x):
            self.most_rows = max(self.most_rows, len(x))
            self.waiting += 1
            self.most_graphs = max(self.most_graphs, self.waiting)
            out.register_hook(self._done)
        return out

    def _done(self, grad: Tensor) -> None:
        self.waiting -= 1
