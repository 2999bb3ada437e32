"""`autograd-course class make` and `enrol`: a class's folder, and who is in it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli.grade import Course
from grader.cli.place import find_class, find_course

if TYPE_CHECKING:
    from grader.classroom.roster import Roster

_console = Console(highlight=False, soft_wrap=True)

By = Annotated[
    str | None,
    typer.Option(
        help="The column whose values become ids: in Canvas's list login, sis or id, in Moodle's "
        "username, idnumber or email.",
        show_default="the first of these that the list has",
    ),
]


def make(
    folder: Annotated[Path, typer.Argument(help="Where to lay the class.", show_default=False)],
    roster: Annotated[
        Path,
        typer.Option(
            help="Who is in it: a CSV list that nbgrader, Canvas or Moodle exported.",
            show_default=False,
        ),
    ],
    by: By = None,
    exchange: Annotated[
        Path | None,
        typer.Option(
            help="A folder that students can reach, to hand out and in.",
            show_default="FOLDER-exchange, beside it",
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--assignment", help="Only these; say it again for more.", show_default="all"),
    ] = None,
    course_id: Annotated[
        str, typer.Option(help="What nbgrader calls the course in the exchange.")
    ] = "autograd-course",
    owners: Annotated[
        bool,
        typer.Option(
            "--owners/--no-owners",
            help="Students hand in from accounts named by their ids, and nothing else is taken.",
        ),
    ] = True,
    course: Annotated[
        Path | None,
        typer.Option("--course", help="The course to take its assignments from."),
    ] = None,
) -> None:
    """Make a class: its folder, settings, releases, gradebook with the list, and an exchange."""
    found = _read(roster, by)
    from grader.classroom import folder as folders

    place = _plain(folder)
    shared = _plain(exchange or place.with_name(f"{place.name}-exchange"))
    wanted = folders.Wanted(place, shared, course_id, tuple(assignments or ()), owners)
    names = folders.make(find_course(course), wanted, found)
    _console.print(
        f"Made the class in [bold]{escape(str(place))}[/], for you alone: {len(names)} "
        f"assignment{'s' * (len(names) != 1)}, {_counted(len(found.learners))} from {found.kind}'s "
        f"list, by {escape(found.column)}."
    )
    _console.print(f"The exchange, for everybody of this machine: {escape(str(shared))}")
    _console.print(
        f"Students keep {escape(str(shared / course_id / 'nbgrader_config.py'))} as "
        "~/.jupyter/nbgrader_config.py."
    )
    _console.print("[bold]Next[/]")
    for step in (
        f"cd {shlex.quote(str(place))}",
        f'autograd-course class due {names[0]} "2026-01-15 12:00 Europe/Berlin"',
        f"nbgrader release_assignment {names[0]}",
        f"autograd-course grade {names[0]} --follow",
    ):
        _console.print(f"  {escape(step)}")


def enrol(
    roster: Annotated[
        Path,
        typer.Argument(help="A CSV list of nbgrader's, Canvas's or Moodle's.", show_default=False),
    ],
    by: By = None,
    course: Course = None,
) -> None:
    """Put learners on the class's list, and bring names up to date. Nobody is taken off it."""
    home = find_class(course)
    found = _read(roster, by)
    from grader.classroom.folder import enrol_all

    done = enrol_all(home, found.learners)
    _console.print(
        f"{_counted(len(found.learners))} on {found.kind}'s list, by {escape(found.column)}: "
        f"{done.new} new, {done.changed} with other details than before."
    )
    for one, before in done.twice:
        _console.print(
            f"{escape(one)} has the e-mail address of {escape(before)}, who was in the class. If "
            f"they are one person, take {escape(one)} off again: "
            f"autograd-course class erase-person {escape(shlex.quote(one))}"
        )


def _plain(folder: Path) -> Path:
    """A folder's path from the root, with no `..` in it: it is written into settings and shown."""
    return folder.resolve() if ".." in folder.parts else folder.absolute()


def _read(path: Path, by: str | None) -> Roster:
    # nbgrader runs `alembic` by name to make a gradebook, and torch would take every processor.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from grader.classroom.roster import BadRoster, read_roster

    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadRoster(
            f"{path} cannot be read: {error.strerror or error}.", "Name the list you exported."
        ) from error
    return read_roster(content, path.name, by)


def _counted(learners: int) -> str:
    return f"{learners} learner{'s' * (learners != 1)}"
