"""A gradient that cat or stack parts, which nobody measured: whether its own part can be 0."""

from __future__ import annotations

from typing import Any

from course.companion.record.calls import Record
from course.companion.zeros import origins

PARTING = {
    "cat": "CatBackward0",
    "concat": "CatBackward0",
    "hstack": "CatBackward0",
    "stack": "StackBackward0",
}
_MIXING = {"linear", "matmul", "__matmul__", "mm", "addmm", "bmm", "conv1d", "conv2d", "conv3d"}


def by(record: Record, between: set[int], zero: int, good: int) -> tuple[int, str] | None:
    """What parts a gradient among several, between a node that is given 0 and one that is not.

    Its own sizes are not measured.
    """
    for call in map(record.call, between):
        if call is not None and call.name in PARTING and zero < call.sequence < good:
            return call.sequence, PARTING[call.name]
    return None


def is_flat(record: Record, number: int, node: Any) -> bool:
    """Whether the node that hands on 0 can have made it, and is given something.

    What goes, put together with others, into a product of matrices alone gets a part of the
    gradient of each of its columns.
    """
    if not origins.is_one_of(node, origins.FLAT):
        return False
    made = record.number_of_node(number)
    joined = {at for at, one in record.every() if made in one.sources and one.name in PARTING}
    using = [one for _, one in record.every() if joined & set(one.sources)]
    return bool(using) and all(one.name in _MIXING for one in using)
