"""A term of a loss that leads back to weights alone which nothing steps: a detach took the rest."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from course.companion.cut.terms import is_added, recorded_numbers
from course.companion.finding import Finding, found
from course.companion.record import passes
from course.companion.record.calls import Call, Event, Record

_CUTS = {"detach", "detach_", "data"}


def terms(record: Record) -> list[Finding]:
    """Such terms of every loss whose backward was watched, if a step follows that uses the rest.

    As of the features of made images that a generator's loss compares, and that were computed of
    the detached images for the discriminator's.
    """
    told: dict[int, Finding] = {}
    for event in record.filling():
        held = _stepped(record, event)
        for end in passes.ends(record, event) if held else ():
            if not _ids(record, end) & held:
                continue
            for call, term in _summands(record, end):
                ids = _ids(record, term)
                cut = _cut(record, term, held) if ids and not ids & held else None
                if cut is not None:
                    number, made = cut
                    words = {"how": f"{made.name}()", "joins": str(call.place)}
                    told[number] = found("term_unmoved", sure=False, place=made.place, **words)
    return list(told.values())


def _stepped(record: Record, event: Event) -> set[int]:
    """The ids of what is stepped behind a pass, until the pass of another step."""
    held: set[int] = set()
    behind = itertools.dropwhile(lambda one: one is not event, record.events)
    for one in itertools.islice(behind, 1, None):
        if one.kind == "backward" and held:
            break
        if one.kind == "step":
            held |= one.about.held()
    return held


def _summands(record: Record, end: int) -> Iterator[tuple[Call, int]]:
    """The terms with a graph that a loss is the sum of, each with the sum that it joins."""
    for call in record.recorded([end], is_added):
        if is_added(call) and len(call.sources) > 1:
            for source, grad in zip(call.sources, call.recorded, strict=True):
                inner = record.call(source) if source >= 0 else None
                if grad and inner is not None and not (is_added(inner) and len(inner.sources) > 1):
                    yield call, source


def _ids(record: Record, number: int) -> set[int]:
    """The ids of the leaves that a value leads back to; nothing where one of them is gone."""
    below = [one for one in recorded_numbers(record, number) if one < 0]
    leaves = [record.sources[-1 - one]() for one in below]
    if any(one is None for one in leaves):
        return set()
    return {id(one) for one in leaves if one is not None and one.requires_grad}


def _cut(record: Record, term: int, held: set[int]) -> tuple[int, Call] | None:
    """The first call of a term that hands on the values alone of what the step moves."""
    for number in sorted(record.before([term])):
        call = record.call(number) if number >= 0 else None
        if call is None or call.gives_grad or call.name not in _CUTS:
            continue
        whence = [of for of, grad in zip(call.sources, call.recorded, strict=True) if grad]
        if any(_ids(record, one) & held for one in whence):
            return number, call
    return None
