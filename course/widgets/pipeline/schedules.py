"""Three schedules of one batch through some stages, worked out from what has to wait for what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FORWARD, BACKWARD = "F", "B"


@dataclass(frozen=True)
class Work:
    """A forward or backward pass of one micro-batch through one stage, and the tick it takes."""

    stage: int
    kind: str
    micro: int
    tick: int


@dataclass(frozen=True)
class Schedule:
    """What some stages do with one batch of some micro-batches, tick by tick."""

    name: str
    stages: int
    micro: int
    work: tuple[Work, ...]

    @property
    def ticks(self) -> int:
        """How long the batch takes."""
        return 1 + max(one.tick for one in self.work)

    def at(self, tick: int) -> dict[int, Work]:
        """What runs in a tick, by stage."""
        return {one.stage: one for one in self.work if one.tick == tick}

    def kept(self, stage: int, tick: int) -> list[int]:
        """The micro-batches whose activations a stage keeps after a tick: they went forward, and
        have not come back."""
        done = [one for one in self.work if one.stage == stage and one.tick <= tick]
        back = {one.micro for one in done if one.kind == BACKWARD}
        return [one.micro for one in done if one.kind == FORWARD and one.micro not in back]

    def most_kept(self, stage: int) -> int:
        """The greatest number of micro-batches that a stage keeps at once."""
        return max(len(self.kept(stage, tick)) for tick in range(self.ticks))

    def idle(self, ticks: int) -> int:
        """How many places of stage and tick are idle among the first so many ticks."""
        return self.stages * ticks - sum(one.tick < ticks for one in self.work)


def whole_batch(stages: int, micro: int) -> Schedule:
    """No pipeline: a stage passes on nothing until it has done the whole batch."""
    orders = [_forwards_first(micro) for _ in range(stages)]
    return _planned("the whole batch at once", orders, micro, whole=True)


def gpipe(stages: int, micro: int) -> Schedule:
    """All forward passes, then all backward passes, as torch's ScheduleGPipe orders them."""
    return _planned("GPipe", [_forwards_first(micro) for _ in range(stages)], micro)


def one_forward_one_backward(stages: int, micro: int) -> Schedule:
    """1F1B: as many forward passes as there are stages from here on, then in turns."""
    orders = [list(_in_turns(min(micro, stages - s), micro)) for s in range(stages)]
    return _planned("1F1B", orders, micro)


Order = Sequence[tuple[str, int]]


def _forwards_first(micro: int) -> Order:
    return [(kind, m) for kind in (FORWARD, BACKWARD) for m in range(micro)]


def _in_turns(first: int, micro: int) -> Iterator[tuple[str, int]]:
    yield from ((FORWARD, m) for m in range(first))
    for m in range(micro):
        yield BACKWARD, m
        if first + m < micro:
            yield FORWARD, first + m


def _planned(name: str, orders: Sequence[Order], micro: int, whole: bool = False) -> Schedule:
    """Every stage does its work in its order, each piece as early as what it needs is there."""
    done: dict[tuple[int, str, int], int] = {}
    left = [list(order) for order in orders]
    tick = 0
    while any(left):
        for stage, order in enumerate(left):
            if order and _can_run(stage, *order[0], done, tick, len(orders), micro, whole):
                done[stage, *order.pop(0)] = tick
        tick += 1
    work = tuple(Work(stage, kind, m, tick) for (stage, kind, m), tick in done.items())
    return Schedule(name, len(orders), micro, work)


def _can_run(
    stage: int,
    kind: str,
    m: int,
    done: dict[tuple[int, str, int], int],
    tick: int,
    stages: int,
    micro: int,
    whole: bool,
) -> bool:
    """Whether what a piece of work needs was done in an earlier tick."""
    source = stage - 1 if kind == FORWARD else stage + 1
    if source == stages:  # the loss is computed where the last forward pass ends
        needs = [(stage, FORWARD, m)]
    elif source < 0:
        needs = []
    else:
        needs = [(source, kind, micro - 1 if whole else m)]
    return all(done.get(need, tick) < tick for need in needs)
