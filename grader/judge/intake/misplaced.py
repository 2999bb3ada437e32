"""Finds what lies among a class's submissions where none is looked for, by names alone."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath

from grader.judge.intake.entries import LEFTOVERS
from grader.judge.intake.printable import quote

_MOST_ENTRIES, _MOST_INSIDE = 20_000, 1000  # of the folder of submissions, and of a student's
_BELONGS = "A submission of {} lies in {}."


@dataclass(frozen=True)
class Looked:
    """Where submissions of an assignment lie, and what else has a name there.

    `step` is the folder of submissions; `others` are the class's other assignments, `students` its
    students, and `collected` whatever has a submission, which is told elsewhere.
    """

    step: Path
    assignment: str
    notebooks: Collection[str]
    others: Collection[str]
    students: Collection[str]
    collected: Collection[str]


def misplaced(looked: Looked) -> dict[str, str]:
    """What to say of what lies in a wrong place, by its name in the folder of submissions.

    Nothing is followed, and no file is opened.
    """
    found = {}
    for entry in _entries(looked.step, _MOST_ENTRIES):
        if entry.name not in looked.collected and (told := " ".join(_about(entry, looked))):
            found[entry.name] = told
    return found


def _about(entry: os.DirEntry[str], looked: Looked) -> Iterator[str]:
    shown = quote(f"{looked.step.name}/{entry.name}")
    student = _student(entry.name, looked)
    place = f"{looked.step.name}/{quote(student or 'STUDENT')}/{looked.assignment}"
    belongs = _BELONGS.format(looked.assignment, place)
    if entry.is_symlink():
        yield f"{shown} is a link, and links are not followed. {belongs}"
    elif entry.is_dir(follow_symlinks=False):
        if student is None and _folded(entry.name) == _folded(looked.assignment):
            yield f"{shown} has the assignment's name, among students' folders. {belongs}"
        else:
            yield from _inside(Path(entry.path), looked)
    elif not entry.is_file(follow_symlinks=False):
        yield f"{shown} is neither a file nor a folder. {belongs}"
    elif student is not None or PurePath(entry.name).suffix.lower() == ".ipynb":
        yield f"{shown} is a file, among students' folders. {belongs}"


def _inside(folder: Path, looked: Looked) -> Iterator[str]:
    """What to say of a student's folder in which the assignment's is missing."""
    above = f"{folder.parent.name}/{folder.name}"
    place = quote(f"{above}/{looked.assignment}")
    for entry in _entries(folder, _MOST_INSIDE):
        shown, path = quote(f"{above}/{entry.name}"), PurePath(entry.name)
        if _folded(entry.name) == _folded(looked.assignment) and entry.name not in looked.others:
            yield f"{shown} is not called as the assignment is. It belongs in {place}."
        elif path.suffix.lower() == ".ipynb" and _is_of(path.stem, looked):
            yield f"{shown} lies one folder too high. It belongs in {place}."


def _entries(folder: Path, most: int) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            every = [entry for entry in islice(found, most) if entry.name not in LEFTOVERS]
    except OSError:
        return []
    # What is hidden is put there by programs, nbgrader's collecting among them.
    return sorted((one for one in every if not one.name.startswith(".")), key=lambda one: one.name)


def _student(name: str, looked: Looked) -> str | None:
    """The student of the class after whom something is named, with what a file's name adds."""
    ids = {student.casefold(): student for student in looked.students}
    tried = (name, PurePath(name).stem, name.partition(".")[0])
    return next((ids[one.casefold()] for one in tried if one.casefold() in ids), None)


def _is_of(stem: str, looked: Looked) -> bool:
    """Whether a notebook is called like one of the assignment's, such as with (1) behind it."""

    def alike(names: Collection[str]) -> int:
        own = f"{_folded(stem)}-"
        return max((len(name) for name in names if own.startswith(f"{_folded(name)}-")), default=0)

    if stem in looked.notebooks or stem in looked.others:
        return stem in looked.notebooks
    return 0 < alike(looked.notebooks) >= alike(looked.others)


def _folded(name: str) -> str:
    """A name without what tells a slip of it from itself: case, and how words are parted."""
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")
