"""An inner update, p - lr * g: one that nothing uses, and one whose gradient is a constant."""

from __future__ import annotations

import torch

from course.companion.finding import Finding, found
from course.companion.record import passes
from course.companion.record.calls import DERIVED, Call, Record

_UPDATES = {"sub", "__sub__", "subtract", "add", "__add__"}
_SCALES = {"mul", "__mul__", "__rmul__", "div", "__truediv__", "neg", "__neg__"}


def first_order(record: Record) -> list[str]:
    """A sentence on each such gradient, of losses whose backward was watched."""
    used: set[int] = set()
    for event in record.filling():
        used |= record.before(passes.ends(record, event))
    updated: set[int] = set()
    told: dict[str, str] = {}
    for number, call in record.every():
        if number not in used or not call.gives_grad or call.name not in _UPDATES:
            continue
        if len(call.sources) != 2 or call.recorded != (True, False):
            continue
        weight, change = call.sources
        made = _gradient(record, change)
        if made is None or made.note[0] != DERIVED or not (weight < 0 or weight in updated):
            continue
        updated.add(number)
        told[str(made.place)] = (
            f"The update at {call.place} takes the gradient of {made.place} for a constant, since "
            "that was made without create_graph=True: a loss of the updated weights is followed "
            "to first order, as first-order MAML means it. For the second order pass "
            "create_graph=True there."
        )
    return list(told.values())


def unused(record: Record) -> list[Finding]:
    """Updates of parameters by gradients of autograd.grad whose results nothing uses or keeps."""
    used = {source for _, call in record.every() for source in call.sources}
    used |= {event.about[1] for event in record.events_of("set")}
    kept = {number for one, number in list(record.made.values()) if one() is not None}
    lost: dict[int, Call] = {}
    alive = 0
    for number, call in record.every():
        if number in used or call.name not in _UPDATES or len(call.sources) != 2:
            continue
        weight, change = call.sources
        if weight < 0 and call.recorded[0] and _gradient(record, change) is not None:
            alive += number in kept
            lost[weight] = call
    # A loop's variable keeps the last one.
    if len(lost) < 2 or alive > 1 or not record.filling():
        return []
    last = list(lost.values())[-1]
    return [found("update_unused", place=last.place, call=f"{last.name}()")]


def _gradient(record: Record, change: int) -> Call | None:
    """The call of autograd.grad that gave a change, at most scaled."""
    while (call := record.call(change) if change >= 0 else None) is not None:
        if call.func is torch.autograd.grad:
            return call
        if call.name not in _SCALES or len(call.sources) != 1:
            return None
        change = call.sources[0]
    return None
