"""The course itself: lessons, live pictures, quizzes, and the companion for code of your own."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course.companion import explain, watch, why_no_grad

__all__ = ["explain", "watch", "why_no_grad"]


def __getattr__(name: str) -> Any:
    """Load the companion, and torch with it, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("course.companion"), name)
