"""All that a notebook imports: check, hint, solution, progress, device, exercises."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.checking import (
        Exercise,
        UnknownExercise,
        check,
        device,
        exercises,
        hint,
        progress,
        solution,
    )
    from grader.verdict import CheckFailed, Finding, Outcome, Verdict

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

_VERDICT = {"CheckFailed", "Finding", "Outcome", "Verdict"}


def __getattr__(name: str) -> Any:
    """Load the engine, and torch with it, when it is first asked for: the command needs neither."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module("grader.verdict" if name in _VERDICT else "grader.checking")
    return getattr(module, name)
