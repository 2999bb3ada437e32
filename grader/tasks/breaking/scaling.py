"""The exercise on a step with a scaled loss."""

import torch
from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.task import F32, TRAINING, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import Loss, Net, draw_net, fill_grads, in_groups, values


class ClipAfterUnscale(Task):
    """Train model on one batch: one step of opt along the gradient of loss_fn(model(x), y), clipped
    to a norm of at most max_norm over all parameters. The backward pass starts from the loss
    multiplied by the scale of scaler, a torch.amp.GradScaler, so that small gradients do not vanish
    in half precision; the scale itself must not show in the step. If a gradient is inf or nan,
    nothing moves and the scale shrinks. Whatever .grad held before does not count, and a parameter
    that takes no part stays as it is. Return the loss, not multiplied, as a Python float."""

    id = "clip_after_unscale"
    signatures = ("amp_step(model, opt, scaler, loss_fn, x, y, max_norm) -> loss",)
    title, points, difficulty, minutes = "Spot the bug: a limit in the wrong units", 8, 3, 10
    hints = (
        "Read the section on scaling, unscaling and clipping. In which units are the gradients "
        "when the broken function clips them, and in which is max_norm?",
        "Print the norm that clip_grad_norm_ returns, for a scale of 1 and for one of 1024.",
        "The scaler has a method that divides the gradients of an optimizer by the scale, and "
        "that step then does not do again. It belongs between backward and clipping.",
    )
    allows = TRAINING
    CASES = (
        case("a norm that is reached", visible=True),
        case("a norm that is never reached", max_norm=1e9, visible=True),
        case("the second batch is bad", bad=1, visible=True),
        case("old gradients in .grad", kind="old"),
        case("a scale below 1", start=0.25),
        case("momentum", kind="momentum", bad=2),
        case("float32", dtype=F32),
        case("several groups, a frozen parameter, another loss", kind="lived", start=0.0625),
        case("an old gradient of a parameter that takes no part", kind="spare"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        y = rng.apart(2e3, 4e3, 4, 7, 3)
        if "bad" in case.params:
            y[case["bad"], 3, 1] = torch.inf
        return {
            **draw_net(rng),
            "x": rng.apart(0.5, 1.5, 4, 7, 3),
            "y": y,
            "old": rng.apart(1e6, 2e6, 37),
        }

    def observe(
        self,
        amp_step,
        w,
        b,
        spare,
        u,
        x,
        y,
        old,
        kind="",
        start=1024.0,
        max_norm=70.0,
        lr=2e-3,
        bad=None,
    ):
        net = Net(w, b, spare, u)
        model: nn.Module = net
        if kind in ("old", "spare"):
            fill_grads(net, old)
        opt = torch.optim.SGD(
            model.parameters(),
            lr=2e-4,
            momentum=0.9 if kind == "momentum" else 0,
            weight_decay=0.3 if kind == "spare" else 0,  # which moves whatever has a .grad
        )
        loss_fn: Loss = nn.functional.mse_loss
        if kind == "lived":
            in_groups(opt)
            model = lived(nn.Sequential(nn.Sequential(net)), "grad", "frozen", "mode")
            loss_fn = _tilted
        scaler = torch.amp.GradScaler(x.device.type, init_scale=start, growth_interval=2)
        losses = [
            amp_step(model, opt, scaler, loss_fn, x[i], y[i], max_norm) for i in range(len(x))
        ]
        return {"losses": losses, **values(model), "the scale afterwards": scaler.get_scale()}


def _tilted(prediction: Tensor, wanted: Tensor) -> Tensor:
    """The mean distance times 1,000, counted double where the prediction is too high."""
    difference = prediction - wanted
    return 1000 * (2 * difference.relu() + (-difference).relu()).mean()
