"""A gradient that many flat functions make smaller, until next to nothing is left of it."""

from __future__ import annotations

import math
from collections.abc import Collection

from course.companion.finding import Finding, found
from course.companion.record.calls import Pass, Record
from course.companion.record.sizes import largest

_SQUASHING = ("Sigmoid", "Tanh")
LEAST = 4
"""How many there are at least."""
MOST_LEFT = 1e-4
"""How much is left behind the last of them, as a part of what left the first."""


def vanishing(
    record: Record | None, passed: Pass, way: Collection[int], name: str, size: float
) -> Finding | None:
    """Of a small gradient: whether it shrank from one sigmoid or tanh on its way to the next.

    `way` are the numbers of the nodes between the loss and the tensor, `size` is what arrived.
    """
    if record is None or not 0 < size < math.inf:
        return None
    squashing = [
        (number, max(map(largest, given)))
        for number, (title, edges) in sorted(passed.sizes.items())
        if number in way
        and title.startswith(_SQUASHING)
        and (given := [one for one in edges.values() if one is not None])
    ]
    if len(squashing) < LEAST or not 0 < squashing[0][1] < MOST_LEFT * squashing[-1][1]:
        return None
    sizes = [left for _, left in squashing]
    call = record.of_node(squashing[0][0])
    if call is None or sizes != sorted(sizes):
        return None
    made = f"{call.name}()"
    return found("vanishing", tensor=name, place=call.place, call=made, count=len(squashing))
