"""A product that broadcasts on its way into the loss, as of a log-probability and a reward."""

from __future__ import annotations

from course.companion.finding import Finding, found
from course.companion.record import passes
from course.companion.record.calls import Call, Record
from course.companion.record.fed import OUTER

_HANDED_ON = {
    *("add", "__add__", "__radd__", "sub", "__sub__", "__rsub__", "neg", "__neg__", "mean", "sum"),
    *("mul", "__mul__", "__rmul__", "div", "__truediv__"),
}
"""What makes of a product, or of a sum of products, the one number that is the loss."""


def broadcast(record: Record) -> list[Finding]:
    """The products of (n, 1) and (n,), of which one is recorded, that a loss is the mean of."""
    told = []
    ends = passes.all_ends(record)
    for call in record.recorded(ends, _hands_on):
        if _is_outer(call):
            one, other, result = call.note[1]
            words = {"one": one, "other": other, "result": result}
            told.append(found("broadcast_product", sure=False, place=call.place, **words))
    return told


def _is_outer(call: Call) -> bool:
    return call.note[0] == OUTER and sum(call.recorded) == 1


def _hands_on(call: Call) -> bool:
    return call.name in _HANDED_ON and not _is_outer(call)
