"""Finds the course that a command is about, and says how one that was stopped ends."""

from __future__ import annotations

import shlex
from pathlib import Path

from grader.engine.refusal import Refusal
from grader.notebook.texts.home import CARRIED, HOME
from grader.notebook.texts.places import MANIFEST
from grader.rooms import PACKAGE

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended."""


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
        candidates = [here, *here.parents, HOME]
    for folder in candidates:
        if (folder / "course" / "lessons").is_dir() and (folder / "nbgrader_config.py").is_file():
            return folder
    raise NoCourse(
        f"There is no course in {candidates[0]}: no course/lessons, or no nbgrader_config.py.",
        "Go to the folder you cloned the course into, or name it: --course FOLDER",
    )


def workspace_of(course: Path, given: Path | None) -> Path:
    """The learner's folder: the one given, a checkout's own, else one in the current folder.

    What pip installed is no place for anybody's work: there it is the workspace that one is in.
    """
    if given is not None:
        return given
    if course != CARRIED:
        return course / "workspace"
    here = Path.cwd()
    own = (folder for folder in (here, *here.parents) if (folder / MANIFEST).is_file())
    return next(own, here / "autograd-course-workspace")


def find_class(given: Path | None) -> Path:
    """The folder given, or the nearest above the current one, with nbgrader's settings for a class.

    Raises NoCourse: where there is none, and for a checkout whose code is not what runs here.
    """
    found = nearest_class(given)
    if found is None:
        raise NoCourse(
            f"There is no class in {given or Path.cwd()}: no nbgrader_config.py.",
            "Go to the folder with your gradebook and submissions, or name it: --course FOLDER. "
            "To make one: autograd-course class make FOLDER --roster LIST.csv",
        )
    theirs = found / "grader"
    if (theirs / "keys").is_dir() and theirs.resolve() != PACKAGE:
        raise NoCourse(
            f"{found} is a checkout with exercises of its own, and this command would judge by "
            f"those of {PACKAGE.parent}.",
            f"Run its own, there: {_own_command(found)}",
        )
    return found


def nearest_class(given: Path | None) -> Path | None:
    """The same, as far as a folder has settings; None where there is none."""
    here = Path.cwd()
    candidates = [given.resolve()] if given is not None else [here, *here.parents]
    return next((one for one in candidates if (one / "nbgrader_config.py").is_file()), None)


def _own_command(checkout: Path) -> str:
    own = checkout / ".venv" / "bin" / "autograd-course"
    return f"{own}, or " * own.is_file() + f"cd {shlex.quote(str(checkout))}; python -m grader.cli"
