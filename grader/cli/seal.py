"""`autograd-course seal`: the student side of a class, which holds no answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.cli import torch_range
from grader.cli.grade import Course
from grader.cli.place import find_class

_console = Console(highlight=False, soft_wrap=True)


def seal(
    folder: Annotated[Path, typer.Argument(help="Written anew.", show_default=False)],
    hidden: Annotated[
        bool, typer.Option("--hidden", help="List the mistakes that only the judge can name.")
    ] = False,
    course: Course = None,
) -> None:
    """Write the student side of a class: lessons, and checks without keys or solutions.

    It is typed in the class's folder, so that nobody seals another checkout than they think.
    """
    find_class(course)
    # Before torch is imported: the small tensors of a check gain nothing from more threads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch_range.require()
    from grader.authoring.sealing import coverage
    from grader.authoring.student_side import seal as write

    made = write(folder)
    covered = coverage(made.recording)
    _console.print(
        f"Sealed {covered.exercises} exercises into {escape(str(made.folder))}: {made.files} "
        f"files, {made.size / 1e6:.1f} MB, with course {made.course} and torch {made.torch}."
    )
    alone = len(covered.hidden)
    _console.print(
        f"Of {covered.mistakes} named mistakes {covered.mistakes - alone} show in the visible "
        f"cases. The judge alone finds the other {alone}"
        + (":" if hidden else ", which --hidden lists.")
    )
    for code in covered.hidden if hidden else ():
        _console.print(f"  {escape(code)}")
    _console.print(
        f"Students' servers import it with PYTHONPATH={escape(str(made.folder / 'python'))}, in an "
        "environment that holds what the course depends on."
    )
