"""When what went wrong comes back: after 1, 3, 7 and 21 days, at most ten minutes a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

DAYS = (1, 3, 7, 21)
"""Days from each right answer to the next time; the first counts from the mistake."""

MINUTES = 10
"""What all of one day's review may take. What takes longer is worked on for this long."""

QUESTION_MINUTES = 1


@dataclass(frozen=True)
class Turn:
    """How far the review of one thing is: how often it came back and was right, and when it is due.

    `due` is None once it was right after the last interval; `seen` is the day it last came back.
    """

    stage: int
    due: date | None
    seen: date | None = None

    def is_due(self, today: date) -> bool:
        """Whether it is to come back on this day."""
        return self.due is not None and self.due <= today


def after(turn: Turn | None, right: bool, today: date) -> Turn | None:
    """What follows an answer, or a hint, which counts as one that is not right.

    None as long as nothing went wrong. Right before it is due changes nothing: whoever mends a
    mistake at once has not remembered it yet.
    """
    came_back = turn is not None and turn.is_due(today)
    seen = today if came_back else turn.seen if turn else None
    if not right:
        return Turn(0, today + timedelta(DAYS[0]), seen)
    if turn is None or not came_back:
        return turn
    stage = turn.stage + 1
    due = today + timedelta(DAYS[stage]) if stage < len(DAYS) else None
    return Turn(stage, due, seen)


def due(turns: Mapping[str, Turn], minutes: Mapping[str, int], today: date) -> tuple[str, ...]:
    """What comes back on this day, the longest due first, within what is left of its minutes.

    What is longest due always fits a day that has not begun, so that nothing waits for ever; of
    what is due since one day the shortest comes first, and then what `minutes` has first. A name
    without minutes is not asked any more.
    """
    order = {name: number for number, name in enumerate(minutes)}
    cost = {name: min(minutes[name], MINUTES) for name in turns if name in minutes}
    left = MINUTES - sum(cost[name] for name in cost if turns[name].seen == today)
    waiting = [
        (turn.due, cost[name], order[name], name)
        for name, turn in turns.items()
        if name in cost and turn.due is not None and turn.due <= today
    ]
    chosen = []
    for _, takes, _, name in sorted(waiting):
        if takes <= left:
            chosen.append(name)
            left -= takes
    return tuple(chosen)
