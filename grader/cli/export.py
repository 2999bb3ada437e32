"""`autograd-course export`: scores for the gradebook of Canvas or of Moodle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli.grade import Course
from grader.cli.place import find_class
from grader.judge.intake.naming import require_assignment

if TYPE_CHECKING:
    from grader.export.sheet import Sheet, Wanted
    from grader.judge.books.register import Register

_console = Console(highlight=False, soft_wrap=True)
_errors = Console(highlight=False, soft_wrap=True, stderr=True)

_BY = {"canvas": ("login", "sis", "id", "email"), "moodle": ("username", "idnumber", "email")}


def export(
    assignments: Annotated[
        list[str],
        typer.Argument(
            help="Such as 01-graphs.",
            show_default=False,
            callback=lambda names: [require_assignment(name) for name in names],
        ),
    ],
    canvas: Annotated[
        Path | None,
        typer.Option(help="The file that Canvas's gradebook exports.", show_default=False),
    ] = None,
    moodle: Annotated[bool, typer.Option("--moodle", help="For Moodle's grade import.")] = False,
    roster: Annotated[
        Path | None,
        typer.Option(help="With --moodle: a list of its users, as CSV.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file to write; - is standard output.", show_default="canvas.csv, moodle.csv"
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="What nbgrader calls a student is, in Canvas, the login, sis or id; in Moodle, "
            "the username or idnumber; email takes the gradebook's address.",
            show_default="login, username",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help='"01-graphs=Homework 1": its name there.', show_default="the same name"),
    ] = None,
    zeros: Annotated[
        bool, typer.Option("--zeros", help="Give 0 to those who handed in nothing.")
    ] = False,
    scale: Annotated[
        bool, typer.Option("--scale", help="Convert to the points that Canvas has.")
    ] = False,
    course: Course = None,
) -> None:
    """Write scores, late penalties taken off, as a file that Canvas or Moodle imports."""
    from grader.export.sheet import CannotExport, Wanted

    if (canvas is None) == (not moodle):
        raise CannotExport(
            "Is it for Canvas or for Moodle?",
            "--canvas FILE or --moodle. nbgrader export writes a CSV of its own.",
        )
    if (roster is not None and not moodle) or (scale and moodle):
        raise CannotExport(
            "--roster is for Moodle, and --scale for Canvas.", "Leave it out, or change the other."
        )
    kind = "moodle" if moodle else "canvas"
    chosen = by or _BY[kind][0]
    if chosen not in _BY[kind]:
        raise typer.BadParameter(f"--by with --{kind} is one of {', '.join(_BY[kind])}")
    target = out or Path(f"{kind}.csv")
    every = _marks(course, list(dict.fromkeys(assignments)))
    wanted = Wanted(_columns(column or [], assignments), chosen == "email", zeros, scale)
    sheet = _sheet(every, wanted, chosen, canvas, roster)
    to_stdout = str(target) == "-"
    said = _errors if to_stdout else _console
    for remark in sheet.remarks:
        said.print(f"[yellow]{escape(remark)}[/]")
    if not sheet.learners:
        raise CannotExport(
            "Nobody has a score to export: nothing was written.",
            f"autograd-course grade {assignments[0]}",
        )
    if to_stdout:
        sys.stdout.buffer.write(sheet.content)
        sys.stdout.flush()
        return
    _write(target, sheet, canvas or roster)
    count = f"{sheet.learners} learner{'s' * (sheet.learners != 1)}"
    _console.print(f"{count}: {escape(str(target))}")


def _marks(course: Path | None, assignments: list[str]) -> list[Register]:
    from grader.judge.books.register import read_register
    from grader.judge.intake.course import course_directory

    directory = course_directory(find_class(course))
    return [read_register(directory, name) for name in assignments]


def _columns(given: list[str], assignments: list[str]) -> dict[str, str]:
    found = {}
    for entry in given:
        name, equals, there = entry.partition("=")
        if not equals or name not in assignments or not there.strip():
            raise typer.BadParameter(f'--column is "ASSIGNMENT=ITS NAME THERE", not {entry}')
        found[name] = there.strip()
    return found


def _sheet(
    every: list[Register], wanted: Wanted, by: str, canvas: Path | None, roster: Path | None
) -> Sheet:
    from grader.export import canvas as canvases
    from grader.export import moodle as moodles

    if canvas is not None:
        return canvases.fill(_read(canvas), every, wanted, "login" if by == "email" else by)
    return moodles.fill(every, wanted, by, None if roster is None else _read(roster))


def _read(path: Path) -> bytes:
    from grader.export.sheet import CannotExport

    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotExport(
            f"{path} cannot be read: {error.strerror or error}.", "Name the file that you exported."
        ) from error


def _write(target: Path, sheet: Sheet, source: Path | None) -> None:
    from grader.export.sheet import CannotExport
    from grader.report.files import put

    if source is not None and target.resolve() == source.resolve():
        raise CannotExport(
            f"{target} is the file that was read.", "Name another to write: --out FILE"
        )
    put(target, sheet.content)
