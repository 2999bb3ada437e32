"""Finds the model answer of an exercise in the solution notebooks, where they are installed."""

from __future__ import annotations

from pathlib import Path

from grader.notebook.cells import source_of, without_marks
from grader.notebook.home import HOME


def solution_source(chapter: str, exercise: str, root: Path = HOME) -> str | None:
    """The code of the cell that answers the exercise, or None where there are no solutions."""
    text = root / "solutions" / chapter / f"{chapter}.md"
    if not text.is_file():
        return None
    from grader.notebook.notebooks import read

    source = source_of(read(text), f"{exercise}_answer")
    return None if source is None else without_marks(source)
