"""The exercises on how many batches an epoch has, and which samples each of them holds."""

from typing import Any

import torch
from torch.utils.data import DataLoader

from grader.engine.task import Case, Inputs, Rng, Task, case


class StepsPerEpoch(Task):
    """Return how many batches DataLoader(dataset, batch_size=b, drop_last=drop_last) gives in one
    epoch for a dataset of n samples, as an int."""

    id = "steps_per_epoch"
    signatures = ("epoch_steps(n, b, drop_last) -> int",)
    title, points, difficulty, minutes = "Steps in an epoch", 4, 1, 4
    hints = (
        "Read section 11.4. What becomes of the samples that are left over when n is no multiple "
        "of b?",
        "Write down the batches of 7 samples by 3 with and without drop_last, then of 6 samples, "
        "then of 2.",
        "n // b counts the full batches. Without drop_last one more comes, if n % b is not 0.",
    )
    CASES = (
        case("samples left over", full=3, left="some", visible=True),
        case("none left over", full=4, left="none", visible=True),
        case("fewer samples than a batch holds", full=0, left="some"),
        case("one full batch", full=1, left="none"),
        case("one sample left over", full=5, left="one"),
        case("all but one of a batch left over", full=2, left="all but one"),
        case("batches of one", full=7, left="none", single=True),
        case("no samples", full=0, left="none"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        b = 1 if case.params.get("single") else int(rng.integers(5, 12).item())
        some = int(rng.integers(2, b - 1).item()) if b > 1 else 0
        left = {"none": 0, "one": 1, "all but one": b - 1, "some": some}[case["left"]]
        more = int(rng.integers(0, 8).item()) if case["full"] > 1 else 0
        return {"n": (case["full"] + more) * b + left, "b": b}

    def observe(self, epoch_steps, n, b):
        found = {f"drop_last={drop}": epoch_steps(n, b, drop) for drop in (False, True)}
        return {**found, "each is an int": all(isinstance(one, int) for one in found.values())}


class BatchSampler(Task):
    """Batches(n, size, drop_last, generator) gives the numbers 0 to n - 1 in batches, and can be
    read epoch after epoch. Every time reading begins, a new order is drawn by
    torch.randperm(n, generator=generator), and cut into lists of size ints, one after the other.
    What is left over makes a shorter last list, or none if drop_last is True. len() is the number
    of lists in an epoch. No other random number is drawn."""

    id = "batch_sampler"
    signatures = ("class Batches(n, size, drop_last, generator)",)
    title, points, difficulty, minutes = "Spot the bug: the second epoch is empty", 7, 3, 12
    prerequisites = ("steps_per_epoch",)
    hints = (
        "Read section 11.4, on what can be read once. What does iter() of an iterator give, and "
        "what does the second for loop over it do?",
        "A for loop calls __iter__ each time it begins. What has to be new in each epoch belongs "
        "there, and not in __init__.",
        "Let __iter__ draw the order, make a list of it with tolist(), and yield slices of it. "
        "Skip a slice that is too short if drop_last is True.",
    )
    CASES = (
        case("11 samples by 3", n=11, size=3, drop_last=False, visible=True),
        case("11 samples by 3, drop_last", n=11, size=3, drop_last=True, visible=True),
        case("9 samples by 4", n=9, size=4, drop_last=False),
        case("none left over, drop_last", n=15, size=5, drop_last=True),
        case("none left over", n=14, size=7, drop_last=False),
        case("fewer samples than a batch holds", n=5, size=7, drop_last=False),
        case("fewer samples than that, drop_last", n=5, size=7, drop_last=True),
        case("batches of one", n=7, size=1, drop_last=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"seed": int(rng.integers(0, 10**6).item())}

    def observe(self, Batches, n, size, drop_last, seed):
        generator = torch.Generator().manual_seed(seed)
        batches = Batches(n, size, drop_last, generator)
        found: dict[str, Any] = {"length": len(batches)}
        # Others may draw from it before the first epoch.
        found["a draw before the first epoch"] = torch.rand((), generator=generator).item()
        for epoch in ("first", "second"):
            found[f"{epoch} epoch"] = _some(batches)
        for _ in batches:  # an epoch that is left early
            break
        found["after an epoch that was left early"] = _some(batches)
        found["length afterwards"] = len(batches)
        if n >= size or not drop_last:  # of nothing, whoever draws late does not draw
            together = zip(batches, batches, range(99), strict=False)
            found["read by two loops at once"] = [list(both[:2]) for both in together]
        # The loader takes its workers' seed from a generator of its own.
        numbers: Any = range(n)
        loader: Any = DataLoader(numbers, batch_sampler=batches, generator=torch.Generator())
        found["by a DataLoader"] = [part.tolist() for part in _some(loader)]
        found["the next draw of the generator"] = torch.rand((), generator=generator).item()
        return found


def _some(batches: Any) -> list[Any]:
    """The batches of an epoch, and not many more if it never ends."""
    return [batch for batch, _ in zip(batches, range(99), strict=False)]
