"""Writes a report into a folder: the page, and the same figures as CSV."""

from __future__ import annotations

from pathlib import Path

from grader.engine.refusal import Refusal
from grader.notebook import files
from grader.report.counted import Figures
from grader.report.page import page
from grader.report.rows import exercise_rows, finding_rows, learner_rows, plain_rows
from grader.report.tables import as_csv


class ReportRefused(Refusal):
    """The report could not be written."""


def write(figures: Figures, folder: Path) -> list[Path]:
    """Write the page and the tables; return their paths, the page's first.

    A folder that is made for it is closed to others: a report is about people. Raises
    ReportRefused.
    """
    stem = figures.assignment if figures.named else f"{figures.assignment}-anonymous"
    contents = {
        f"{stem}.html": page(figures).encode(),
        f"{stem}-exercises.csv": as_csv(exercise_rows(figures)),
        f"{stem}-findings.csv": as_csv(finding_rows(figures)),
        f"{stem}-learners.csv": as_csv(learner_rows(figures)),
    }
    if figures.plain:
        contents[f"{stem}-tests.csv"] = as_csv(plain_rows(figures))
    return [put(folder / name, content) for name, content in contents.items()]


def put(path: Path, content: bytes) -> Path:
    """Write one file whole or not at all. Raises ReportRefused."""
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            path.parent.chmod(0o700)
        files.write(path, content)
    except OSError as error:
        raise ReportRefused(
            f"{path} cannot be written: {error.strerror or error}.",
            "Make room, or name another folder: --out FOLDER",
        ) from error
    return path
