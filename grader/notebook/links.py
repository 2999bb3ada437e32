"""Links to an exercise by its id: `[Two paths](exercise:two_path_grad)`.

Where it stands, and under which number, follows from its chapter's order.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath

from grader.engine.catalogue import UnknownExercise, chapters, find
from grader.notebook.cells import Cell

SCHEME = "exercise:"


def resolved(cell: Cell, page: PurePosixPath) -> Cell:
    """A cell of a notebook at `page` of a workspace, its links to exercises as Jupyter needs them.

    Raises ValueError for an exercise that there is not.
    """
    if cell["cell_type"] != "markdown":
        return cell
    link = rf"\]\({SCHEME}([^)\s]*)\)"
    return cell | {
        "source": re.sub(link, lambda found: f"]({_target(found[1], page)})", cell["source"])
    }


def _target(exercise: str, page: PurePosixPath) -> str:
    try:
        task = find(exercise)
    except UnknownExercise as error:
        raise ValueError(f"a link leads to {SCHEME}{exercise}. {error}") from error
    (chapter,) = (chapter for chapter in chapters() if chapter.name == task.chapter)
    place = PurePosixPath("exercises", chapter.name, f"{chapter.name}.ipynb")
    heading = f"{chapter.exercises.index(exercise) + 1}. {task.title}"
    path = "" if place == page else posixpath.relpath(place, page.parent)
    return f"{path}#{heading.replace(' ', '-')}"
