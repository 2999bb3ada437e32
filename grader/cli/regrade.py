"""`autograd-course regrade`: what would change, and then, if you say so, the change."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli.grade import (
    Assignment,
    Course,
    Isolation,
    Jobs,
    Students,
    chosen_students,
    crew_of,
    desk_for,
    find_isolation,
    opened,
    watched,
)
from grader.cli.place import INTERRUPTED
from grader.judge.intake.printable import printable, quote

if TYPE_CHECKING:
    from grader.judge.batch.pool import Crew
    from grader.judge.batch.regrade import Change, Preview, Regraded

_console = Console(highlight=False, soft_wrap=True)


def regrade(
    assignment: Assignment,
    course: Course = None,
    jobs: Jobs = None,
    students: Students = None,
    isolation: Isolation = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the changes, and do not ask.")
    ] = False,
) -> None:
    """Judge everybody again, after a key was changed, and show what would change.

    It is written only with --write, or if you say yes. What people gave by hand stays.
    """
    # Before torch is imported, here and in the workers: each would take every processor.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from grader.judge.batch.regrade import Preview, as_graded

    desk = desk_for(course, isolation)
    chosen = chosen_students(desk, assignment, students)
    find_isolation(desk)
    round_ = as_graded(desk, assignment)
    with ExitStack() as ending:
        filing = ending.enter_context(opened(desk, round_))
        preview = Preview(desk, filing, round_)
        crew = ending.enter_context(closing(crew_of(jobs, None, None)))
        try:
            able, unable = preview.judged_before(chosen, crew)
            lines = list(watched(preview.lines(able, crew), len(able), assignment, quiet=False))
        except KeyboardInterrupt:
            _console.print("[bold red]Stopped.[/] Nothing was written.")
            raise typer.Exit(INTERRUPTED) from None
        failed = [line for line in lines if line.state == "not graded"]
        preview.changed.sort(key=lambda one: one.student)
        _show(assignment, preview, len(able) - len(failed))
        for line in failed:
            _console.print(
                f"[bold red]{escape(quote(line.student))}[/] was not judged: {escape(line.reason)}"
            )
        if unable:
            names = ", ".join(map(quote, unable))
            _console.print(
                f"[yellow]Not compared, since the submission is new or its grading was not "
                f"finished: {escape(names)}. autograd-course grade {escape(assignment)} grades "
                f"them.[/]"
            )
        if preview.changed:
            _settle(assignment, preview, crew, write)
    raise typer.Exit(int(bool(failed)))


def _show(assignment: str, preview: Preview, judged: int) -> None:
    for one in preview.changed:
        for sentence in _sentences(one):
            _console.print(sentence)
    changed = len(preview.changed)
    if changed:
        gains = sum(one.new_score > one.score for one in preview.changed)
        losses = sum(one.new_score < one.score for one in preview.changed)
        _console.print(
            f"[bold]{escape(assignment)}[/]: {judged} judged, {changed} would change: {gains} "
            f"gain, {losses} lose, and {changed - gains - losses} keep their points."
        )
    else:
        _console.print(f"[bold]{escape(assignment)}[/]: {judged} judged, nothing would change.")


def _sentences(one: Regraded) -> Iterator[str]:
    late = " · late: the penalty is worked out anew" if one.late else ""
    yield (
        f"[bold]{escape(quote(one.student))}[/] · {one.score:g} → {one.new_score:g} points{late}"
    )
    for change in one.changes:
        yield f"  [bold]{escape(change.cell)}[/]: {_points(change)}"
        if change.was != change.now:
            yield from (f"    was: {escape(printable(finding))}" for finding in change.was)
            yield from (f"    now: {escape(printable(finding))}" for finding in change.now)


def _points(change: Change) -> str:
    before, after = _number(change.before), _number(change.after)
    told = f"{before} → {after} of {change.points:g}"
    if change.manual is None:
        return told
    return f"{told}, but {change.manual:g} given by hand stay, to be looked at again"


def _number(score: float | None) -> str:
    return "by hand" if score is None else f"{score:g}"


def _settle(assignment: str, preview: Preview, crew: Crew, write: bool) -> None:
    if not write and sys.stdin.isatty():
        write = typer.confirm("Write these changes?")
    if not write:
        _console.print(
            f"Nothing was written. autograd-course regrade {escape(assignment)} --write does."
        )
        return
    overtaken = [one for one, written in preview.write(crew) if not written]
    _console.print(
        f"Written: {len(preview.changed) - len(overtaken)}, with new feedback. nbgrader "
        f"release_feedback {escape(assignment)} hands it out."
    )
    for one in overtaken:
        _console.print(
            f"[yellow]{escape(quote(one.student))} was graded by somebody else meanwhile: theirs "
            f"stays.[/]"
        )
