"""`autograd-course report`: how a class did, as a page, as tables and in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.cli.grade import Assignment, Course
from grader.cli.place import find_class
from grader.judge.intake.printable import printable, quote

if TYPE_CHECKING:
    from grader.report.counted import Figures, Learner

_console = Console(highlight=False)
_paths = Console(highlight=False, soft_wrap=True)

_SHOWN = 5
"""How many mistakes and names the terminal shows; the page has all."""


def report(
    assignment: Assignment,
    course: Course = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write it.", show_default="reports, in the class's folder"),
    ] = None,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Leave out every name.")] = False,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="Write a notebook, too, for you to change.")
    ] = False,
) -> None:
    """Report how the class did: the mistakes made and how often, as a page and as tables."""
    from grader.report import figures
    from grader.report.files import write
    from grader.report.notebook import write_notebook

    home = find_class(course)
    folder = out or home / "reports"
    found = figures.of(home, assignment)
    shown = found.anonymous() if anonymous else found
    paths = write(shown, folder)
    _summarise(shown)
    _paths.print(f"The page: {escape(str(paths[0]))}")
    tables = ", ".join(escape(path.name) for path in paths[1:])
    _paths.print(f"Beside it: {tables}")
    if notebook:
        path, fresh = write_notebook(home, folder, assignment, named=not anonymous)
        if fresh:
            _paths.print(f"The notebook: {escape(str(path))}")
        else:
            _paths.print(
                f"[yellow]{escape(str(path))} is there already and stays as it is, with what you "
                f"changed. Move it away to get it anew.[/]"
            )


def _summarise(found: Figures) -> None:
    from grader.report.counted import State

    _console.print(
        f"[bold]{escape(found.assignment)}[/]: {len(found.handed_in)} of {len(found.learners)} "
        f"handed in, {len(found.of_state(State.JUDGED))} judged, {len(found.late)} late."
    )
    if found.exercises:
        _console.print(_exercises(found))
    if found.plain:
        _console.print(_own_tests(found))
        _tell_errors(found)
    if found.mistakes:
        _console.print("[bold]Named mistakes[/]")
        shown = Table.grid(padding=(0, 1))
        for made in found.mistakes[:_SHOWN]:
            shown.add_row(f"{made.count:>3} ×", f"{escape(made.code)}: {escape(made.message)}")
        left = len(found.mistakes) - _SHOWN
        if left > 0:
            shown.add_row("", f"and {left} more, in the page")
        _console.print(shown)
    _tell("May need a hand", found.need_a_hand)
    for state in (State.WAITING, State.UNREAD, State.MISSING):
        _tell(state.value.capitalize(), found.of_state(state))
    waiting = sum(one.waiting for one in found.by_hand)
    if waiting:
        _console.print(f"[bold]Answers that wait for a person[/]: {waiting}")
    if found.plain:
        names = ", ".join(one.name for one in found.plain)
        _console.print(f"[yellow]Tests that a submission can forge: {escape(names)}[/]")
    for one in found.needs:
        _console.print(f"[bold]Needs you[/], {one.count} ×: {escape(printable(one.sentence))}")
    unwalled = [one for one in found.learners if one.isolation == "none"]
    if unwalled:
        _console.print(f"[yellow]Graded without isolation: {len(unwalled)}[/]")
    if found.older_cases:
        _console.print(f"[yellow]Judged on earlier hidden cases: {len(found.older_cases)}[/]")


def _exercises(found: Figures) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("exercise", overflow="fold")
    for head in ("right", "partly", "wrong", "unchecked", "untouched", "mean"):
        table.add_column(head, justify="right")
    for one in found.exercises:
        counts = (one.right, one.partly, one.wrong, one.could_not_check, one.not_attempted)
        table.add_row(escape(one.id), *map(str, counts), f"{one.mean_credit:.0%}")
    return table


def _own_tests(found: Figures) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("your own test", overflow="fold")
    for head in ("passed", "partly", "failed", "pass rate", "mean"):
        table.add_column(head, justify="right")
    for one in found.plain:
        counts = map(str, (one.passed, one.partly, one.failed))
        mean = f"{one.mean_score:.3g} of {one.points:g}"
        table.add_row(escape(one.name), *counts, f"{one.pass_rate:.0%}", mean)
    return table


def _tell_errors(found: Figures) -> None:
    """The errors that most met in the instructor's own tests."""
    raised = [(one.count, cell.name, one.sentence) for cell in found.plain for one in cell.errors]
    if raised:
        _console.print("[bold]Raised in your own tests[/]")
        shown = Table.grid(padding=(0, 1))
        for count, name, sentence in sorted(raised, key=lambda one: -one[0])[:_SHOWN]:
            shown.add_row(f"{count:>3} ×", f"{escape(name)}: {escape(printable(sentence))}")
        _console.print(shown)


def _tell(what: str, learners: tuple[Learner, ...]) -> None:
    if learners:
        names = ", ".join(quote(one.name) for one in learners[:_SHOWN])
        more = f" and {len(learners) - _SHOWN} more" if len(learners) > _SHOWN else ""
        _console.print(f"[bold]{what}[/]: {escape(names + more)}")
