"""Exercises on data parallel training: gradients and batches of several replicas of one model."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived, some_numbers
from grader.engine.observation import shares_memory
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class DdpAverage(Task):
    """One batch is spread over several ranks. Rank r has sizes[r] of its samples, and grads[r] is
    the gradient of the mean loss over those. Return the gradient of the mean loss over the whole
    batch. A rank may have no samples: its size is 0, and its gradient is zeros. At least one rank
    has samples. All gradients have one shape, and no graph. Leave them as they are."""

    id = "ddp_average"
    signatures = ("average(grads, sizes) -> grad",)
    title, points, difficulty, minutes = "The gradient of the whole batch", 8, 2, 10
    hints = (
        "Read the section on the two halves of a batch. What is the sum of a rank's losses, if you "
        "know their mean and how many there are?",
        "The mean over all samples is one sum over all of them, divided by one number. What does "
        "each rank add to that sum?",
        "Every rank counts by its share of the samples. Multiply each mean by its number of "
        "samples, add up, and divide by the number of all samples at the end.",
    )
    CASES = (
        case("7, 5 and 2 samples", sizes=[7, 5, 2], visible=True),
        case("a rank without samples", sizes=[5, 0, 3], visible=True),
        case("three shards of 7", sizes=[7, 7, 7]),
        case("one rank", sizes=[11]),
        case("a matrix, five ranks", sizes=[3, 11, 1, 5, 2], shape=(3, 5)),
        case("a gradient of shape ()", sizes=[2, 7], shape=()),
        case("float32", sizes=[7, 2, 5], dtype=F32),
        case("the first ranks without samples", sizes=[0, 0, 3, 7]),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        sizes, shape = case["sizes"], case.params.get("shape", (5,))
        grads = [rng.apart(0.5, 1.5, *shape) for _ in sizes]
        return {"rows": torch.stack(grads)}

    def observe(self, average, rows, sizes):
        grads = [g.clone() if n else g * 0 for g, n in zip(rows, sizes, strict=True)]
        return {"grad": average(grads, list(sizes))}


class GlobalBatch(Task):
    """A recipe says: batches of base_batch samples, learning rate base_lr. You train on world
    ranks, each of which reads per_rank samples at a time and accumulates the gradients of accum
    such batches before one step; losses are means, gradients are averaged over ranks and over the
    accumulated batches. Return how many samples one step sees, as an int, and the learning rate
    that the linear scaling rule gives for it, as a float: in proportion to that number."""

    id = "global_batch"
    signatures = ("plan(per_rank, world, accum, base_lr, base_batch) -> (batch, lr)",)
    title, points, difficulty, minutes = "How large is the batch?", 4, 1, 5
    hints = (
        "Read the section on the effective batch. Which samples have had a part in the gradients "
        "when the optimizer steps?",
        "Every rank reads its own samples, and reads several batches of them before the step.",
        "In proportion means: twice the samples, twice the learning rate. By which factor does "
        "your batch differ from the recipe's?",
    )
    CASES = (
        case("3 ranks, 5 batches each", per_rank=7, world=3, accum=5, base_batch=11, visible=True),
        case("one rank", per_rank=7, world=1, accum=5, base_batch=13),
        case("no accumulation", per_rank=5, world=7, accum=1, base_batch=11, visible=True),
        case("a batch smaller than the recipe's", per_rank=2, world=3, accum=1, base_batch=257),
        case("large numbers", per_rank=64, world=24, accum=9, base_batch=256),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"base_lr": float(rng.uniform(0.01, 0.3))}

    def observe(self, plan, per_rank, world, accum, base_lr, base_batch):
        batch, lr = plan(per_rank, world, accum, base_lr, base_batch)
        return {"batch": batch, "lr": lr}


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
        "with two names. And which parameters does an optimizer step leave alone?",
    )
    allows = frozenset({"parameters.grad"})
    CASES = (
        case("a branch that ran on one of 3", used=(2, 3, 1), visible=True),
        case("all parameters used", used=(3, 3, 3)),
        case("a parameter that nobody used", used=(3, 0, 2), visible=True),
        case("a branch that the first two did not use", used=(3, 1, 2), last=True),
        case("one replica", used=(1, 1, 0), world=1),
        case("a frozen parameter with an old gradient", used=(2, 3, 3), states=("frozen",)),
        case("parts in parts, shared weights", used=(3, 2, 3), states=("nested", "tied", "mode")),
        case("float32, five replicas", used=(5, 2, 4), world=5, dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        world = case.params.get("world", 3)
        return {"world": world, "gradients": rng.apart(0.5, 1.5, world, 3, 8)}

    def observe(self, sync_grads, world, gradients, used, last=False, states=()):
        replicas = [copy.deepcopy(_model(gradients, states)) for _ in range(world)]
        for rank, replica in enumerate(replicas):
            place = world - 1 - rank if last else rank
            _fill(replica, gradients[rank], [count > place for count in used])
        sync_grads(replicas)
        seen: dict[str, Any] = {}
        for rank, replica in enumerate(replicas):
            for name, parameter in replica.named_parameters():
                seen[f"{name}.grad on rank {rank}"] = parameter.grad
        return {**seen, "two replicas share a gradient tensor": _any_shared(replicas)}


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
        shares_memory(one, other) and not _places(one).isdisjoint(_places(other))
        for rank, grads in enumerate(by_rank)
        for others in by_rank[:rank]
        for one, other in zip(grads, others, strict=True)
    )


def _places(t: Tensor) -> set[int]:
    """The addresses of a tensor's entries."""
    last = sum((n - 1) * step for n, step in zip(t.shape, t.stride(), strict=True))
    entries = torch.arange(last + 1).as_strided(t.shape, t.stride())
    return {t.data_ptr() + t.element_size() * int(entry) for entry in entries.flatten()}
