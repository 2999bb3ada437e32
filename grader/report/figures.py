"""The figures of one graded assignment, counted: what the command and a notebook call.

Everything is counted from each learner's newest grading, whatever came before it.
"""

from __future__ import annotations

from pathlib import Path

from grader.judge.batch.desk import Desk
from grader.report.counted import Figures
from grader.report.counting import count


def of(course: Desk | Path | str, assignment: str) -> Figures:
    """The figures of an assignment of the class in a folder. It changes nothing.

    Raises a Refusal where there is no such class, no such assignment, or nothing graded.
    """
    if isinstance(course, Desk):
        return count(course, assignment)
    desk = Desk.at(Path(course))
    try:
        return count(desk, assignment)
    finally:
        desk.close()
