"""Where a workspace holds the course's notebooks."""

from __future__ import annotations

from pathlib import PurePosixPath

MANIFEST = ".autograd-course.json"
"""The file at the top of every workspace; what it holds is the affair of `workspace`."""


def lesson(name: str) -> PurePosixPath:
    """Where the lesson of this name lies: `02-leaves`, or `01-graphs-2` of two in a chapter."""
    return PurePosixPath("lessons", f"{name}.ipynb")


def exercises(chapter: str) -> PurePosixPath:
    """Where a chapter's exercise notebook lies."""
    return PurePosixPath("exercises", chapter, f"{chapter}.ipynb")
