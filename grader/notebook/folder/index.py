"""The index of errors and symptoms as a notebook of the workspace."""

from __future__ import annotations

from collections.abc import Iterator

from course.symptoms import page
from grader.notebook.texts import links, notebooks, places
from grader.notebook.texts.cells import Cell, Notebook, cut, headings


def notebook() -> Notebook:
    """The index, a cell for every heading, so that links can lead to it."""
    whole: Cell = {"cell_type": "markdown", "metadata": {}, "source": page.text().strip()}
    return notebooks.assembled(links.resolved(cell, places.INDEX) for cell in _by_headings(whole))


def _by_headings(whole: Cell) -> Iterator[Cell]:
    yield from cut(whole, [start for start, _ in headings(whole)])
