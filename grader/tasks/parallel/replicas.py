"""The exercise that gives all replicas of a model the average of their gradients."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived, some_numbers
from grader.engine.observation import shares_memory
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class SyncGrads(Task):
    """replicas are copies of one model, one for each rank, after every one of them has run its own
    backward pass on as many samples as the others. A parameter that a replica did not use has
    None as its .grad there. Give every parameter that requires grad the gradient of the mean over
    all ranks: in every replica its .grad is the average over all of them, where None counts as a
    gradient of zeros. If no replica used it, its .grad stays None everywhere. A parameter that
    does not require grad keeps its .grad, whatever it is. Every replica has gradient tensors of its
    own. Nothing else changes."""

    id = "sync_grads"
    signatures = ("sync_grads(replicas) -> None",)
    title, points, difficulty, minutes = "Spot the bug: an unused branch", 6, 3, 12
    prerequisites = ("ddp_average",)
    hints = (
        "Read the section on parameters that a rank does not use. By what does DDP divide, where "
        "one of two ranks has no gradient?",
        "Run the broken function on two replicas, one of which has None. Then write a zero into "
        ".grad of one replica, and look at the other.",
        "The mean is over all ranks, used or not. A tensor that is assigned twice is one tensor "
        "with two names. And which parameters hold a .grad that none of these passes wrote?",
    )
    allows = frozenset({"parameters.grad"})
    CASES = (
        case("a branch that ran on one of 3", used=(2, 3, 1), visible=True),
        case("all parameters used", used=(3, 3, 3)),
        case("a parameter that nobody used", used=(3, 0, 2), visible=True),
        case("a branch that the first two did not use", used=(3, 1, 2), last=True),
        case("one replica", used=(1, 1, 0), world=1),
        case("a frozen parameter with an old gradient", used=(2, 3, 3), states=("frozen",)),
        case("a frozen first layer with an old gradient", used=(2, 3, 1), early=True),
        case("parts in parts, shared weights", used=(3, 2, 3), states=("nested", "tied", "mode")),
        case("float32, five replicas", used=(5, 2, 4), world=5, dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        world = case.params.get("world", 3)
        return {"world": world, "gradients": rng.apart(0.5, 1.5, world, 3, 8)}

    def observe(self, sync_grads, world, gradients, used, last=False, states=(), early=False):
        model = _model(gradients, states)
        if early:
            next(model.children()).requires_grad_(False)
        replicas = [copy.deepcopy(model) for _ in range(world)]
        for rank, replica in enumerate(replicas):
            place = world - 1 - rank if last else rank
            _fill(replica, gradients[rank], [count > place for count in used])
        places = [_lie_at(replica) for replica in replicas]
        sync_grads(replicas)
        seen: dict[str, Any] = {}
        for rank, replica in enumerate(replicas):
            for name, parameter in replica.named_parameters():
                seen[f"{name}.grad on rank {rank}"] = parameter.grad
        return {
            **seen,
            "two replicas share a gradient tensor": _any_shared(replicas),
            "parameters lie where they lay": places == [_lie_at(replica) for replica in replicas],
        }


def _lie_at(replica: nn.Module) -> list[int]:
    """Where in memory the parameters begin."""
    return [parameter.data_ptr() for parameter in replica.parameters()]


def _model(like: Tensor, states: tuple[str, ...]) -> nn.Module:
    """Three layers with weights of 6 entries and biases of 2, the same in every call."""
    with torch.random.fork_rng(devices=[]):
        first, second, last = (nn.Linear(3, 2) for _ in range(3))
    layers = nn.Sequential(first, second, nn.BatchNorm1d(2), last)
    for parameter in layers.parameters():
        parameter.data = some_numbers(parameter).detach().to(like)
    model: nn.Module = lived(layers.to(like), *states)
    return model


def _fill(replica: nn.Module, rows: Tensor, used: list[bool]) -> None:
    """Gradients of a layer's six weights and two biases from its row, where the layer was used."""
    layers = [part for part in replica.modules() if isinstance(part, nn.Linear)]
    for layer, row, here in zip(layers, rows, used, strict=True):
        if here or not layer.bias.requires_grad:
            layer.weight.grad = row[:6].view(2, 3).clone()
            layer.bias.grad = row[6:].clone()


def _any_shared(replicas: list[nn.Module]) -> bool:
    """Whether what is written into the gradient of a replica shows in that of another."""
    by_rank = [[p.grad for p in replica.parameters()] for replica in replicas]
    return any(
        isinstance(one, Tensor)
        and isinstance(other, Tensor)
        and shares_memory(one, other)
        and not _places(one).isdisjoint(_places(other))
        for rank, grads in enumerate(by_rank)
        for others in by_rank[:rank]
        for one, other in zip(grads, others, strict=True)
    )


def _places(t: Tensor) -> set[int]:
    """The addresses of a tensor's entries."""
    last = sum((n - 1) * step for n, step in zip(t.shape, t.stride(), strict=True))
    entries = torch.arange(last + 1).as_strided(t.shape, t.stride())
    return {t.data_ptr() + t.element_size() * int(entry) for entry in entries.flatten()}
