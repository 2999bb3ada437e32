"""The exercise on a worker's share of a stream."""

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
