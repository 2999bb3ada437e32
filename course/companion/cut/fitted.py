"""A loss of weights that an optimizer's step fitted to what is asked about: no graph leads on."""

from __future__ import annotations

from course.companion.finding import Finding, found
from course.companion.record import passes
from course.companion.record.calls import Event, Record


def by_step(
    record: Record, live: set[int], start: int, ends: list[int], name: str
) -> Finding | None:
    """Where a step wrote what the loss is made of, after a pass that leads back to the tensor.

    `live` is all that was computed, recorded, from the tensor. The step of its own optimizer had
    nothing to use: a gradient that another loss left there would be one.
    """
    leaf = record.sources[-1 - start]() if start < 0 else None
    if leaf is None or live.intersection(ends) or not _is_idle(record, id(leaf)):
        return None
    before = record.before(ends)
    for step in reversed(record.events_of("step")):
        if id(leaf) in step.about.held():
            continue
        fitted = _leaves_of_passes(record, live, step) - {start}
        after = (record.call(one) for one in before if one >= step.at)
        if any(call is not None and fitted.intersection(call.sources) for call in after):
            return found("cut_step", tensor=name, sure=False, place=step.place)
    return None


def _is_idle(record: Record, leaf: int) -> bool:
    """Whether an optimizer that holds a leaf stepped, and never had a gradient of anything."""
    mine = [one.about for one in record.events_of("step") if leaf in one.about.held()]
    return bool(mine) and all(one.bare for one in mine)


def _leaves_of_passes(record: Record, live: set[int], step: Event) -> set[int]:
    """What else the passes in front of a step are made of that lead back to the tensor."""
    found_: set[int] = set()
    for event in record.events_of("backward"):
        ends = passes.ends(record, event)
        if event.at <= step.at and live.intersection(ends):
            found_ |= {one for one in record.before(ends) if one < 0}
    return found_
