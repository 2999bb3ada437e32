"""`autograd-course class export-person` and `erase-person`: all that is stored about somebody."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli.grade import Course
from grader.cli.place import find_class
from grader.judge.intake.printable import printable, quote

if TYPE_CHECKING:
    from grader.classroom.people import Class

_console = Console(highlight=False, soft_wrap=True)

Person = Annotated[
    str, typer.Argument(metavar="ID", help="As the class's list has it.", show_default=False)
]


def export_person(
    person: Person,
    out: Annotated[
        Path | None,
        typer.Option(help="A file called .zip, or a folder.", show_default="ID.zip, where you are"),
    ] = None,
    course: Course = None,
) -> None:
    """Write all that is stored about a person: rows of gradebook and log, and every file."""
    from grader.classroom.exporting import export

    with _opened(course) as of:
        of.require(person)
        target = out or Path(f"{person.replace(os.sep, '-')}.zip")
        stored = export(of, person, target)
    _console.print(f"Written, for you alone: {escape(str(target))}, from {_places(stored.places)}.")
    _name(stored.named, "These may name them beside others, and are not in it")


def erase_person(
    person: Person,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    course: Course = None,
) -> None:
    """Delete all that is stored about a person, and record when. It cannot be undone."""
    from grader.classroom.erasing import erase

    with _opened(course) as of:
        of.require(person)
        stored = of.stored(person)
        _name(stored.places, f"Of {escape(quote(person))}, besides the gradebook and the log")
        if not of.inbound.is_dir():
            _console.print(f"No exchange was looked into: there is no {escape(str(of.inbound))}.")
        if not yes and not (sys.stdin.isatty() and typer.confirm("Delete all of it, for good?")):
            _console.print("Nothing was deleted. With --yes it is, without a question.")
            raise typer.Exit(1)
        gone = erase(of, person)
    _console.print(
        f"Deleted: {gone.gradebook} row{'s' * (gone.gradebook != 1)} of the gradebook, {gone.log} "
        f"of the log, {_places(gone.stored.places)}. The log says when, and not who."
    )
    if gone.in_files:
        _console.print(
            "[yellow]Somebody uses a database: its file still holds what was deleted, unseen, "
            "until it is written anew: sqlite3 gradebook.db VACUUM, sqlite3 verdicts.db VACUUM[/]"
        )
    _name(gone.stored.named, "These may still name them, and were not touched: backups, reports")


@contextlib.contextmanager
def _opened(course: Path | None) -> Iterator[Class]:
    from grader.classroom.people import Class

    of = Class(find_class(course))
    try:
        yield of
    finally:
        of.close()


def _places(places: Sequence[Path]) -> str:
    return f"{len(places)} place{'s' * (len(places) != 1)}"


def _name(paths: Sequence[Path], what: str) -> None:
    if paths:
        _console.print(f"{what}:")
    for path in paths:
        _console.print(f"  {escape(printable(str(path)))}")
