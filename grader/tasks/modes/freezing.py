"""Exercises on parameters that must not train: a frozen layer, and a slow copy of a model."""

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.observation import flags, shares_memory
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modes.nets import Layer


class FrozenMiddle(Task):
    """model is an nn.Sequential, whose layers may have names. Freeze the parameters of model[i],
    such that an optimizer over all parameters of the model, which skips those whose .grad is None,
    leaves them alone from now on. Their gradients of earlier passes may still lie in .grad. All
    other layers go on training: the gradients that reach them, and what lies in their .grad, stay
    as they are."""

    id = "frozen_middle"
    signatures = ("freeze_middle(model, i) -> None",)
    title, points, difficulty, minutes = "Spot the bug: frozen, and moving", 8, 3, 10
    hints = (
        "Read section 4.8, on freezing. Which of the things that an optimizer looks at does "
        "requires_grad_(False) change?",
        "Run a backward pass, freeze the layer, and print .grad of its parameters. What does an "
        "optimizer make of it, and what of a .grad of zeros, if it has momentum or weight decay?",
        "Switch the flag off for each parameter of the one layer, and set its .grad to None. "
        "Touch nothing else: gradients pass through a frozen layer.",
    )
    allows = frozenset({"parameters.requires_grad", "parameters.grad", "parameters.emptied"})
    CASES = (
        case("the middle one of three layers", i=1, visible=True),
        case("the first layer", i=0),
        case("the last layer, as -1", i=-1, visible=True),
        case("another layer is frozen already", i=1, frozen="2"),
        case("no gradients yet", i=1, fresh=True, visible=True),
        case("one row in float32", i=1, rows=1, dtype=F32, visible=True),
        case("layers made of layers, parts in other modes", i=1, nested=True, visible=True),
        case("one layer without parameters in two places", i=3, gaps=True),
        case("a parameter of it is frozen already, with an old .grad", i=1, stale="1.bias"),
        case("the second of twelve layers", i=1, gaps=True, twelve=True),
        case("layers with names, and a parameter that is no weight", i=1, called=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case.params.get("rows", 7)
        return {
            "x": rng.apart(0.5, 1.0, rows, 5),
            "v": rng.apart(1.0, 2.0, rows, 2),
            "w0": rng.apart(0.3, 0.5, 5, 4),
            "w1": rng.apart(0.3, 0.5, 4, 3),
            "w2": rng.apart(0.3, 0.5, 3, 2),
        }

    def observe(
        self,
        freeze_middle,
        x,
        v,
        w0,
        w1,
        w2,
        i,
        frozen="",
        stale="",
        fresh=False,
        nested=False,
        gaps=False,
        twelve=False,
        called=False,
    ):
        model = nn.Sequential(Layer(w0, w0[0]), Layer(w1, w1[0]), Layer(w2, w2[0]))
        if nested:
            first, middle, last = model
            inner = nn.Sequential(nn.Tanh(), Layer(w1[:3], w1[3])).eval()
            outer = nn.Sequential(nn.Tanh(), last).eval()
            model = nn.Sequential(
                nn.Sequential(nn.Tanh(), first), nn.Sequential(middle, inner), outer
            )
        if gaps:
            first, middle, last = model
            act = nn.Tanh()
            model = nn.Sequential(act, first, *[act] * (8 if twelve else 1), middle, last)
        if called:
            first, middle, last = model
            body = nn.Sequential(middle, _Scale(w1[0]))
            model = nn.Sequential(OrderedDict(stem=first, body=body, head=last))
        known = dict(model.named_parameters())
        if frozen:
            model.get_submodule(frozen).requires_grad_(False)
        for parameter in known.values():
            if parameter.requires_grad and not fresh:
                parameter.grad = 0.5 * parameter.detach() + 1
        if stale:
            known[stale].requires_grad_(False)
        freeze_middle(model, i)
        y = model(x)
        if isinstance(y, Tensor) and y.requires_grad:
            y.backward(v)
        observed: dict[str, Any] = {}
        for name, parameter in known.items():
            observed[f"{name}, .grad"] = parameter.grad
            _step(parameter)
            observed[f"{name}, after a step"] = parameter
            observed |= flags(name, parameter, "requires_grad")
        return observed


class _Scale(nn.Module):
    """Multiplies by a parameter that has neither of the usual names."""

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.scale = nn.Parameter(scale.clone())

    def forward(self, x: Tensor) -> Tensor:
        """x times the scale."""
        return x * self.scale


def _step(parameter: Tensor) -> None:
    """A step of SGD with momentum from earlier steps and weight decay. It skips a .grad of None,
    as torch.optim does, which would take two seconds to import here."""
    if parameter.grad is None:
        return
    with torch.no_grad():
        momentum = 0.9 * torch.ones_like(parameter)
        parameter -= 0.1 * (momentum + parameter.grad + 0.3 * parameter)


class EmaUpdate(Task):
    """Move target towards online, a module of the same build, in place and without recording.
    Every parameter, and every buffer of floating point numbers, becomes beta times its own value
    plus (1 - beta) times that of online; buffers of integers are copied from online. The tensors of
    target stay the same objects, with the same flags. All buffers here are persistent, so that they
    stand in state_dict(). Leave online as it is."""

    id = "ema_update"
    signatures = ("ema(target, online, beta) -> None",)
    title, points, difficulty, minutes = "A slow copy of a model", 8, 3, 12
    hints = (
        "Read section 4.9, on a slow copy. What happens to a target that does not require grad if "
        "you add a recorded tensor to it in place?",
        "named_parameters() leaves out what batch normalization keeps. Which other method lists "
        "it, and of which dtype is num_batches_tracked?",
        "Inside no_grad, go through the parameters and then the buffers of both modules in pairs. "
        "Scale and add in place; for integers use copy_.",
    )
    allows = frozenset({"parameters", "buffers"})  # target is to change; online is observed
    CASES = (
        case("a frozen target", visible=True),
        case("a target that requires grad", wanted=True, visible=True),
        case("beta = 0", beta=0.0),
        case("beta = 1", beta=1.0),
        case("float32", dtype=F32),
        case(
            "modules of parts in the middle of training",
            wanted=True,
            states=("nested", "grad", "frozen", "mode"),
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        drawn = {name: rng.apart(0.5, 2.0, 3, 5) for name in ("old", "new")}
        return {**drawn, "beta": float(case.params.get("beta", rng.uniform(0.7, 0.8)))}

    def observe(self, ema, old, new, beta, wanted=False, states=()):
        target: nn.Module = _Averaged(old, 3)
        online: nn.Module = _Averaged(new, 11)
        target.requires_grad_(wanted)
        if states:
            target, online = (
                lived(nn.Sequential(module, _Averaged(values + 1, batches), nn.Tanh()), *states)
                for module, values, batches in ((target, old, 5), (online, new, 13))
            )
            target.get_submodule("0.0").eval()
        before = {**dict(target.named_parameters()), **dict(target.named_buffers())}
        memory = {name: t.untyped_storage().data_ptr() for name, t in before.items()}
        ema(target, online, beta)
        found = {**dict(target.named_parameters()), **dict(target.named_buffers())}
        of_online = {**dict(online.named_parameters()), **dict(online.named_buffers())}
        observed: dict[str, Any] = {"target": found, "online": of_online}
        for name, tensor in found.items():
            observed |= flags(name, tensor, "requires_grad", "is_leaf")
            observed[f"{name}.same_object"] = tensor is before.get(name)
            observed[f"{name}.shares_memory"] = tensor.untyped_storage().data_ptr() == memory.get(
                name
            )
        observed["one memory for both"] = any(
            shares_memory(tensor, of_online.get(name)) for name, tensor in found.items()
        )
        return observed


class _Averaged(nn.Module):
    """A weight, the statistics of batch normalization after some batches, and two buffers more: one
    number that is a float, and several that are integers."""

    temperature: Tensor
    seen: Tensor

    def __init__(self, weight: Tensor, batches: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.norm = nn.BatchNorm1d(3, device=weight.device, dtype=weight.dtype)
        with torch.no_grad():
            self.norm.weight.copy_(weight[:, 0])
            self.norm.bias.copy_(weight[:, 1])
            self.norm.get_buffer("running_mean").copy_(weight[:, 2])
            self.norm.get_buffer("running_var").copy_(weight[:, 3].abs())
            self.norm.get_buffer("num_batches_tracked").fill_(batches)
        self.register_buffer("temperature", weight[0, 4].clone())
        self.register_buffer(
            "seen", batches * torch.arange(3, 6, device=weight.device, dtype=torch.int32)
        )
