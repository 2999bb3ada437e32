"""`autograd-course replay`: one verdict again, for an appeal."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli.grade import Course, Isolation, desk_for
from grader.judge.intake.printable import printable, quote

_console = Console(highlight=False, soft_wrap=True)


def replay(
    student: Annotated[str, typer.Argument(help="As the folder is called.", show_default=False)],
    exercise: Annotated[str, typer.Argument(help="Such as two_path_grad.", show_default=False)],
    assignment: Annotated[
        str | None, typer.Option(help="Where it stands.", show_default="the one graded last")
    ] = None,
    course: Course = None,
    isolation: Isolation = None,
) -> None:
    """Judge one answer again exactly as it was judged, and show every number. Records nothing."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from grader.judge.batch import replay as replays

    desk = desk_for(course, isolation)
    try:
        found = replays.replay(desk, student, exercise, assignment)
    finally:
        desk.close()
    then = found.recorded
    _console.print(
        f"[bold]{escape(quote(student))}[/] · {escape(exercise)} in {escape(then.assignment)}, "
        f"judged {then.at:%Y-%m-%d %H:%M} UTC: {then.credit:.0%}, {then.outcome}."
    )
    for change in found.changes:
        _console.print(f"[yellow]{escape(change)}[/]")
    _console.print(escape(printable(str(found.verdict), lines=True)))
    for case in found.verdict.cases:
        _console.print(f"  {'✓' if case.passed else '✗'} {escape(case.name)} ({case.weight:g})")
    if found.agrees:
        _console.print("The same verdict as then.")
    else:
        _console.print(
            f"[bold yellow]Not the verdict of then: {then.credit:.0%} became "
            f"{found.verdict.credit:.0%}.[/]"
        )
    raise typer.Exit(int(not found.agrees))
