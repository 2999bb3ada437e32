"""The exercise that measures the gradient of every sample by itself."""

import torch
from torch import Tensor, nn

from grader.engine.lived import lived, with_grad
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import Linear, Net, draw_net, fill_grads, lopsided


class PerSampleNorms(Task):
    """Return, as a tensor of shape (N,), for every row of x the norm of the gradient of its own
    loss, loss_fn(model(x[i : i + 1]), y[i : i + 1]). The norm is over all parameters together that
    require grad: the root of the sum of the squares of all their entries; a parameter that takes no
    part adds 0. The model treats every row by itself. Leave model, x and y as they are, with .grad,
    flags and modes."""

    id = "per_sample_norms"
    signatures = ("sample_norms(model, loss_fn, x, y) -> norms",)
    title, points, difficulty, minutes = "One gradient for each sample", 8, 3, 12
    hints = (
        "Read the section on per-sample gradients. Which numbers of the batch does a loss "
        "of one row depend on, and what does .grad hold after a backward pass from the mean?",
        "Compare with a batch of one row. What does torch.autograd.grad do with a parameter that "
        "takes no part, or that is frozen?",
        "A loop over the rows with torch.autograd.grad and allow_unused=True does it. Square the "
        "entries of all gradients of a row, add them up, and take one root for each row.",
    )
    CASES = (
        case("7 rows", rows=7, visible=True, symbols={"N": 7}),
        case("3 rows, old gradients in .grad", rows=3, kind="old", visible=True, symbols={"N": 3}),
        case("one row", rows=1),
        case("a frozen parameter", rows=5, kind="frozen", symbols={"N": 5}),
        case("tied weights", rows=5, kind="tied", symbols={"N": 5}),
        case("one weight in two parts", rows=5, kind="tied apart", symbols={"N": 5}),
        case("another loss", rows=5, kind="lopsided", symbols={"N": 5}),
        case("float32", rows=7, dtype=F32, symbols={"N": 7}),
        case("a row without a gradient", rows=3, kind="met", symbols={"N": 3}),
        case("a net in the middle of training", rows=5, kind="lived", symbols={"N": 5}),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case["rows"]
        return {
            **draw_net(rng),
            "x": rng.apart(0.5, 1.5, rows, 3),
            "y": rng.apart(1.0, 3.0, rows, 3),
            "old": rng.apart(1.0, 2.0, 37),
        }

    def observe(self, sample_norms, x, y, old, w, b, spare, u, kind=""):
        net = Net(w, b, spare, None if kind == "tied" else u)
        model: nn.Module = net
        if kind == "old":
            fill_grads(net, old)
        if kind == "tied apart":
            model = nn.Sequential(Linear(u[:3]), nn.Tanh(), Linear(u[:3] / 2))
            model[2].weight = model[0].weight
        if kind == "frozen":
            net.u.requires_grad_(False)
        if kind == "lived":
            model = lived(
                nn.Sequential(nn.Flatten(), nn.Sequential(net), nn.Tanh()), "grad", "mode"
            )
            net.b.requires_grad_(False)
            x, y = with_grad(x), with_grad(y)
        if kind == "met":
            with torch.no_grad():
                y[1:2] = model(x[1:2])
        loss_fn = lopsided if kind in ("lopsided", "lived") else torch.nn.functional.mse_loss
        if kind == "lived":
            loss_fn = _below_zero
        return sample_norms(model, loss_fn, x, y)


def _below_zero(prediction: Tensor, wanted: Tensor) -> Tensor:
    """The lopsided loss, less so much that it is below 0, as a log-density may be."""
    return lopsided(prediction, wanted) - 1e6
