"""Finds, in a graded notebook, written answers whose own cell is empty while others are not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nbgrader.utils import compute_checksum, is_grade, is_solution

OWN = "own-"
"""What the id of a cell begins with that the learner added."""

_MOST_LISTED = 5

_ASKED = re.compile(r"^\*\d+ points? · about \d+ minutes? · .*\*$", re.MULTILINE)
"""The line beneath what an exercise asks: a cell with it is a release's, of an older one if it is
not of the present one, and no answer."""


def elsewhere(notebook: Any) -> dict[str, str]:
    """What to say of each answer that a person grades and that may stand in another cell.

    By grade_id. Such an answer's cell is as it was handed out, and the learner wrote a cell of
    their own of the same kind: text, or a code cell of comments alone, for a text; code for code.
    """
    found = {}
    for number, cell in enumerate(notebook.cells):
        if not (is_grade(cell) and is_solution(cell)):
            continue
        if cell.metadata.nbgrader.get("checksum") != compute_checksum(cell):
            continue
        places = list(_written(notebook, cell.cell_type == "code"))
        if places:
            found[cell.metadata.nbgrader["grade_id"]] = _sentence(number, places)
    return found


def _written(notebook: Any, code: bool) -> Iterator[int]:
    """The indices of the learner's own cells that may be an answer."""
    for index, cell in enumerate(notebook.cells):
        if cell.get("id", "").startswith(OWN) and not cell.metadata and cell.source.strip():
            is_code = cell.cell_type == "code" and not _is_comment(cell.source)
            if is_code == code and (is_code or not _ASKED.search(cell.source)):
                yield index


def _is_comment(source: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in source.splitlines())


def _sentence(at: int, places: list[int]) -> str:
    listed = ", ".join(f"{abs(place - at)} {_way(place - at)}" for place in places[:_MOST_LISTED])
    more = ", …" if len(places) > _MOST_LISTED else ""
    which = "a cell" if len(places) == 1 else "cells"
    return (
        f"Nothing is written in this cell. The answer may stand in {which} that the learner added: "
        f"{listed}{more}."
    )


def _way(distance: int) -> str:
    return "below" if distance > 0 else "above"
