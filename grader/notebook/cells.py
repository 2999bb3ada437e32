"""What a notebook and a cell are here, how one is found, and the marks in a solution's."""

from __future__ import annotations

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
