"""A target made of a reward and of what the trained net itself says of the next state."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from course.companion.finding import Finding, found
from course.companion.record.calls import Call, Record

_COMPARED = {F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss}
_DIFFERENCES = {Tensor.sub, Tensor.__sub__}
_SUMS = {"add", "__add__", "__radd__"}
_SCALES = {"mul", "__mul__", "__rmul__"}
_CHOSEN = {"max", "amax", "gather", "take_along_dim"}
_SHAPED = {"squeeze", "unsqueeze", "view", "reshape", "flatten", "float", "to"}


def with_graph(record: Record) -> list[Finding]:
    """The comparisons whose target is a reward and a share of what the same net gives."""
    told = []
    for _, call in record.every():
        if call.func not in _COMPARED | _DIFFERENCES or call.recorded != (True, True):
            continue
        for target, other in (call.sources, call.sources[::-1]):
            added = _is_added(record, target)
            if added is not None and _parameters(record, added[1]) & _parameters(record, other):
                name = f"{call.name}()" if call.func in _COMPARED else "This difference"
                told.append(found("target_with_graph", sure=False, place=added[0].place, loss=name))
                break
    return told


def _is_added(record: Record, number: int) -> tuple[Call, int] | None:
    """The sum of a constant and of a share of a choice, and the number of that choice."""
    call = _of(record, number)
    if call is None or call.name not in _SUMS or sorted(call.recorded) != [False, True]:
        return None
    inner = call.sources[call.recorded.index(True)]
    scales = 0
    while (made := _of(record, inner)) is not None and made.name in _SCALES:
        if True not in made.recorded:
            return None
        inner, scales = made.sources[made.recorded.index(True)], scales + 1
    return (call, inner) if scales and made is not None and made.name in _CHOSEN else None


def _of(record: Record, number: int) -> Call | None:
    """The call that gave a value, seen through changes of shape."""
    call = record.call(number) if number >= 0 else None
    while call is not None and call.name in _SHAPED and call.sources:
        call = record.call(call.sources[0]) if call.sources[0] >= 0 else None
    return call


def _parameters(record: Record, number: int) -> set[int]:
    """The parameters that a value was computed from, as far as recording went."""
    seen: set[int] = set()
    ahead = [number]
    while ahead:
        one = ahead.pop()
        if one in seen:
            continue
        seen.add(one)
        call = record.call(one) if one >= 0 else None
        if call is not None:
            given = zip(call.sources, call.recorded, strict=True)
            ahead += [source for source, is_recorded in given if is_recorded]
    mine = (one for one in seen if one < 0)
    return {one for one in mine if isinstance(record.sources[-1 - one](), nn.Parameter)}
