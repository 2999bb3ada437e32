"""The exercise on which parameters an optimizer gets, and with which settings."""

from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import Kernel, Linear, Norm


class ParamGroups(Task):
    """head is a submodule of model. Return a torch.optim.SGD over every parameter of model that
    requires grad, each exactly once: learning rate lr_head for the parameters of head (also for one
    that the rest of model uses as well), lr_body for all others; weight decay wd for parameters of
    two or more dimensions, none for the rest, such as biases and the weights of norms. Leave model
    as it is."""

    id = "param_groups"
    signatures = ("two_speed(model, head, lr_body, lr_head, wd) -> opt",)
    title, points, difficulty, minutes = "Two learning rates", 8, 3, 12
    hints = (
        "Read section 6.10, on parameter groups. An optimizer takes a list of dicts: which keys "
        "does SGD know?",
        "Two questions sort every parameter: does it belong to head, and has it two dimensions or "
        "more? Walk over model.parameters(), which lists each parameter once.",
        "Collect the ids of head's parameters in a set: `p in list(...)` compares values, and "
        "mostly raises. One group per parameter is fine.",
    )
    CASES = (
        case("a net with a norm", kind="plain", visible=True),
        case("a head without bias", kind="no bias"),
        case("a frozen body weight", kind="frozen"),
        case("a weight that head and body share", kind="tied"),
        case("float32", kind="plain", dtype=F32),
        case("nested parts, a kernel, a frozen weight in the head", kind="used"),
        case("a head inside a part, under another name", kind="inner"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "weight": rng.apart(0.5, 1.0, 3, 5),
            "grad": rng.apart(0.5, 1.0, 3, 5),
            "rates": [float(rate) for rate in rng.uniform(0.01, 0.02, 1)]
            + [float(rate) for rate in rng.uniform(0.1, 0.2, 1)],
        }

    def observe(self, two_speed, weight, grad, rates, kind):
        if kind == "inner":
            model = _inner(weight)
            head = model.net.top
        else:
            model = _used(weight) if kind == "used" else _flat(weight, kind)
            head = model.head
        opt = two_speed(model, head, *rates, 0.3)
        if opt is None:
            return {"answer": None}
        if not isinstance(opt, torch.optim.Optimizer):
            raise TypeError(f"a {type(opt).__name__} is no torch.optim.SGD")
        settings: dict[str, Any] = {}
        for name, parameter in model.named_parameters():
            groups = [g for g in opt.param_groups if any(p is parameter for p in g["params"])]
            settings[name] = [
                {**{key: g.get(key) for key in ("lr", "weight_decay")}, "momentum": _momentum(g)}
                for g in groups
            ]
            if parameter.requires_grad:
                numbers = grad.flatten()[: parameter.numel()].reshape(parameter.shape)
                parameter.grad = numbers
        opt.step()
        if kind == "used":  # a second step shows whether the optimizer remembers the first
            opt.step()
        moved = {f"{name} after a step": p for name, p in model.named_parameters()}
        return {"settings": settings, **moved}


def _momentum(group: dict[str, Any]) -> float:
    """That of a parameter group; 0 where its optimizer knows none."""
    return float(group.get("momentum", 0.0))


def _flat(weight: Tensor, kind: str) -> Any:
    """A body, a norm and a head, each a layer."""
    model: Any = nn.Module()
    model.body, model.norm = Linear(weight), Norm(weight[:, 1])
    model.head = Linear(weight.flip(0), bias=kind != "no bias")
    if kind == "tied":
        model.body.weight = model.head.weight
    if kind == "frozen":
        model.body.weight.requires_grad_(False)
    return model


def _inner(weight: Tensor) -> Any:
    """A norm and a net of two layers, the second of which is the head."""
    model: Any = nn.Module()
    model.norm, model.net = Norm(weight[:, 1]), nn.Module()
    model.net.below, model.net.top = Linear(weight), Linear(weight.flip(0))
    return model


def _used(weight: Tensor) -> Any:
    """The head stands first and is nested, as the body is; its last bias is frozen and has an old
    .grad, as all have. A long vector, a number and a matrix stand on the model itself."""
    model: Any = nn.Module()
    model.head = nn.Sequential(Norm(weight[:, 0]), Linear(weight.flip(0)))
    model.scale = nn.Parameter(weight.flatten().clone())
    model.gain = nn.Parameter(weight[0, 0].clone())
    model.table = nn.Parameter(weight.roll(1, 1))
    block = nn.Sequential(Linear(weight), Norm(weight[:, 1]))
    model.body = nn.Sequential(block, Linear(weight + 1), Kernel(weight))
    lived(model.head, "grad", "frozen", "mode")
    return lived(model, "grad", "mode")
