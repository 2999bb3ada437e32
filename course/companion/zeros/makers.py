"""What made the values that a zero or a nan of a gradient comes of, read from the calls."""

from __future__ import annotations

from course.companion.record import fed
from course.companion.record.calls import Call, Record

_CHOOSING = {"where", "masked_fill", "masked_fill_", "nan_to_num", "nansum", "nanmean"}
"""What leaves entries out: their value is gone, and their gradient is 0 times a slope."""
_LIMITS = {"clamp", "clamp_", "clamp_min", "clamp_max", "clip", "relu", "relu_", "relu6"}
_PRODUCTS = {"mul", "__mul__", "__rmul__", "multiply", "prod", "div", "__truediv__"}
_PARTS = {"__getitem__", "select", "narrow", "unbind", "chunk", "split", "squeeze", "unsqueeze"}
MOST_BACK = 12
"""How many calls one goes back, looking for what gave the zeros of a product."""


def chosen_behind(record: Record | None, sequence: int) -> Call | None:
    """The first call behind a node that leaves entries of its result out."""
    number = record.number_of_node(sequence) if record is not None else None
    if record is None or number is None:
        return None
    for other, call in record.every():
        if other > number and call.name in _CHOOSING and number in record.before([other]):
            return call
    return None


def is_nearest(record: Record | None, sequence: int) -> bool:
    """Whether a node samples at the nearest place."""
    call = record.of_node(sequence) if record is not None else None
    return call is not None and call.note[0] == fed.NEAREST


def limits(record: Record | None, sequence: int) -> Call | None:
    """The one call with limits that gave all factors of a product, or what it divides."""
    call = record.of_node(sequence) if record is not None else None
    if record is None or call is None:
        return None
    if call.name in ("div", "__truediv__"):
        found = [_limited(record, call.sources[0])] if call.sources else []
    else:
        found = [_limited(record, source) for source in call.sources]
    first = next(iter(found), None)
    return first if first is not None and all(one == first for one in found) else None


_ZEROS = {"zeros", "zeros_like", "new_zeros", "zero_"}


def zeros(record: Record | None, sequence: int) -> Call | None:
    """The call that made the zeros which a product meets, as an input of zeros does a weight."""
    call = record.of_node(sequence) if record is not None else None
    if record is None or call is None:
        return None
    given = zip(call.sources, call.recorded, strict=True)
    for source in (one for one, grad in given if not grad):
        for _ in range(MOST_BACK):
            made = record.call(source) if source >= 0 else None
            if made is not None and made.name in _ZEROS:
                return made
            if made is None or made.name not in _PARTS | fed.HANDED_ON or not made.sources:
                break
            source = made.sources[0]
    return None


def _limited(record: Record, number: int) -> Call | None:
    """The call with limits that a value is a part of, or a product of parts of."""
    for _ in range(MOST_BACK):
        call = record.call(number) if number >= 0 else None
        if call is None or call.name in _LIMITS:
            return call
        if call.name in _PRODUCTS and len(call.sources) == 2:
            one, other = (_limited(record, source) for source in call.sources)
            return one if one is not None and one == other else None
        if call.name not in _PARTS | fed.HANDED_ON or not call.sources:
            return None
        number = call.sources[0]
    return None
