"""What somebody who writes exercises types: prove, mutants, new-exercise."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli import torch_range
from grader.cli.place import find_course
from grader.engine.refusal import Refusal
from grader.rooms import PACKAGE

_console = Console(highlight=False, soft_wrap=True)


class NoCheckout(Refusal):
    """The command needs the course's own repository."""


Course = Annotated[
    Path | None,
    typer.Option("--course", help="The course's folder.", show_default="the one you are in"),
]


def prove(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[CHAPTER|EXERCISE]", help="Left out: every exercise."),
    ] = None,
    course: Course = None,
) -> None:
    """Prove exercises: parts, texts, solution, release, and every mistake named as itself."""
    home = _checkout(course)
    torch_range.require()
    from grader.authoring.parts import missing
    from grader.authoring.prove import chosen
    from grader.authoring.prove import prove as proofs

    broken = 0
    exercises, known = chosen(what), missing(home)
    for exercise in exercises:
        tried = list(proofs(exercise, home, known=known))
        faults = sum(len(proof.broken) or not proof.holds for proof in tried)
        broken += bool(faults)
        state = f"{faults} to mend" if faults else f"all {len(tried)} promises hold"
        _console.print(f"[bold]{escape(exercise)}[/]: {state}")
        for proof in tried:
            if not proof.holds or what is not None:
                _console.print(f"  {'✓' if proof.holds else '✗'} {escape(proof.promise)}")
            for one in proof.broken:
                _console.print(indent(escape(one.what), "      "))
                _console.print(indent(f"→ {escape(one.cure)}", "      "))
            if not proof.holds and not proof.broken:
                _console.print("      for a reason told above")
    if len(exercises) > 1:
        _console.print(f"{len(exercises) - broken} of {len(exercises)} exercises are proved.")
    raise typer.Exit(int(broken > 0))


def mutants(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[CHAPTER|EXERCISE]", help="Left out: every exercise."),
    ] = None,
    course: Course = None,
    write: Annotated[
        bool, typer.Option("--write", help="Bring the list of survivors up to date.")
    ] = False,
    killed: Annotated[
        bool, typer.Option("--killed", help="Show each killed mutant with its finding.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not ask how each killed mutant is named.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", help="Exercises at once.")] = 1,
) -> None:
    """Change right answers one thing at a time, and show which changes no case notices."""
    home = _checkout(course)
    torch_range.require()
    from grader.authoring.mutants import whole
    from grader.authoring.prove import chosen

    reports = []
    for report in whole.reports(chosen(what), home, jobs, named=not quick):
        reports.append(report)
        _console.print(f"[bold]{report.exercise}[/]: {whole.summary([report])}")
        for one in report.killed if killed else ():
            _console.print(f"  ✗ {escape(one.code)}: {escape(one.id)}")
        for one in report.alive:
            _console.print(f"  alive: {escape(one.id)}   ({one.answer})")
        for text in report.idle:
            _console.print(f"  listed, and not alive: {escape(text)}")
    if len(reports) > 1:
        _console.print(whole.summary(reports))
    if write:
        for path in whole.write(reports):
            _console.print(f"{escape(str(path.relative_to(home)))}: each `why` is yours to write.")
    raise typer.Exit(int(any(report.alive or report.idle for report in reports)))


def new_exercise(
    chapter: Annotated[str, typer.Argument(help="Such as 01-graphs.")],
    exercise: Annotated[str, typer.Argument(metavar="ID", help="Such as two_path_grad.")],
    course: Course = None,
) -> None:
    """Lay a new exercise as a skeleton, through which `prove` leads."""
    home = _checkout(course)
    torch_range.require()
    from grader.authoring.new import lay

    for one in lay(home, chapter, exercise):
        _console.print(f"{escape(str(one.path.relative_to(home)))}: {one.what}")
    _console.print(
        f"Every … is yours to write. What is missing or wrong:\n"
        f"  autograd-course prove {escape(exercise)}"
    )


def _checkout(given: Path | None) -> Path:
    """The checkout whose `grader` is the one that runs. Raises NoCheckout and NoCourse."""
    home = find_course(given)
    parts = [home / "grader" / "keys", home / "solutions", home / "docs" / "coverage.md"]
    if not all(part.exists() for part in parts) or (home / "grader").resolve() != PACKAGE:
        raise NoCheckout(
            f"{home} is no checkout of the course, or not the one that this command is from.",
            "Go into the folder you cloned, and run its own: .venv/bin/autograd-course",
        )
    return home
