"""A product that broadcasts on its way into the loss, as of a log-probability and a reward."""

from __future__ import annotations

from course.companion import passes
from course.companion.calls import Record
from course.companion.fed import OUTER
from course.companion.finding import Finding, found

_HANDED_ON = {
    *("add", "__add__", "__radd__", "sub", "__sub__", "__rsub__", "neg", "__neg__", "mean", "sum"),
    *("mul", "__mul__", "__rmul__", "div", "__truediv__"),
}
"""What makes of a product, or of a sum of products, the one number that is the loss."""


def broadcast(record: Record) -> list[Finding]:
    """The products of (n, 1) and (n,), of which one is recorded, that a loss is the mean of."""
    told: dict[int, Finding] = {}
    seen = set()
    ahead = passes.all_ends(record)
    while ahead:
        number = ahead.pop()
        call = record.call(number) if number >= 0 else None
        if call is None or number in seen or not call.gives_grad:
            continue
        seen.add(number)
        if call.note[0] == OUTER and sum(call.recorded) == 1:
            one, other, result = call.note[1]
            words = {"one": one, "other": other, "result": result}
            told[number] = found("broadcast_product", sure=False, place=call.place, **words)
        elif call.name in _HANDED_ON:
            ahead.extend(call.sources)
    return list(told.values())
