"""A loss made of a second derivative that is zero, since its net consists of straight pieces."""

from __future__ import annotations

import re
from typing import Any

from course.companion.finding import Finding, found
from course.companion.record.calls import Event, Pass, Record
from course.companion.record.reach import Reach
from course.companion.record.sizes import largest

_TWICE = "BackwardBackward"
_STRAIGHT = {"Threshold", "LeakyRelu", "Hardtanh", "PreluKernel", "RreluWithNoise", "Softshrink"}
"""Activations of straight pieces: the second derivative of each is 0."""


def missing(record: Record | None, reach: Reach, born: list[Any], name: str) -> Finding | None:
    """What to say of a zero that is born where such an activation was differentiated twice.

    Certain where the watch saw that the second derivative was 0 and no other activation was
    differentiated twice.
    """
    twice = [node for node in reach.nodes if _TWICE in node.name()]
    straight = [node for node in twice if _is_straight(node.name())]
    if not straight or not born:
        return None
    if record is None:
        is_it = any(node in straight for node in born)
        node = straight[0].name()
        return found("zero_curvature", tensor=name, node=node, sure=False) if is_it else None
    passes = [record.pass_of_node(int(node._sequence_nr())) for node in born]
    made = [event for event in passes if event is not None]
    inner = (node for node in reach.nodes if not hasattr(node, "variable"))
    titles = {int(node._sequence_nr()): str(node.name()) for node in inner}
    if len(made) < len(born):
        return None
    if all(node in straight for node in born) and _vanished(record, set(titles)) is None:
        return found("constant_in_derivative", tensor=name, place=made[0].place)
    return of_titles(record, titles, set(titles), name)


def seen(record: Record) -> list[Finding]:
    """Second derivatives that were 0 since the net is straight, which a later pass goes through."""
    told: dict[object, Finding] = {}
    events = record.events_of("backward")
    for number, event in enumerate(events):
        about: Pass = event.about
        titles = [name for name, _ in about.sizes.values() if _TWICE in name]
        if not titles or not all(map(_is_straight, titles)):
            continue
        zero = about.given and all(one is not None and largest(one) == 0 for one in about.given)
        first, end = about.made
        used = any(
            first <= node < end for later in events[number + 1 :] for node in later.about.sizes
        )
        if zero and used:
            place, node = event.place, titles[0]
            told.setdefault(place, found("curvature_none", place=place, node=node))
    return list(told.values())


def of_titles(
    record: Record, titles: dict[int, str], numbers: set[int], name: str
) -> Finding | None:
    """The same where a second derivative was seen to be 0, and nodes of it are a loss's.

    `titles` are those of the nodes on the way, `numbers` the loss's own.
    """
    twice = [title for title in titles.values() if _TWICE in title]
    straight = of_straight(titles)
    if not straight or (second := _vanished(record, numbers)) is None:
        return None
    words = {"node": straight[0]}
    sure = len(straight) == len(twice)
    return found("zero_curvature", tensor=name, sure=sure, place=second.place, **words)


def of_straight(titles: dict[int, str]) -> list[str]:
    """The nodes of such activations that were differentiated twice."""
    return [title for title in titles.values() if _TWICE in title and _is_straight(title)]


def _is_straight(title: str) -> bool:
    return re.sub(r"BackwardBackward\d*$", "", title) in _STRAIGHT


def _vanished(record: Record, numbers: set[int]) -> Event | None:
    """The last pass with create_graph=True whose gradients are all 0 and enter the loss."""
    event: Event
    for event in reversed(record.events_of("backward")):
        about: Pass = event.about
        given, (first, end) = about.given, about.made
        zero = bool(given) and all(one is not None and largest(one) == 0 for one in given)
        if zero and not numbers.isdisjoint(range(first, end)):
            return event
    return None
