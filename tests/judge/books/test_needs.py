"""What needs a person is one line for each cause, and what it says is not said twice."""

from grader.cli.graded import Outcome, _about_each
from grader.judge.batch.pool import Line
from grader.judge.books.needs import Cause, Need, joined

LATE = [Need(Cause.OUT_OF_TIME, f"Cell {cell}: It ran too long.") for cell in (1, 11)]


def test_each_cause_is_one_need_and_says_everything_once():
    other = Need(Cause.PART_NOT_RUN, "Cell 3: Not run.")
    assert joined([LATE[0], other, LATE[1], LATE[0]]) == [
        Need(Cause.OUT_OF_TIME, "Cell 1: It ran too long. Cell 11: It ran too long."),
        other,
    ]


def test_what_is_told_as_a_need_is_not_told_as_happened_too():
    happened = (*(need.sentence for need in LATE), "Cell 1: The process ended.")
    line = Line("ada", "graded", incidents=happened, needs=tuple(joined(LATE)))
    told = list(_about_each(Outcome("ps1", 1, [line])))
    assert told[1:] == ["  happened: Cell 1: The process ended."]
