"""Loops that update by hand, or not at all: in the place of an optimizer."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from torch import Tensor

from course.companion.finding import Finding, found
from course.companion.record.calls import Event, Record

MOST_WITHOUT = 3
"""From how many backward passes on a step is missed."""
_UPDATES = {"sub_", "add_", "__isub__", "__iadd__", "copy_", "addcmul_"}
_DIFFERENCES = {"sub", "__sub__", "subtract", "add", "__add__"}
_SIGNS = {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__"}


def by_hand(record: Record) -> list[Finding]:
    """A loop without an optimizer that updates leaves and never empties a gradient."""
    passes = record.filling()
    if not passes or record.events_of("empty") or zeroed(record):
        return []
    if passes[0].about.onto & set(_updated(record, passes[0])):
        return [found("added_to_old", sure=False, place=passes[0].place)]
    if len(passes) < MOST_WITHOUT:
        return []
    starts = [event.at for event in passes]
    updates = [
        (number, call)
        for number, call in record.every()
        if call.name in _UPDATES and call.sources and call.sources[0] < 0
    ]
    rounds = {sum(start <= number for start in starts) for number, _ in updates}
    if len(rounds) < 2:
        return []
    return [found("never_emptied", sure=False, count=len(passes), place=updates[0][1].place)]


def _updated(record: Record, first: Event) -> Iterator[int]:
    """The ids of the leaves that were updated by hand behind a pass."""
    for event in record.events_of("set"):
        if event.at >= first.at and (leaf := event.about[0]()) is not None:
            yield id(leaf)
    for number, call in record.every():
        if number < first.at or call.name not in _UPDATES or not call.sources:
            continue
        into = call.sources[0]
        through = record.call(into) if into >= 0 else None
        if through is not None and through.name == "data" and through.sources:
            into = through.sources[0]
        if into < 0 and (leaf := record.sources[-1 - into]()) is not None:
            yield id(leaf)


def never_stepped(record: Record, optimizers_known: bool) -> list[Finding]:
    """Backward passes after which nothing is updated, by an optimizer or by hand."""
    passes = record.filling()
    if rebound := _rebound(record, [event.at for event in passes]):
        return rebound
    if len(passes) < MOST_WITHOUT or _is_written(record):
        return []
    if optimizers_known:
        return [found("no_step", sure=False, count=len(passes), place=passes[-1].place)]
    if _gradients(record) or not _trained_again(record, passes):
        return []  # something reads the gradients, or there is no leaf to be trained
    return [found("no_update", sure=False, count=len(passes), place=passes[-1].place)]


def _trained_again(record: Record, passes: list[Event]) -> bool:
    """Whether the same leaf, with a gradient now, was used anew for pass after pass.

    Not where a new leaf takes the place of an old one.
    """
    starts = [event.at for event in passes]
    rounds: dict[int, set[int]] = {}
    for number, call in record.every():
        for source in call.sources:
            rounds.setdefault(source, set()).add(sum(start <= number for start in starts))
    leaves = [(leaf, record.source_of(leaf)) for leaf in leaves_of(record) if leaf.grad is not None]
    numbers = [number for _, number in leaves if number is not None]
    used = any(len(rounds.get(number, ())) >= MOST_WITHOUT for number in numbers)
    return used and not any(number > starts[0] for number in numbers)


def _is_written(record: Record) -> bool:
    """Whether some leaf was changed by hand."""
    if record.events_of("set"):
        return True
    for _, call in record.every():
        if not call.sources:
            continue
        into = call.sources[0]
        through = record.call(into) if into >= 0 else call
        if through is None or not (through is call or through.name == "data"):
            continue
        if _writes(call.name) and through.sources[0] < 0 and through.recorded[0]:
            return True
    return False


def _writes(name: str) -> bool:
    """Whether a call of this name changes its first tensor."""
    return name in _SIGNS if name.startswith("__") else name.endswith("_") and name != "detach_"


def _rebound(record: Record, starts: list[int]) -> list[Finding]:
    """Updates of the same leaf in several rounds, whose results nothing uses."""
    gradients = _gradients(record)
    used = {source for _, call in record.every() for source in call.sources}
    used |= {event.about[1] for event in record.events_of("set")}
    rounds: dict[int, set[int]] = {}
    for number, call in record.every():
        if call.name not in _DIFFERENCES or len(call.sources) != 2 or number in used:
            continue
        leaf, change = call.sources
        if leaf < 0 and call.recorded[0]:
            rounds.setdefault(leaf, set()).add(sum(start <= number for start in starts))
            if len(rounds[leaf]) > 1 and record.before([change]) & gradients:
                return [found("rebound", place=call.place, call=f"{call.name}()")]
    return []


def _gradients(record: Record) -> set[int]:
    """The numbers of the gradients that leaves have now."""
    given = (leaf.grad for leaf in leaves_of(record) if leaf.grad is not None)
    return {number for one in given if (number := record.source_of(one)) is not None}


def zeroed(record: Record, but_of: Collection[int] | None = None) -> list[int]:
    """The calls that set a tensor to zero by hand, as `p.grad.zero_()` does.

    Those of gradients of other leaves are left out, where it is known whose they are.
    """
    others: set[int] = set()
    for leaf in leaves_of(record):
        if but_of is not None and id(leaf) not in but_of and leaf.grad is not None:
            others |= record.before([record.source_of(leaf.grad) or 0])
    return [
        number
        for number, call in record.every()
        if call.name in ("zero_", "_foreach_zero_") and number not in others
    ]


def leaves_of(record: Record) -> Iterator[Tensor]:
    """The leaves that calls were given or gave, as far as they are still alive."""
    yield from (one for one in record.alive() if one.is_leaf and one.requires_grad)
