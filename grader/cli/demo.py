"""`autograd-course demo`: a made-up class, graded and reported on, for an instructor to try."""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli import grade, report
from grader.cli.place import find_course

if TYPE_CHECKING:
    from grader.demo.learners import MadeUpLearner

_console = Console(highlight=False, soft_wrap=True)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to lay the class.", metavar="[DIR]")] = Path(
        "demo-class"
    ),
    assignment: Annotated[str, typer.Option(help="What they hand in.")] = "01-graphs",
    size: Annotated[int, typer.Option(min=1, max=1000, help="How many learners.")] = 40,
    seed: Annotated[int, typer.Option(help="Another seed makes another class.")] = 1,
    course: Annotated[
        Path | None,
        typer.Option("--course", help="The course's folder.", show_default="the one you are in"),
    ] = None,
    jobs: grade.Jobs = None,
    isolation: grade.Isolation = None,
) -> None:
    """Make up a class that hands in an assignment, grade it, and report on it.

    Its learners' mistakes are those the course has names for. A class that an earlier demo made in
    the same folder is replaced.
    """
    # Before torch is imported, here and in the workers: each would take every processor.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from grader.demo import folder as folders

    home = find_course(course)
    folders.refuse(folder)
    started = time.monotonic()
    again = ", in the place of an earlier demo's" if folders.is_demo(folder) else ""
    _console.print(f"Making a class in [bold]{escape(str(folder))}[/]{again} …")
    learners = folders.make(home, folder, assignment, size, seed)
    _console.print(_made(learners))
    _step(f"autograd-course grade {assignment}")
    with _going_on():
        grade.grade(assignment, course=folder, jobs=jobs, isolation=isolation)
    _step(f"autograd-course report {assignment}")
    report.report(assignment, course=folder)
    _console.print()
    for line in _next(folder, assignment, learners):
        _console.print(line)
    _console.print(f"All of it took {time.monotonic() - started:.0f} s.")


def _made(learners: Sequence[MadeUpLearner]) -> str:
    came = [learner for learner in learners if learner.handed_in]
    late = sum(learner.late for learner in came)
    return (
        f"{len(learners)} made-up learner{'s' * (len(learners) != 1)}, of whom {len(came)} handed "
        f"in, {late} of them late. "
        "Settings, release, gradebook and exchange are there as for a class of your own."
    )


def _step(command: str) -> None:
    _console.print(f"\n[bold]$ {escape(command)}[/]")


@contextlib.contextmanager
def _going_on() -> Iterator[None]:
    """A command that ends well does not end the demo."""
    try:
        yield
    except typer.Exit as end:
        if end.exit_code not in (0, grade.NEED_A_PERSON):
            raise


def _next(folder: Path, assignment: str, learners: Sequence[MadeUpLearner]) -> Iterator[str]:
    """What to type next, in the class's folder."""
    steps = {f"cd {shlex.quote(str(folder))}": ""}
    if os.environ.get("VIRTUAL_ENV") != sys.prefix:
        steps[f"source {shlex.quote(sys.prefix)}/bin/activate"] = ""
    mistaken = (
        f"{learner.id} {exercise}"
        for learner in learners
        if learner.handed_in
        for exercise, work in learner.works.items()
        if work.mistake
    )
    for verdict in itertools.islice(mistaken, 1):
        steps[f"autograd-course replay {verdict}"] = (
            "an appeal: this verdict again, with its numbers"
        )
    steps["jupyter lab"] = "Nbgrader, Formgrader: grade the written answers"
    steps[f"nbgrader generate_feedback {assignment}"] = "then: the pages with your points"
    steps["nbgrader export"] = "every grade as CSV"
    width = max(len(step) for step, told in steps.items() if told)
    yield "[bold]Try next[/]"
    for step, told in steps.items():
        yield escape(f"  {step:<{width}}  # {told}" if told else f"  {step}")
    yield "truth.json says who made which mistake: the report counts the same."
