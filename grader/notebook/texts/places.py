"""Where a workspace holds the course's notebooks."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from string import ascii_lowercase

MANIFEST = ".autograd-course.json"
"""The file at the top of every workspace; what it holds is the affair of `workspace`."""

INDEX = PurePosixPath("lessons", "errors.ipynb")
"""Where the index of errors and symptoms lies."""

REVIEW = PurePosixPath("review.ipynb")
"""Where what is due is asked again, in a workspace that a server has prepared."""


def lesson(name: str) -> PurePosixPath:
    """Where the lesson of this name lies: `02-leaves`, or `01-graphs-2` of two in a chapter.

    That one lies in `lesson-01b-graphs.ipynb`: every listing of files shows it after the first
    part, as none does with `-2` before the dot, and a narrow one shows that it is another.
    """
    part = re.fullmatch(r"(\d+)-(.+)-(\d+)", name)
    if part and 2 <= int(part[3]) <= len(ascii_lowercase):
        name = f"{part[1]}{ascii_lowercase[int(part[3]) - 1]}-{part[2]}"
    return PurePosixPath("lessons", f"lesson-{name}.ipynb")


def lesson_at(file: str) -> str | None:
    """The name of the lesson that lies in a file of this name; None if none does."""
    found = re.fullmatch(r"lesson-(?:(\d+)([b-z])-(.+)|(.+))\.ipynb", file)
    if not found:
        return None
    number, letter, title, whole = found.groups()
    name = whole or f"{number}-{title}-{ascii_lowercase.index(letter) + 1}"
    return name if lesson(name).name == file else None


def exercises(chapter: str) -> PurePosixPath:
    """Where a chapter's exercise notebook lies."""
    return PurePosixPath("exercises", chapter, f"{chapter}.ipynb")


def fetched(chapter: str) -> PurePosixPath:
    """Where it lies in a class whose nbgrader fetches into the home, as it does by itself."""
    return PurePosixPath(chapter, f"{chapter}.ipynb")


def earlier(place: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """Where earlier courses laid the lesson that lies at this place now: up to 0.3.0 and 0.4.0."""
    name = lesson_at(place.name)
    if place.parent.name != "lessons" or name is None:
        return ()
    names = (f"{name}.ipynb", f"lesson-{name}.ipynb")
    return tuple(place.with_name(one) for one in names if one != place.name)


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
