"""The sandboxed processes in which a submission's code runs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.box.box import Box
    from grader.box.boxes import Boxes
    from grader.box.ended import BoxEnded, BoxRefused, CallFailed, CallInterrupted, Cause, Ended
    from grader.box.limits import Limits
    from grader.box.outputs import CellResult
    from grader.box.probe import probe
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
    "probe",
]

_ENDED = ("BoxEnded", "BoxRefused", "CallFailed", "CallInterrupted", "Cause", "Ended")
_MODULES = {
    "Box": "box",
    "Boxes": "boxes",
    "CellResult": "outputs",
    "Level": "settings",
    "Limits": "limits",
    "probe": "probe",
    **dict.fromkeys(_ENDED, "ended"),
}


def __getattr__(name: str) -> Any:
    """Import on first use: the judge's side never into a box, and Linux's only on Linux."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
