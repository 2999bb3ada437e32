"""The cuts nearest to a loss through which a value still enters it, and which of them are told."""

from __future__ import annotations

from types import CodeType

from course.companion.record.calls import Record
from course.companion.record.tracing import Followed

MOST = 3
_DRAWS = {"multinomial", "bernoulli", "argmax", "argmin", "argsort"}
"""What gives an index or a draw, and nothing that its argument could be trained by."""


def cuts(record: Record, followed: Followed, end: int, *, past_draws: bool = True) -> list[int]:
    """The cuts through which a value enters the loss, and after which nothing leads back, in order.

    An index that was drawn from the value, say, enters by way of something that still does.
    Without `past_draws` what an unrecorded draw was made of is not looked at: actions that a
    policy draws that way are meant to be numbers.
    """
    found, seen, ahead = set(), set(), [end]
    while ahead:
        number = ahead.pop()
        if number in seen or number in followed.live:
            continue
        seen.add(number)
        if followed.cut.get(number) == number:
            found.add(number)
            continue
        call = record.call(number) if number >= 0 else None
        if call is not None and (past_draws or call.name not in _DRAWS):
            ahead.extend(call.sources)
    return sorted(found)


def first_of_lines(record: Record, cuts: list[int]) -> list[int]:
    """The first cuts, one of each line."""
    lines: dict[tuple[CodeType, int], int] = {}
    for number in cuts:
        if (call := record.call(number)) is not None:
            lines.setdefault((call.code, call.instruction), number)
    return list(lines.values())[:MOST]
