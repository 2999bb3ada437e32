"""`autograd-course grade --follow`: grades what arrives, and hands its feedback out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli.place import INTERRUPTED
from grader.engine.refusal import Refusal
from grader.judge.intake.printable import printable, quote

if TYPE_CHECKING:
    from grader.classroom.following import Arrivals
    from grader.judge.batch.desk import Desk
    from grader.judge.batch.pool import Line

_console = Console(highlight=False, soft_wrap=True)
_errors = Console(highlight=False, soft_wrap=True, stderr=True)

Graded: TypeAlias = "Callable[[str, list[str]], Iterator[Line]]"
"""Grades some students' submissions of an assignment."""
Judging: TypeAlias = "Callable[[], contextlib.AbstractContextManager[Graded]]"
"""Makes the processes that judge, and ends them."""

INTERVAL = 2.0
"""Seconds between two looks into the exchange."""

Follow = Annotated[
    bool, typer.Option("--follow", help="Grade what arrives in the exchange, until Ctrl-C.")
]
Tries = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="With --follow: grade everybody's first so many submissions.",
        show_default="the last one counts",
    ),
]


@dataclass
class Followed:
    """One assignment that is followed; `waiting` were collected and are not yet graded."""

    assignment: str
    arrivals: Arrivals
    waiting: set[str] = field(default_factory=set)
    complaint: str = ""


def follow(
    desk: Desk,
    judging: Judging,
    assignments: Callable[[], list[str]],
    tries: int | None,
    *,
    as_json: bool = False,
    wait: Callable[[], bool] | None = None,
) -> None:
    """Grade what arrives for these assignments, which may become more, until `wait` says no.

    What lies collected and is not yet graded comes first, and so does feedback that was not handed
    out: so whoever was killed goes on here. Raises NoExchange, AlreadyFollowed and BadName, and
    what cannot be graded at all, at the first look alone: later it is told, and tried again.
    """
    go_on = wait or _waited
    with contextlib.ExitStack() as held:
        followed: dict[str, Followed] = {}
        complaints: set[str] = set()
        _begin(desk, assignments(), tries, followed, held)
        graded = held.enter_context(judging())
        while True:
            for one in followed.values():
                _look(graded, one, as_json=as_json)
            if not go_on():
                return
            try:
                _begin(desk, assignments(), tries, followed, held)
            except Refusal as refusal:
                if str(refusal) not in complaints:
                    complaints.add(str(refusal))
                    _tell(str(refusal))


def _waited() -> bool:
    time.sleep(INTERVAL)
    return True


def _begin(
    desk: Desk,
    assignments: list[str],
    tries: int | None,
    followed: dict[str, Followed],
    held: contextlib.ExitStack,
) -> None:
    """Begin to follow what is not followed yet. Everybody collected is looked at once."""
    from grader.classroom.following import Arrivals, alone

    root = Path(desk.course.root)
    for assignment in assignments:
        if assignment in followed:
            continue

        def judged(student: str, assignment: str = assignment) -> int:
            return len({row.submission for row in desk.ledger.sittings(assignment, student)})

        arrivals = Arrivals(root, assignment, judged, tries, _tell)
        desk.round(assignment)  # refuses an assignment that cannot be graded
        held.enter_context(alone(root, assignment))
        everybody = set(desk.students(assignment))
        followed[assignment] = Followed(assignment, arrivals, everybody)
        _tell(f"{assignment}: grading what arrives. Ctrl-C ends it.")


def _look(graded: Graded, one: Followed, *, as_json: bool) -> None:
    """Collect what arrived, grade it and hand its feedback out; with tries, until nothing is left.

    What goes wrong meanwhile is told, and tried again at the next look.
    """
    try:
        one.waiting |= set(one.arrivals.collect())
        while one.waiting:
            try:
                _grade(graded, one, sorted(one.waiting), as_json=as_json)
            except Refusal:
                raise
            except Exception:  # whose it is will be seen: nobody else waits for them
                for student in sorted(one.waiting):
                    _grade_alone(graded, one, student, as_json=as_json)
            one.waiting |= set(one.arrivals.collect())
    except Refusal as refusal:
        if str(refusal) != one.complaint:
            _tell(str(refusal))
        one.complaint = str(refusal)
    else:
        one.complaint = ""


def _grade(graded: Graded, one: Followed, students: list[str], *, as_json: bool) -> None:
    for line in graded(one.assignment, students):
        out = line.state != "not graded" and one.arrivals.release(line.student)
        one.waiting.discard(line.student)
        _show(one.assignment, line, out, as_json=as_json)


def _grade_alone(graded: Graded, one: Followed, student: str, *, as_json: bool) -> None:
    """Grade one submission, at which something unforeseen may happen: it is told, and left."""
    try:
        _grade(graded, one, [student], as_json=as_json)
    except Refusal:
        raise
    except Exception as error:
        one.waiting.discard(student)
        _tell(f"{one.assignment} · {student} · not graded: {type(error).__name__}: {error}")


def _show(assignment: str, line: Line, out: bool, *, as_json: bool) -> None:
    if as_json:
        found = {"assignment": assignment, **dataclasses.asdict(line), "feedback_released": out}
        print(json.dumps(found), flush=True)
        return
    if line.state == "as before" and not out:
        return
    if line.state == "not graded":
        what = f"[bold red]not graded[/]: {escape(line.reason)}"
    elif line.state == "as before":
        what = "graded before"
    elif line.state == "not run":
        what = "[bold red]not run[/]" + " · late" * line.late
    else:
        what = f"{line.score:g} of {line.points:g}" + " · late" * line.late
    if line.state not in ("as before", "not graded"):
        what += "".join(
            f" · [bold red]needs you[/]: {escape(printable(str(need)))}" for need in line.needs
        )
    feedback = " · feedback handed out" if out else ""
    _tell(f"{assignment} · [bold]{escape(quote(line.student))}[/] · {what}{feedback}", marked=True)


def _tell(sentence: str, *, marked: bool = False) -> None:
    """One line with the time of day, at once: somebody may read it from a file."""
    text = sentence if marked else escape(printable(sentence))
    _console.print(f"{datetime.now():%H:%M:%S} {text}")
    _console.file.flush()


def follow_until_stopped(
    desk: Desk,
    judging: Judging,
    assignments: Callable[[], list[str]],
    tries: int | None,
    as_json: bool = False,
) -> NoReturn:
    """Follow until Ctrl-C, which is how this ends. Raises a Refusal."""
    try:
        follow(desk, judging, assignments, tries, as_json=as_json)
    except KeyboardInterrupt:
        _errors.print("[bold red]Stopped.[/] What is graded stays graded.")
        _errors.print("What is not lies in the exchange, and is graded once this is typed again.")
    raise typer.Exit(INTERRUPTED)
