"""Finds the model answer of an exercise in the solution notebooks, where they are installed."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def solution_source(chapter: str, exercise: str, root: Path = ROOT) -> str | None:
    """The code of the cell that answers the exercise, or None where there are no solutions."""
    text = root / "solutions" / chapter / f"{chapter}.md"
    if not text.is_file():
        return None
    from grader.notebook.notebooks import read

    for cell in read(text).cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == f"{exercise}_answer":
            marks = ("### BEGIN SOLUTION", "### END SOLUTION")
            lines = [line for line in cell.source.splitlines() if line.strip() not in marks]
            return "\n".join(lines)
    return None
