"""What `check`, `hint`, `solution` and `progress` are in a box, which has no references.

A notebook's first cell imports them and must run. A `check` that a learner wrote into a cell of
their own says that it could not check: the judge asks for the function itself.
"""

from __future__ import annotations

import html
from typing import Any

import grader
from grader.engine.catalogue import find


class Notice:
    """A verdict that could not be given, or a text that is not here; it displays itself."""

    passed = False
    credit = 0.0
    outcome = "could not check"
    findings: tuple[Any, ...] = ()

    def __init__(self, text: str) -> None:
        self._text = text

    def inputs(self) -> dict[str, Any]:
        """None: nothing was checked here."""
        return {}

    def rerun(self) -> None:
        """Calls nothing: no case failed here."""

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<div role='status'>{html.escape(self._text)}</div>"


class CheckFailed(AssertionError):
    """What a failed check raises elsewhere; here none fails."""


def check(exercise: str, *functions: Any, seconds: float | None = None) -> Notice:
    """Says that the judge checks. Raises UnknownExercise."""
    return Notice(
        f"? {find(exercise).id} could not be checked here: no reference answers are installed "
        "beside a submission. The judge checks your function itself."
    )


def hint(exercise: str | None = None, number: int | None = None) -> Notice:
    """Says where hints are."""
    return Notice("The hints are in your own notebook.")


def solution(exercise: str | None = None, *, reveal: bool = False) -> Notice:
    """Says that there are none."""
    return Notice("There are no solutions beside a submission.")


def progress() -> Notice:
    """Says where the record is kept."""
    return Notice("Your progress is kept where you work, and not here.")


def install() -> None:
    """Give the package `grader` what a notebook imports of it, whatever a box does not have."""
    for function in (check, hint, solution, progress):
        setattr(grader, function.__name__, function)
    vars(grader)["CheckFailed"] = CheckFailed
    for name in ("Finding", "Outcome", "Verdict"):
        setattr(grader, name, Notice)
