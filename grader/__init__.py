"""All that a notebook imports: check, hint, solution, progress, device, exercises."""

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
