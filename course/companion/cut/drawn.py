"""A sample that layers compute the loss from, drawn without recording."""

from __future__ import annotations

from course.companion.finding import Finding, found
from course.companion.places import written
from course.companion.record import passes
from course.companion.record.calls import Call, Record
from course.companion.record.switched import DRAWN_ANEW
from course.companion.record.tracing import followed_from

_LAYERS = {
    *("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d"),
    *("matmul", "__matmul__", "bilinear", "lstm", "gru"),
}


def unrecorded(record: Record) -> list[Finding]:
    """The lines of sample() by which a loss depends on a distribution that it also trains.

    Where log_prob is asked of the sample, the distribution is trained by that, and all is right.
    """
    draws: dict[object, int] = {}
    for number, call in record.every():
        if _is_drawn(call):
            draws.setdefault((call.code, call.instruction, call.func), number)
    before = record.before(passes.all_ends(record)) if draws else set()
    told: dict[object, Finding] = {}
    for number in draws.values():
        drawn = record.call(number)
        if drawn is None or drawn.place in told:
            continue
        values = followed_from(record, number).live & before
        users = [one for n in values if (one := record.call(n)) is not None and one.gives_grad]
        made = _drawn_from(record, number)
        ways = {one: followed_from(record, one).live & before for one in made}
        if any(_is_score(one, {number, *values}, made.union(*ways.values())) for one in users):
            continue
        trained = any(_is_recorded(record, way) for way in ways.values())
        if trained and any(one.name in _LAYERS for one in users):
            told[drawn.place] = found("sampled", sure=False, place=drawn.place, call="sample()")
    return list(told.values())


def _is_score(call: Call, values: set[int], own: set[int]) -> bool:
    """Whether a sample is given to log_prob, or meets what it was drawn from in another call."""
    if ".log_prob(" in written(call.code, call.instruction):
        return True
    given = list(zip(call.sources, call.recorded, strict=True))
    meets = any(one in own for one, recorded in given if recorded)
    return meets and any(one in values for one, recorded in given if not recorded)


def _is_drawn(call: Call) -> bool:
    """Whether it runs in sample() of a distribution that has rsample(), and cuts a gradient."""
    return call.note[0] == "off" and call.note[1][2] == DRAWN_ANEW


def _drawn_from(record: Record, number: int) -> set[int]:
    """The nearest recorded values that a draw was made from: a mean, a spread."""
    values: set[int] = set()
    ahead = [number]
    while ahead:
        call = record.call(ahead.pop())
        if call is None:
            continue
        for source, recorded in zip(call.sources, call.recorded, strict=True):
            made = record.call(source) if source >= 0 else None
            if recorded and (made is None or made.gives_grad):
                values.add(source)
            elif made is not None:
                ahead.append(source)
    return values


def _is_recorded(record: Record, numbers: set[int]) -> bool:
    """Whether one of these calls is recorded."""
    calls = (record.call(one) for one in numbers)
    return any(one is not None and one.gives_grad for one in calls)
