"""What the tests of an instructor's own raised, read from the graded notebooks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.judge.batch.desk import Desk
from grader.judge.intake.printable import quote
from grader.notebook.files import read_plain

_MOST_BYTES = 64 * 1024 * 1024
"""Of a graded notebook, whose outputs are bounded when it is written."""


@dataclass(frozen=True)
class RaisedIn:
    """One error under one graded cell of one learner."""

    learner: str
    cell: str
    error: str


def raised_in(
    desk: Desk, assignment: str, learners: Iterable[str], notebooks: Iterable[str]
) -> Iterator[RaisedIn]:
    """The first error under each cell with a grade_id; what cannot be read says nothing."""
    course, names = desk.course, list(notebooks)
    for learner in learners:
        folder = Path(course.format_path(course.autograded_directory, learner, assignment))
        for name in names:
            for cell in _cells(folder / f"{name}.ipynb"):
                found = _error(cell)
                if found:
                    yield RaisedIn(learner, *found)


def _cells(path: Path) -> list[Any]:
    try:
        notebook = json.loads(read_plain(path, _MOST_BYTES) or b"{}")
    except (OSError, ValueError, RecursionError):
        return []
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    return cells if isinstance(cells, list) else []


def _error(cell: Any) -> tuple[str, str] | None:
    """A cell's grade_id, and its first error: the type, and the beginning of its first line."""
    about = _get(_get(cell, "metadata"), "nbgrader")
    name, outputs = _get(about, "grade_id"), _get(cell, "outputs")
    for output in outputs if isinstance(name, str) and isinstance(outputs, list) else ():
        if _get(output, "output_type") == "error":
            kind, text = str(_get(output, "ename")), str(_get(output, "evalue") or "")
            line = next((line.strip() for line in text.splitlines() if line.strip()), "")
            return name, quote(f"{kind}: {line}" if line else kind)
    return None


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None
