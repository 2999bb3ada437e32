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
    )
    from grader.guidance import hint, progress, solution
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

_ELSEWHERE = dict.fromkeys(("CheckFailed", "Finding", "Outcome", "Verdict"), "grader.verdict")
_ELSEWHERE |= dict.fromkeys(("hint", "progress", "solution"), "grader.guidance")


def __getattr__(name: str) -> Any:
    """Load the engine, and torch with it, when it is first asked for: the command needs neither."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_ELSEWHERE.get(name, "grader.checking"))
    return getattr(module, name)
