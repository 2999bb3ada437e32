"""Exercises on one step of data parallel training: its gradient, and its batch."""

from operator import is_

import torch

from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class DdpAverage(Task):
    """One batch is spread over several ranks. Rank r has sizes[r] of its samples, and grads[r] is
    the gradient of the mean loss over those. Return the gradient of the mean loss over the whole
    batch. A rank may have no samples: its size is 0, and its gradient is zeros. At least one rank
    has samples. All gradients have one shape, and no graph. Leave both lists, and what is in
    them, as they are."""

    id = "ddp_average"
    signatures = ("average(grads, sizes) -> grad",)
    title, points, difficulty, minutes = "The gradient of the whole batch", 8, 2, 10
    hints = (
        "Read the section on one batch and two ranks. What is the sum of a rank's losses, if you "
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
        case("four dimensions", sizes=[3, 7, 2], shape=(2, 3, 5, 7)),
        case("float32", sizes=[7, 2, 5], dtype=F32),
        case("the first ranks without samples", sizes=[0, 0, 3, 7]),
        case("samples whose gradient is zeros", sizes=[3, 5, 2], flat=1),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        sizes, shape = case["sizes"], case.params.get("shape", (5,))
        grads = [rng.apart(0.5, 1.5, *shape) for _ in sizes]
        return {"rows": torch.stack(grads)}

    def observe(self, average, rows, sizes, flat=None):
        zeros = [not n or rank == flat for rank, n in enumerate(sizes)]
        grads = [g * 0 if zero else g.clone() for g, zero in zip(rows, zeros, strict=True)]
        given, counts = list(grads), list(sizes)
        found = {"grad": average(given, counts)}
        same = len(given) == len(grads) and all(map(is_, given, grads))
        return {**found, "both lists are as they were": same and counts == list(sizes)}


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
        case("a whole rate", per_rank=12, world=2, accum=5, base_batch=24, whole=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        if case.params.get("whole"):
            return {"base_lr": float(rng.integers(3, 12))}
        return {"base_lr": float(rng.uniform(0.01, 0.3))}

    def observe(self, plan, per_rank, world, accum, base_lr, base_batch):
        found = plan(per_rank, world, accum, base_lr, base_batch)
        if not isinstance(found, list | tuple) or len(found) != 2:
            return {"answer": found}
        batch, lr = found
        kinds = {"batch is an int": isinstance(batch, int), "lr is a float": isinstance(lr, float)}
        return {"batch": batch, "lr": lr, **kinds}
