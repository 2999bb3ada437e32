"""Links and labels: what leads somewhere in a workspace leads to the same place in the book.

Every heading of a lesson and every exercise has a label, and links go by label: Sphinx says which
lead nowhere.
"""

from __future__ import annotations

import functools
import posixpath
import re
from pathlib import PurePosixPath

from grader.notebook.texts import links, places

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CELL = "cell-id="


class DeadLink(ValueError):
    """A link of a notebook that leads to nothing the book has."""


def lesson(name: str, cell: str = "") -> str:
    """The label of a lesson, or of the cell in it that begins with a heading."""
    return "-".join(filter(None, ["lesson", name, cell]))


def chapter(name: str) -> str:
    """The label of the page that lists a chapter's exercises."""
    return f"exercises-{name}"


def exercise(name: str) -> str:
    """The label of an exercise's page; a written one goes by its `grade_id`."""
    return f"exercise-{name}"


def index(cell: str = "") -> str:
    """The label of the index of errors and symptoms, or of a heading in it."""
    return "-".join(filter(None, ["of-errors", cell]))


def in_the_book(source: str, page: PurePosixPath) -> str:
    """A Markdown cell of the notebook at `page` of a workspace, its links as the book needs them.

    Raises DeadLink.
    """

    def link(found: re.Match[str]) -> str:
        target = found[1]
        if re.match(r"[a-z]+:", target):
            return found[0]
        way, _, anchor = target.partition("#")
        place = PurePosixPath(posixpath.normpath(page.parent / way)) if way else page
        return f"](#{_label(place, anchor.removeprefix(_CELL), target)})"

    return _LINK.sub(link, source)


def _label(place: PurePosixPath, cell: str, target: str) -> str:
    if place == places.INDEX:
        return index(cell)
    if place.parts[0] == "lessons" and (name := places.lesson_at(place.name)):
        return lesson(name, cell)
    if place.parts[0] == "exercises" and not cell:
        return chapter(place.stem)
    if place.parts[0] == "exercises" and (place.stem, cell) in _exercises():
        return exercise(_exercises()[place.stem, cell])
    raise DeadLink(f"the link to {target} leads to nothing in the book")


@functools.cache
def _exercises() -> dict[tuple[str, str], str]:
    """The id of every exercise, by its chapter and the cell that its heading begins."""
    return {
        (entry.chapter, links.to_exercise(entry.id).removeprefix(f"#{_CELL}")): entry.id
        for entry in links.known().values()
    }
