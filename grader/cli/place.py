"""Finds the course that a command is about."""

from __future__ import annotations

from pathlib import Path

from grader.engine.refusal import Refusal


class NoCourse(Refusal):
    """There is no course where the command looked."""


def find_course(given: Path | None) -> Path:
    """The folder given, or the nearest course above the current one, or the installed one's.

    Raises NoCourse if the folder given, or none of those, holds a course.
    """
    if given is not None:
        candidates = [given.resolve()]
    else:
        here = Path.cwd()
        candidates = [here, *here.parents, Path(__file__).resolve().parents[2]]
    for folder in candidates:
        if (folder / "course" / "lessons").is_dir() and (folder / "nbgrader_config.py").is_file():
            return folder
    raise NoCourse(
        f"There is no course in {candidates[0]}: no course/lessons, or no nbgrader_config.py.",
        "Go to the folder you cloned the course into, or name it: --course FOLDER",
    )


def find_class(given: Path | None) -> Path:
    """The folder given, or the nearest above the current one, with nbgrader's settings for a class.

    Raises NoCourse.
    """
    here = Path.cwd()
    candidates = [given.resolve()] if given is not None else [here, *here.parents]
    for folder in candidates:
        if (folder / "nbgrader_config.py").is_file():
            return folder
    raise NoCourse(
        f"There is no class in {given or here}: no nbgrader_config.py.",
        "Go to the folder with your gradebook and submissions, or name it: --course FOLDER",
    )
