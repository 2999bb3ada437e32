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
    straight = [node for node in twice if _is_straight(node)]
    if not straight or not born:
        return None
    if record is None:
        is_it = any(node in straight for node in born)
        node = straight[0].name()
        return found("zero_curvature", tensor=name, node=node, sure=False) if is_it else None
    made = [record.pass_of_node(int(node._sequence_nr())) for node in born]
    if None in made or (second := _vanished(record, reach)) is None:
        return None
    sure = len(straight) == len(twice)
    words = {"node": straight[0].name(), "place": second.place}
    return found("zero_curvature", tensor=name, sure=sure, **words)


def _is_straight(node: Any) -> bool:
    return re.sub(r"BackwardBackward\d*$", "", node.name()) in _STRAIGHT


def _vanished(record: Record, reach: Reach) -> Event | None:
    """The last pass with create_graph=True whose gradients are all 0 and enter the loss."""
    inner = (node for node in reach.nodes if not hasattr(node, "variable"))
    numbers = {int(node._sequence_nr()) for node in inner}
    event: Event
    for event in reversed(record.events_of("backward")):
        about: Pass = event.about
        given, (first, end) = about.given, about.made
        zero = bool(given) and all(one is not None and largest(one) == 0 for one in given)
        if zero and not numbers.isdisjoint(range(first, end)):
            return event
    return None
