"""Where a workspace holds the course's notebooks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

MANIFEST = ".autograd-course.json"
"""The file at the top of every workspace; what it holds is the affair of `workspace`."""

INDEX = PurePosixPath("lessons", "errors.ipynb")
"""Where the index of errors and symptoms lies."""

Shelf = Callable[[str], PurePosixPath]
"""Where the exercise notebook of a chapter lies."""


def lesson(name: str) -> PurePosixPath:
    """Where the lesson of this name lies: `02-leaves`, or `01-graphs-2` of two in a chapter."""
    return PurePosixPath("lessons", f"lesson-{name}.ipynb")


def exercises(chapter: str) -> PurePosixPath:
    """Where a chapter's exercise notebook lies."""
    return PurePosixPath("exercises", chapter, f"{chapter}.ipynb")


def fetched(chapter: str) -> PurePosixPath:
    """Where it lies in a class, once nbgrader fetched it into a student's home."""
    return PurePosixPath(chapter, f"{chapter}.ipynb")


def earlier(place: PurePosixPath) -> PurePosixPath | None:
    """Where the course up to 0.3.0 laid what lies at this place; None if it was there already."""
    if place.parent.name != "lessons" or not place.name.startswith("lesson-"):
        return None
    return place.with_name(place.name.removeprefix("lesson-"))


def from_here(*candidates: PurePosixPath) -> str | None:
    """How a page in the current folder links to the first of these places that exists around it.

    A workspace is the current folder or one of the three above it. None if nothing is there.
    """
    here = Path.cwd()
    for root in (here, *here.parents[:3]):
        for place in candidates:
            if (root / place).is_file():
                return Path(os.path.relpath(root / place, here)).as_posix()
    return None
