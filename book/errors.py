"""The index of errors and symptoms as a page of the book."""

from __future__ import annotations

from collections.abc import Iterator

from book import links
from grader.notebook.folder import index
from grader.notebook.texts import places
from grader.notebook.texts.cells import headings


def text() -> str:
    """The page as MyST Markdown: the workspace's index, with a label at every heading."""
    return "\n\n".join(_cells()) + "\n"


def _cells() -> Iterator[str]:
    for place, cell in enumerate(index.notebook().cells):
        labels = [f"({links.index()})="] if place == 0 else []
        labels += [f"({links.index(cell.id)})="] if headings(cell) else []
        yield "\n".join([*labels, links.in_the_book(cell.source, places.INDEX)])
