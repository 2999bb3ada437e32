"""All that a notebook imports: check, hint, solution, progress, device, exercises."""

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.diagnosis.verdict import CheckFailed, Finding, Outcome, Verdict
    from grader.engine.catalogue import Exercise, UnknownExercise, device, exercises
    from grader.notebook.checking import check
    from grader.notebook.guidance import hint, solution
    from grader.notebook.progress import progress

__all__ = [
    "CheckFailed",
    "Exercise",
    "Finding",
    "Outcome",
    "UnknownExercise",
    "Verdict",
    "check",
    "device",
    "exercises",
    "hint",
    "progress",
    "solution",
]

_ROOMS = {
    "grader.diagnosis.verdict": ("CheckFailed", "Finding", "Outcome", "Verdict"),
    "grader.engine.catalogue": ("Exercise", "UnknownExercise", "device", "exercises"),
    "grader.notebook.checking": ("check",),
    "grader.notebook.guidance": ("hint", "solution"),
    "grader.notebook.progress": ("progress",),
}


def _explain_errors() -> None:
    """In a notebook errors are explained below their traceback; a box has no room for that."""
    if "IPython" not in sys.modules or os.environ.get("NBGRADER_EXECUTION"):
        return
    try:
        from grader.notebook import errors  # bound here: in the package it would hide a room
    except ImportError:
        return
    errors.install()


_explain_errors()
_FROM = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load the engine, and torch with it, when it is first asked for: the command needs neither."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_FROM[name]), name)
    except Exception as error:  # of an AttributeError Python says that a name is missing
        from grader.engine import shadowing  # only where something went wrong

        told = shadowing.why(error)
        if not told:
            raise
        raise ImportError(told) from error
