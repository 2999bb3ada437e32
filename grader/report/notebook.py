"""The report as a notebook that an instructor can change: the same functions, called in cells."""

from __future__ import annotations

import json
import os
from pathlib import Path

from grader.notebook.texts import notebooks
from grader.report.files import put

_TEXT = Path(__file__).parent / "templates" / "notebook.md"


def write_notebook(
    course: Path, folder: Path, assignment: str, *, named: bool = True
) -> tuple[Path, bool]:
    """Lay the notebook into a folder, unless one is there: that may have been changed.

    The path, and whether it was written. Raises ReportRefused.
    """
    path = folder / f"{assignment}.ipynb"
    if path.exists():
        return path, False
    # It is run from the folder it lies in.
    home = Path(os.path.relpath(course.resolve(), folder.resolve())).as_posix()
    text = _TEXT.read_text(encoding="utf-8")
    if not named:
        text = text.replace('"ASSIGNMENT")\n', '"ASSIGNMENT").anonymous()\n')
    text = text.replace("ASSIGNMENT", assignment).replace('"COURSE"', json.dumps(home))
    return put(path, notebooks.to_bytes(notebooks.from_text(text))), True
