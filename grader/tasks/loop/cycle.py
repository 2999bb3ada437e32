"""Exercises on the loop itself: one step, and the order of its lines."""

import torch
from torch import nn

from grader.engine.lived import lived
from grader.engine.task import F32, TRAINING, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import (
    Loss,
    Net,
    Norm,
    draw_net,
    fill_grads,
    in_groups,
    lopsided,
    values,
)


class TrainStep(Task):
    """Train model on one batch: change its parameters by one step of the optimizer opt, along the
    gradient of loss_fn(model(x), y) alone, whatever the .grad of the parameters held before. Run
    the model once, and leave it in the mode that it is in. Return the loss before the step as a
    Python float."""

    id = "train_step"
    signatures = ("train_step(model, opt, loss_fn, x, y) -> loss",)
    title, points, difficulty, minutes = "One step", 8, 1, 6
    hints = (
        "Read section 6.2, on the four lines. Which of them adds to .grad, which one reads it, and "
        "which one empties it?",
        "Print a parameter's .grad after each of your lines, and start with a .grad that is not "
        "empty.",
        "Empty the gradients through the optimizer at any moment before backward. Only then call "
        "backward, and step last. loss.item() is the number without the graph.",
    )
    allows = TRAINING
    CASES = (
        case("old gradients in .grad", kind="old", visible=True),
        case("an optimizer with momentum", kind="momentum"),
        case("an old gradient of a parameter that takes no part", kind="spare"),
        case("a frozen parameter", kind="frozen"),
        case("tied weights, one row", kind="tied", rows=1),
        case("old gradients in float32", kind="old", dtype=F32),
        case("parameters in several groups, another loss", kind="groups"),
        case("a net that keeps running statistics", kind="running"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case.params.get("rows", 7)
        batches = {name: rng.apart(0.5, 1.5, 2, rows, 3) for name in ("x", "y")}
        return {**draw_net(rng), **batches, "old": rng.apart(1.0, 2.0, 37)}

    def observe(self, train_step, w, b, spare, u, x, y, old, kind):
        net = Net(w, b, spare, None if kind == "tied" else u)
        model: nn.Module = net
        if kind == "frozen":
            net.b.requires_grad_(False)
        else:
            fill_grads(model, old)
        if kind != "spare":
            net.spare.grad = None
        momentum = 0.9 if kind == "momentum" else 0.0
        if kind == "running":
            model = nn.Sequential(net, Norm(u[0]))
        decay = 0.3 if kind == "spare" else 0.0  # which moves whatever has a .grad
        opt = torch.optim.SGD(model.parameters(), lr=0.13, momentum=momentum, weight_decay=decay)
        loss_fn: Loss = nn.functional.mse_loss
        if kind == "groups":  # the frozen one has an old .grad
            in_groups(opt)
            model = nn.Sequential(lived(model, "grad", "frozen", "mode"))
            model, loss_fn = lived(model, "hooked"), lopsided
        losses = [train_step(model, opt, loss_fn, x[i], y[i]) for i in range(len(x))]
        return {"loss": losses[0], "loss of the next step": losses[1], **values(model)}


class OrderTheLines(Task):
    """Train model on every batch (x, y) of batches, in turn: one step of the optimizer opt, then
    one of the scheduler sched, for each batch. Before a step the gradient of that batch is clipped
    to a norm of at most max_norm, by torch.nn.utils.clip_grad_norm_. No parameter has a .grad at
    the start. Return the list of the losses, one Python float for each batch, each computed before
    its step."""

    id = "order_the_lines"
    signatures = ("train_epoch(model, opt, sched, loss_fn, batches, max_norm) -> losses",)
    title, points, difficulty, minutes = "Put the lines in order", 8, 2, 10
    prerequisites = ("train_step",)
    hints = (
        "Read section 6.9, and the rule on the order in section 6.2. For every line ask what it "
        "reads and what it writes: a parameter, its .grad, or the learning rate.",
        "Five of the seven lines have to follow one another. Which are they? The other two have "
        "several right places.",
        "What clipping changes must have been computed before, and used afterwards. What empties "
        "the gradients may stand anywhere but between their computation and their use.",
    )
    allows = TRAINING
    CASES = (
        case("3 batches", sizes=[7, 7, 4], visible=True),
        case("batches of one row", sizes=[1, 1, 1, 1]),
        case("tied weights", sizes=[5, 5], tied=True),
        case("float32", sizes=[7, 5, 3], dtype=F32),
        case("a net in a net, several groups, another loss", sizes=[5, 5, 3], groups=True),
        case("a norm that is never reached", sizes=[5, 3], max_norm=50.0),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            **draw_net(rng),
            "x": rng.apart(0.5, 1.5, sum(case["sizes"]), 3),
            "y": rng.uniform(2.0, 4.0, sum(case["sizes"]), 3),
        }

    def observe(
        self, train_epoch, w, b, spare, u, x, y, sizes, tied=False, groups=False, max_norm=0.1
    ):
        model: nn.Module = Net(w, b, spare, None if tied else u)
        loss_fn: Loss = nn.functional.mse_loss
        if groups:
            model, loss_fn = lived(nn.Sequential(nn.Sequential(model)), "mode", "hooked"), lopsided
        opt = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
        if groups:
            in_groups(opt)
        sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)
        batches = list(zip(x.split(sizes), y.split(sizes), strict=True))
        losses = train_epoch(model, opt, sched, loss_fn, batches, max_norm)
        found = {"losses": losses, **values(model), "learning rate": opt.param_groups[0]["lr"]}
        if groups:
            found["learning rate of the last group"] = opt.param_groups[-1]["lr"]
        return found
