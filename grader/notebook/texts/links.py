"""Links by name: `[Two paths](exercise:two_path_grad)`, `[Leaves](lesson:02-leaves#2.1-A-leaf)`.

Where an exercise stands, and under which number, follows from its chapter's order; where a lesson
lies is the workspace's affair. A link leads to the cell that holds the heading: JupyterLab finds a
cell in a notebook that it is still opening, and a heading only once it is drawn.
"""

from __future__ import annotations

import functools
import posixpath
import re
from pathlib import PurePosixPath

from grader.engine.outline import Entry, outline
from grader.notebook.texts import places
from grader.notebook.texts.cells import Cell, slug

LINK = re.compile(r"\]\((exercise|lesson):([^)\s]*)\)")


def resolved(cell: Cell, page: PurePosixPath) -> Cell:
    """A cell of a notebook at `page` of a workspace, its links by name as Jupyter needs them.

    Raises ValueError for an exercise that there is not.
    """
    if cell["cell_type"] != "markdown":
        return cell

    def link(found: re.Match[str]) -> str:
        kind, target = found.groups()
        place, anchor = _exercise(target) if kind == "exercise" else _lesson(target)
        way = "" if place == page else posixpath.relpath(place, page.parent)
        return f"]({way}{anchor})"

    return cell | {"source": LINK.sub(link, cell["source"])}


def _exercise(exercise: str) -> tuple[PurePosixPath, str]:
    entry = known().get(exercise)
    chapter = entry.chapter if entry else ""
    if not entry:
        from grader.engine.catalogue import UnknownExercise, find  # they load torch

        try:
            chapter = find(exercise).chapter
        except UnknownExercise as error:
            raise ValueError(f"a link leads to exercise:{exercise}. {error}") from error
    return places.exercises(chapter), to_exercise(exercise)


def _lesson(target: str) -> tuple[PurePosixPath, str]:
    name, _, heading = target.partition("#")
    return places.lesson(name), to_heading(heading) if heading else ""


@functools.cache
def known() -> dict[str, Entry]:
    """Every exercise by its id, chapter by chapter, in order."""
    return {entry.id: entry for entry in outline()}


def to_exercise(exercise: str) -> str:
    """The end of a link that leads to an exercise of a notebook: the cell of its heading."""
    entry = known()[exercise]
    own = [one.id for one in known().values() if one.chapter == entry.chapter]
    return to_heading(f"{own.index(exercise) + 1}. {entry.title}")


def to_heading(heading: str) -> str:
    """The end of a link that leads to the cell which begins with this heading."""
    return f"#cell-id={slug(heading)}"
