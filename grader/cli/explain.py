"""`autograd-course explain`: what an error or a warning of torch means, by its text."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grader.engine.refusal import Refusal
from grader.errors import Explained, explain_text


class NothingToExplain(Refusal):
    """No text was given, or one that is none of autograd's well-known errors."""


def explain(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="The error's text; without one it is read from standard input."),
    ] = None,
) -> None:
    """Say what an error or a warning of torch means, and how to cure it."""
    asked = " ".join(text) if text else "" if sys.stdin.isatty() else sys.stdin.read()
    if not asked.strip():
        raise NothingToExplain("There is no text to explain.", _CURE)
    found = explain_text(asked)
    if found is None:
        raise NothingToExplain("This is none of autograd's well-known errors.", _CURE)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{escape(found.title)}[/]")
    console.print(escape(str(Explained.of(found))))


_CURE = (
    'Give the last line of the traceback, in quotes: autograd-course explain "RuntimeError: ...". '
    "In a notebook, explain() reads the variables too: from course import explain."
)
