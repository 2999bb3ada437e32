"""What nbgrader reads in a cell: whether it is a test, and the number that its result is."""

from __future__ import annotations

from typing import Any

from nbgrader.utils import is_grade, is_solution

Cell = Any
"""A cell of an nbformat notebook."""


def is_test(cell: Cell) -> bool:
    """Whether a cell's result earns points: a check, or a test of the instructor's own."""
    return cell.cell_type == "code" and bool(is_grade(cell)) and not is_solution(cell)


def number_of(text: Any) -> float | None:
    """The number that nbgrader reads the text of a result as, or None."""
    try:
        return float(text)
    except (TypeError, ValueError, OverflowError):
        return None


def result_of(cell: Cell) -> float | None:
    """The number that a cell's result is, if it has a result and that is one."""
    for output in cell.outputs:
        if output.output_type == "execute_result":
            return number_of(output.data.get("text/plain"))
    return None
