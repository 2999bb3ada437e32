"""The exercises on who reads what: a worker its share of a stream, a rank its share of a set."""

import itertools
from collections.abc import Iterator
from typing import Any

from grader.engine.task import Case, Inputs, Rng, Task, case

FARTHEST = 200


class WorkerShare(Task):
    """stream is an iterable that may never end, and workers workers share it: the one with the
    number worker, counted from 0, gets the items worker, worker + workers, worker + 2 * workers and
    so on, counted from 0. Return an iterator over that worker's items, in their order. It reads
    stream once, and no further than it has to: to give its first k items it reads
    worker + (k - 1) * workers + 1 of stream. Making it reads nothing."""

    id = "worker_share"
    signatures = ("share_of(stream, worker, workers) -> iterator",)
    title, points, difficulty, minutes = "A worker's share of a stream", 5, 2, 8
    hints = (
        "Read section 11.7, on a stream with workers. What does an epoch hold if each of two "
        "workers reads the whole stream?",
        "Number the items while you read them. Which numbers belong to a worker, if there are "
        "three of them? And what would list(stream) do with a stream that never ends?",
        "A generator function reads nothing until it is asked for its first item. enumerate "
        "numbers the items, and % tells whose turn it is; itertools can do it as well.",
    )
    CASES = (
        case("13 items, worker 1 of 3", length=13, worker=1, workers=3, visible=True),
        case("worker 0 of 3", length=13, worker=0, workers=3, visible=True),
        case("a stream that never ends", length=None, worker=2, workers=3, visible=True),
        case("the last of 5 workers", length=23, worker=4, workers=5),
        case("one worker", length=7, worker=0, workers=1),
        case("fewer items than workers", length=2, worker=3, workers=5),
        case("an iterator that can be read once", length=17, worker=1, workers=2, once=True),
        case("items that are None and 0", length=11, worker=1, workers=3, empty=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        items: list[Any] = (rng.permutation(FARTHEST) + 100).tolist()
        if case.params.get("empty"):
            items = [(None, 0, items[i])[i // 3 % 3] for i in range(FARTHEST)]
        return {"items": items}

    def observe(self, share_of, items, length, worker, workers, once=False):
        stream = _Stream(items, length)
        share = share_of(iter(stream) if once else stream, worker, workers)
        found: dict[str, Any] = {"read before the first item": stream.read}
        reader = iter(share)
        found["it is an iterator"] = reader is share
        found["its first item"] = list(itertools.islice(reader, 1))
        found["read for that"] = stream.read
        found["its second item"] = list(itertools.islice(reader, 1))
        found["read by then"] = stream.read
        if length is not None:
            found["its other items"] = list(itertools.islice(reader, FARTHEST))
            found["read in all"] = stream.read
        return found


class _Stream:
    """Items that are counted as they are read; without a length they end only where no right answer
    gets."""

    def __init__(self, items: list[Any], length: int | None) -> None:
        self.items, self.length, self.read = items, length, 0

    def __iter__(self) -> Iterator[Any]:
        for item in self.items[: self.length]:
            self.read += 1
            yield item


class DistributedSampler(Task):
    """world processes, called ranks, train on one set of n samples. Return the list of the numbers
    that rank reads in an epoch, as ints. The order of all numbers is 0 to n - 1 or, if shuffle is
    True, torch.randperm(n) with a new generator whose seed is seed + epoch. Then the order is made
    longer by repeating it from its beginning, until its length is a multiple of world, and rank r
    takes the entries r, r + world, r + 2 * world and so on. torch's own random state stays as it
    was. n is at least 1."""

    id = "distributed_sampler"
    signatures = ("rank_indices(n, world, rank, shuffle, seed, epoch) -> list",)
    title, points, difficulty, minutes = "A rank's share of the set", 8, 3, 15
    prerequisites = ("split_indices", "worker_share")
    hints = (
        "Read section 11.8. Which of the six arguments may the order of all numbers depend on, if "
        "the ranks are to agree on it without a word?",
        "Three steps: the order, its length, the share. Try 11 samples and 3 ranks on paper, then "
        "2 samples and 5 ranks: once may not be enough to repeat the order.",
        "torch.Generator() makes a generator of its own, and manual_seed sets its seed. A slice "
        "with a step takes every world-th entry.",
    )
    CASES = (
        case("11 samples, 3 ranks", n=11, world=3, shuffle=True, visible=True),
        case("not shuffled", n=11, world=3, shuffle=False, visible=True),
        case("12 samples, 3 ranks", n=12, world=3, shuffle=True),
        case("2 samples, 7 ranks", n=2, world=7, shuffle=True),
        case("2 samples, 7 ranks, not shuffled", n=2, world=7, shuffle=False),
        case("one rank", n=7, world=1, shuffle=True),
        case("23 samples, 5 ranks", n=23, world=5, shuffle=True),
        case("19 samples, 4 ranks, not shuffled", n=19, world=4, shuffle=False),
        case("epoch 0 and seed 0", n=11, world=3, shuffle=True, start=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        seed, epoch = rng.integers(100, 200, 1).item(), rng.integers(3, 100, 1).item()
        if case.params.get("start"):
            seed = epoch = 0
        return {"seed": int(seed), "epoch": int(epoch)}

    def observe(self, rank_indices, n, world, shuffle, seed, epoch):
        return {
            f"rank {rank}, epoch {name}": rank_indices(n, world, rank, shuffle, seed, when)
            for name, when in (("e", epoch), ("e + 1", epoch + 1))
            for rank in range(world)
        }
