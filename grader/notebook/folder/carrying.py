"""A learner's answers: found in an exercise notebook by their names, and put into another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

UNTOUCHED = "# YOUR CODE HERE"
"""What nbgrader writes where a solution is cut out."""


def answers(notebook: bytes) -> dict[str, str]:
    """The source of every answer cell of a notebook file, by its grade_id; none in a broken one.

    Of two cells of one name the first counts.
    """
    found: dict[str, str] = {}
    for name, cell in _answer_cells(_read(notebook)):
        found.setdefault(name, _source(cell))
    return found


def carried(notebook: bytes, written: Mapping[str, str]) -> bytes:
    """A notebook file with these answers in its answer cells, and nothing else changed.

    An answer that still holds the mark where code belongs was not begun, and is left out.
    """
    return _with(notebook, {k: v for k, v in written.items() if UNTOUCHED not in v})


def replaced(notebook: bytes, name: str, source: str) -> bytes:
    """A notebook file with another source in one answer cell, whose old outputs are gone."""
    return _with(notebook, {name: source})


def _with(notebook: bytes, sources: Mapping[str, str]) -> bytes:
    content = _read(notebook)
    changed = False
    for name, cell in _answer_cells(content):
        if name in sources and sources[name] != _source(cell):
            cell["source"] = sources[name].splitlines(keepends=True)
            changed = True
            if cell.get("cell_type") == "code":
                cell["outputs"], cell["execution_count"] = [], None
    if not changed:
        return notebook
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _read(notebook: bytes) -> Any:
    try:
        return json.loads(notebook)
    except ValueError:
        return None


def _answer_cells(content: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every cell that nbgrader has a learner write into, with its name."""
    found = []
    cells = content.get("cells") if isinstance(content, dict) else None
    for cell in cells if isinstance(cells, list) else []:
        metadata = cell.get("metadata") if isinstance(cell, dict) else None
        mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        if (
            isinstance(mark, dict)
            and mark.get("solution")
            and isinstance(mark.get("grade_id"), str)
        ):
            found.append((mark["grade_id"], cell))
    return found


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)
