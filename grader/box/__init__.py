"""The sandboxed processes in which a submission's code runs."""

from grader.box.box import Box
from grader.box.boxes import Boxes
from grader.box.ended import BoxEnded, BoxRefused, CallFailed, CallInterrupted, Cause, Ended
from grader.box.limits import Limits
from grader.box.outputs import CellResult
from grader.box.settings import Level

__all__ = [
    "Box",
    "BoxEnded",
    "BoxRefused",
    "Boxes",
    "CallFailed",
    "CallInterrupted",
    "Cause",
    "CellResult",
    "Ended",
    "Level",
    "Limits",
]
