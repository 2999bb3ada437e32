"""Links by name: `[Two paths](exercise:two_path_grad)`, `[Leaves](lesson:02-leaves#2.1-A-leaf)`.

Where an exercise stands, and under which number, follows from its chapter's order; where a lesson
lies is the workspace's affair.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath

from grader.engine.catalogue import UnknownExercise, chapters, find
from grader.notebook import places
from grader.notebook.cells import Cell

LINK = re.compile(r"\]\((exercise|lesson):([^)\s]*)\)")


def resolved(cell: Cell, page: PurePosixPath) -> Cell:
    """A cell of a notebook at `page` of a workspace, its links by name as Jupyter needs them.

    Raises ValueError for an exercise that there is not.
    """
    if cell["cell_type"] != "markdown":
        return cell
    target = {"exercise": _exercise, "lesson": _lesson}
    source = LINK.sub(lambda found: f"]({target[found[1]](found[2], page)})", cell["source"])
    return cell | {"source": source}


def _exercise(exercise: str, page: PurePosixPath) -> str:
    try:
        task = find(exercise)
    except UnknownExercise as error:
        raise ValueError(f"a link leads to exercise:{exercise}. {error}") from error
    (chapter,) = (chapter for chapter in chapters() if chapter.name == task.chapter)
    number = chapter.exercises.index(exercise) + 1
    heading = f"{number}. {task.title}".replace(" ", "-")
    return f"{_way(places.exercises(chapter.name), page)}#{heading}"


def _lesson(target: str, page: PurePosixPath) -> str:
    name, mark, heading = target.partition("#")
    return f"{_way(places.lesson(name), page)}{mark}{heading}"


def _way(place: PurePosixPath, page: PurePosixPath) -> str:
    return "" if place == page else posixpath.relpath(place, page.parent)
