"""A tensor that a loss meets in a derivative alone, which does not depend on it."""

from __future__ import annotations

import torch
from torch import Tensor

from course.companion.finding import Finding, found
from course.companion.record import passes
from course.companion.record.calls import Event, Pass, Record
from course.companion.record.reach import Reach
from course.companion.record.tracing import followed_from
from course.companion.zeros import curvature, kept


def constant_in(record: Record, start: int, reach: Reach, name: str) -> Finding | None:
    """What to say of a value that a loss does not lead back to, though it uses its derivative."""
    inner = [node for node in reach.nodes if not hasattr(node, "variable")]
    titles = {int(node._sequence_nr()): str(node.name()) for node in inner}
    return _told(record, followed_from(record, start).live, titles, set(titles), name)


def constant_in_pass(
    record: Record, start: int, event: Event, tensor: Tensor, name: str
) -> Finding | None:
    """The same of a loss that is gone, and of a gradient of zeros, by the backward of that loss."""
    passed: Pass = event.about
    numbers = {*passed.sizes, *passed.last_nodes}
    titles = {
        number: title
        for one in record.events_of("backward")
        for number, (title, _) in one.about.sizes.items()
    }
    live = followed_from(record, start).live
    if tensor.grad is None:
        return _told(record, live, titles, numbers, name)
    if tensor.grad.any() or not curvature.of_straight(titles):
        return None
    if start in record.before(passes.ends(record, event), but=torch.autograd.grad):
        return None  # its values enter the loss too
    return _told(record, live, titles, numbers, name)


def _told(
    record: Record, live: set[int], titles: dict[int, str], numbers: set[int], name: str
) -> Finding | None:
    event = _derived(record, live, numbers)
    if event is None:
        return None
    calls = (record.call(number) for number in live)
    if event.about.unrecorded and any(one and one.note[0] == "hidden" for one in calls):
        return next(iter(kept.seen(record)), None)
    straight = curvature.of_titles(record, titles, numbers, name)
    return straight or found("constant_in_derivative", tensor=name, place=event.place)


def _derived(record: Record, live: set[int], numbers: set[int]) -> Event | None:
    """The last recorded pass whose nodes are among these, and that began at one of these calls."""
    event: Event
    for event in reversed(record.events_of("backward")):
        first, end = event.about.made
        mine = not event.about.elsewhere and not numbers.isdisjoint(range(first, end))
        if mine and live.intersection(passes.ends(record, event)):
            return event
    return None
