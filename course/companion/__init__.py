"""Looks at a learner's own training step, and says where the gradient was lost."""

import importlib
from typing import TYPE_CHECKING, Any

from grader.notebook import errors

if TYPE_CHECKING:
    from course.companion.asking.why import why_no_grad
    from course.companion.explaining import explain
    from course.companion.finding import Finding, Report
    from course.companion.kinds import KINDS, Kind
    from course.companion.seen import watch

_MODULES = {
    "course.companion.explaining": ("explain",),
    "course.companion.finding": ("Finding", "Report"),
    "course.companion.kinds": ("KINDS", "Kind"),
    "course.companion.seen": ("watch",),
    "course.companion.asking.why": ("why_no_grad",),
}
_FROM = {name: module for module, names in _MODULES.items() for name in names}

errors.install()

__all__ = ["KINDS", "Finding", "Kind", "Report", "explain", "watch", "why_no_grad"]


def __getattr__(name: str) -> Any:
    """Load a part, and torch with it, when it is first asked for: an index of kinds needs none."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_FROM[name]), name)
