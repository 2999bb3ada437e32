"""What a workspace holds of the course: lessons with their questions, chapters with exercises.

It is read from the notebooks that lie there and from the text of the tasks, without torch.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from grader.engine.outline import Entry, outline
from grader.notebook.texts import places

_ASKED = re.compile(r"""^\s*ask\(["']([\w-]+)["']\)""", re.M)


Cell = tuple[str, str, str, str]
"""Kind, source, id, and nbgrader's `grade_id`."""


@dataclass(frozen=True)
class Lesson:
    """A lesson that lies in the workspace: its name, its title, its questions with their cells."""

    name: str
    title: str
    place: PurePosixPath
    questions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Exercise:
    """An exercise, its number in its chapter, and where it stands; None where it is not here."""

    entry: Entry
    number: int
    place: PurePosixPath | None
    cell: str = ""


@dataclass(frozen=True)
class Chapter:
    """What belongs together, under the name of its exercises, or else of its lesson."""

    name: str
    lessons: tuple[Lesson, ...]
    exercises: tuple[Exercise, ...]


def workspace_above(folder: Path) -> Path | None:
    """The workspace that a folder lies in."""
    return next(
        (one for one in (folder, *folder.parents) if (one / places.MANIFEST).is_file()), None
    )


def contents(workspace: Path | None) -> tuple[Chapter, ...]:
    """Every chapter, in order. Without a workspace, exercises alone."""
    lessons = () if workspace is None else tuple(_lessons(workspace))
    entries = outline()
    names = sorted({entry.chapter for entry in entries})
    owner = {lesson.name: _chapter_of(lesson.name, names) for lesson in lessons}
    return tuple(
        Chapter(
            name,
            tuple(lesson for lesson in lessons if owner[lesson.name] == name),
            tuple(_exercises(workspace, [one for one in entries if one.chapter == name])),
        )
        for name in sorted({*names, *owner.values()})
    )


def _chapter_of(lesson: str, chapters: Sequence[str]) -> str:
    """The chapter that a lesson belongs to: `01-graphs-2` is the second one of `01-graphs`."""
    own = (name for name in chapters if lesson == name or lesson.startswith(f"{name}-"))
    return max(own, key=len, default=lesson)


def _lessons(workspace: Path) -> Iterator[Lesson]:
    for path in sorted(workspace.glob(str(places.lesson("*")))):
        name = places.lesson_at(path.name)
        if not name or "." in name:  # what an earlier version laid; a new one that lies beside it
            continue
        if cells := _cells(path):
            questions = [
                (asked, cell)
                for kind, source, cell, _ in cells
                if kind == "code"
                for asked in _ASKED.findall(source)
            ]
            yield Lesson(name, _title(cells) or name, places.lesson(name), tuple(questions))


def _exercises(workspace: Path | None, entries: Sequence[Entry]) -> Iterator[Exercise]:
    shelves = _shelves(entries[0].chapter) if workspace and entries else ()
    found = ((place, _cells(workspace / place)) for place in shelves if workspace)
    place, cells = next(((p, c) for p, c in found if c), (None, ()))
    for number, entry in enumerate(entries, 1):
        cell = _heading_over(cells, entry.id)
        yield Exercise(entry, number, place if cell else None, cell or "")


def _shelves(chapter: str) -> tuple[PurePosixPath, PurePosixPath]:
    """Where a chapter's exercises may lie: where the course lays them, or where nbgrader does."""
    return places.exercises(chapter), places.fetched(chapter)


def _heading_over(cells: Sequence[Cell], exercise: str) -> str | None:
    """The id of the cell with the heading over an exercise; None where it is not there."""
    heading = None
    for kind, source, cell, grade_id in cells:
        if kind == "markdown" and re.match(r"#{1,3} ", source):
            heading = cell
        if exercise in (grade_id, cell):
            return heading or cell
    return None


def _cells(path: Path) -> tuple[Cell, ...]:
    """The cells of a notebook; none of one that is not there or cannot be read."""
    try:
        status = path.stat()
        return _read(path, status.st_mtime_ns, status.st_size)
    except (OSError, ValueError, RecursionError):
        return ()


@functools.lru_cache(maxsize=128)
def _read(path: Path, _changed: int, _size: int) -> tuple[Cell, ...]:
    notebook = json.loads(path.read_bytes())
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    return tuple(_cell(cell) for cell in cells or () if isinstance(cell, dict))


def _cell(cell: dict[str, Any]) -> Cell:
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    source = cell.get("source")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return str(cell.get("cell_type")), text, str(cell.get("id") or ""), str(grade_id or "")


def _title(cells: Sequence[Cell]) -> str:
    texts = (source for kind, source, *_ in cells if kind == "markdown")
    found = (re.search(r"^# +(.+)$", text, re.M) for text in texts)
    return next((match[1].strip() for match in found if match), "")
