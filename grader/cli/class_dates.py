"""`autograd-course class due` and `extend`: when an assignment is due, and for whom later."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli.grade import Assignment, Course
from grader.cli.place import find_class
from grader.judge.intake.naming import require_assignment
from grader.judge.intake.printable import quote

_console = Console(highlight=False, soft_wrap=True)

Date = Annotated[
    str,
    typer.Argument(
        help='2026-01-15, or "2026-01-15 12:00", or with a zone "2026-01-15 12:00 Europe/Berlin"; '
        "UTC without one; none takes it away.",
        show_default=False,
    ),
]


def due(assignment: Assignment, date: Date, course: Course = None) -> None:
    """Say when an assignment is due. Extensions keep their own dates."""
    from grader.classroom import dates

    moment = dates.parse(date)
    moved = dates.set_due(find_class(course), assignment, moment)
    when = "has no due date any more" if moment is None else f"is due {dates.shown(moment)}"
    _console.print(f"{escape(assignment)} {when}.")
    for one in moved.extended:
        what = "still has until" if one.kept else "has no extension any more: it was until"
        _console.print(f"  {escape(quote(one.student))} {what} {dates.shown(one.until)}")
    if moved.graded:
        _again(assignment)


def extend(
    student: Annotated[str, typer.Argument(help="As the list has them.", show_default=False)],
    assignment: Annotated[
        str,
        typer.Argument(help="Such as 01-graphs.", show_default=False, callback=require_assignment),
    ],
    date: Date,
    course: Course = None,
) -> None:
    """Give one learner until a later date; lateness is counted from it, here and in nbgrader."""
    from grader.classroom import dates

    moment = dates.parse(date)
    graded = dates.extend(find_class(course), student, assignment, moment)
    until = "no extension" if moment is None else f"until {dates.shown(moment)}"
    _console.print(f"{escape(quote(student))} has {until} for {escape(assignment)}.")
    if graded:
        _again(assignment, student)


def _again(assignment: str, student: str = "") -> None:
    """A penalty is worked out when a submission is graded."""
    whose = f" --students {shlex.quote(student)}" if student else ""
    _console.print(
        "Penalties of who is graded already are worked out when they are graded again: "
        f"autograd-course grade {escape(assignment + whose)} --force"
    )
