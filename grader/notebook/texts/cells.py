"""What a notebook and a cell are here, how one is found, and the marks in a solution's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

Notebook = Any
"""An nbformat v4 notebook: nbformat ships no types for mypy to read."""

Cell = dict[str, Any]
"""A cell of one, before it has its id."""

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
"""The lines between which a solution's cell holds what a learner does not get."""


def grade_id(cell: Cell) -> str:
    """The name by which nbgrader knows a cell, or ""."""
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def source_of(notebook: Notebook, name: str) -> str | None:
    """The source of the cell that nbgrader knows by this name, if there is one."""
    return next((str(cell.source) for cell in notebook.cells if grade_id(cell) == name), None)


def without_marks(source: str) -> str:
    """A solution's cell as somebody writes it who was given none."""
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


LONGEST_ID = 64
"""nbformat's own limit for the id of a cell."""


def slug(heading: str) -> str:
    """The id of a cell that begins with this heading, where it is the first of its notebook."""
    ascii_name = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9_]+", ascii_name.lower())
    return "-".join(words)[: LONGEST_ID - 6].rstrip("-") or "cell"


def headings(cell: Cell, levels: str = "1,6") -> list[tuple[int, str]]:
    """Where each heading of these levels starts in a Markdown cell, and what it says."""
    if cell["cell_type"] != "markdown":
        return []
    fenced = r"(?ms)^(```+|~~~+).*?^\1"  # a fence may hold # comments
    prose = re.sub(fenced, lambda fence: " " * len(fence[0]), cell["source"])
    found = re.finditer(rf"(?m)^#{{{levels}}} +(.+)$", prose)
    return [(heading.start(), heading[1].strip()) for heading in found]


def cut(cell: Cell, starts: Sequence[int]) -> Iterator[Cell]:
    """A cell cut where its source has these places; empty parts are left out."""
    edges = sorted({0, *starts})
    for start, end in zip(edges, [*edges[1:], None], strict=True):
        source = cell["source"][start:end].strip("\n")
        if source:
            yield cell | {"source": source}
