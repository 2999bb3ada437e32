"""The exercise on a state dict that fits a model in part."""

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.observation import flags, shares_memory
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modules.nets import quietly


class LoadMatching(Task):
    """state is a state dict of another model. Load into model every entry of state whose name
    stands in model.state_dict() with the same shape, buffers too. All other entries of model keep
    what they hold, and entries of state that model does not have are passed over. Return the list
    of the names in model.state_dict(), in its order, that were not loaded. The tensors of model
    stay the same objects with their dtypes and flags, in memory of their own; leave state as it
    is."""

    id = "load_matching"
    signatures = ("load_matching(model, state) -> kept",)
    title, points, difficulty, minutes = "Load what fits", 8, 3, 12
    hints = (
        "Read section 10.7, on state dicts. Which differences does strict=False forgive, and which "
        "not?",
        "Compare names and shapes before you load anything: model.state_dict() has both, for "
        "parameters and for buffers.",
        "Make a dict of the entries that fit, load it with strict=False, and list the names of the "
        "model that it lacks.",
    )
    allows = frozenset({"parameters", "buffers"})
    CASES = (
        case("another head", change="head", visible=True),
        case("everything fits", change="", visible=True),
        case("entries missing and entries too many", change="names", visible=True),
        case("a head of one class", change="one class"),
        case("a head lying on its side", change="side"),
        case("a head with axes of length 1", change="kernel"),
        case("a body for other inputs", change="inputs"),
        case("nothing fits", change="all"),
        case("a state in half precision", change="head", half=True),
        case("float32", change="head", dtype=F32),
        case("a model in use", change="", used=True),
        case("a norm under two names", change="two names"),
        case("a norm of torch's that the state lacks", change="norm"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        sizes = {"body.0.weight": (5, 3), "body.0.bias": (5,), "head.weight": (2, 5)}
        sizes |= {f"body.1.{name}": (5,) for name in ("weight", "bias", "running_mean")}
        state: Inputs = {name: rng.apart(0.5, 1.0, *size) for name, size in sizes.items()}
        state["body.1.batches"] = rng.integers(3, 90)
        state["head.bias"] = rng.apart(0.5, 1.0, 2)
        changed = _changed(state, case["change"], rng)
        if case.params.get("half"):  # numbers that float16 holds exactly
            fine = {n: (t * 64).round() / 64 for n, t in changed.items() if t.is_floating_point()}
            changed |= fine
        return changed

    def observe(self, load_matching, change, half=False, used=False, **state):
        like = next(one for one in state.values() if one.is_floating_point())
        model = _model(like, twice=change == "two names", normed=change == "norm")
        if half:
            state = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
        if used:
            lived(model, "grad", "frozen", "mode")
        before, given = _tensors(model), dict(state)
        kept = load_matching(model, state)
        after = _tensors(model)  # what was added is told as an effect
        found = {name: after[name] for name in before if name in after}
        observed: dict[str, Any] = {"kept": kept, "model": found}
        for name, tensor in found.items():
            observed[f"{name}.same_object"] = tensor is before[name]
            observed |= flags(name, tensor, "requires_grad")
        observed["memory shared with state"] = any(
            shares_memory(one, other) for one in found.values() for other in state.values()
        )
        as_it_was = list(state) == list(given) and all(state[n] is t for n, t in given.items())
        return observed | {"state has the entries that it had": as_it_was}


class _Norm(nn.Module):
    """What a norm of 5 features keeps: two parameters, a running mean, and a count of batches;
    and numbers that are not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(5)), nn.Parameter(torch.zeros(5))
        self.register_buffer("running_mean", torch.zeros(5))
        self.register_buffer("batches", torch.tensor(0))
        self.register_buffer("unsaved", torch.zeros(5), persistent=False)


def _model(like: Tensor, twice: bool = False, normed: bool = False) -> nn.Module:
    def make() -> nn.Module:
        body = nn.Sequential(nn.Linear(3, 5), _Norm())
        model = nn.Sequential(OrderedDict(body=body, head=nn.Linear(5, 2)))
        if twice:
            model.add_module("again", body[1])
        if normed:
            model.add_module("norm", nn.BatchNorm1d(2))
        return model

    return quietly(make).to(like)


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _changed(state: Inputs, change: str, rng: Rng) -> Inputs:
    """What was saved, as a model of another build has it."""
    if change == "head":
        return state | {"head.weight": rng.apart(0.5, 1.0, 7, 5), "head.bias": rng.apart(1, 2, 7)}
    if change == "one class":  # of one row, which would be spread over both
        return state | {"head.weight": rng.apart(0.5, 1.0, 1, 5), "head.bias": rng.apart(1, 2, 1)}
    if change == "inputs":  # as many rows as the model has
        return state | {"body.0.weight": rng.apart(0.5, 1.0, 5, 11)}
    if change == "kernel":  # of length 1, and a row: as many numbers, as many first or last
        return state | {
            "head.weight": rng.apart(0.5, 1.0, 2, 5, 1),
            "head.bias": rng.apart(1, 2, 1, 2),
        }
    if change == "side":
        return state | {"head.weight": rng.apart(0.5, 1.0, 5, 2)}
    if change == "two names":  # the head does not fit; whoever saved it had the norm twice as well
        norm = {name: tensor for name, tensor in state.items() if name.startswith("body.1.")}
        again = {name.replace("body.1", "again"): tensor for name, tensor in norm.items()}
        return {**state, **again, "head.bias": rng.apart(1, 2, 7)}
    if change == "names":
        lacking = ("body.1.bias", "body.1.running_mean", "head.bias")
        rest = {name: tensor for name, tensor in state.items() if name not in lacking}
        unsaved = {"body.1.unsaved": rng.apart(1, 2, 5)}  # here saved, and not by the model
        tail = {"tail.weight": rng.apart(0.5, 1.0, 2, 5)}
        return {**tail, **rest, **unsaved, "tail.bias": rng.apart(1, 2, 2)}
    if change == "norm":  # all but what the model has of its new norm
        return {"tail.bias": rng.apart(1, 2, 2), **state}
    if change == "all":
        return {f"module.{name}": tensor for name, tensor in state.items()}
    return dict(reversed(state.items()))
