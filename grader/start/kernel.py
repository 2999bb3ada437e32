"""Names that every kernel of a workspace has from its start, each loaded when it is first used."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from grader.start import unrun

NAMES = {
    "check": "grader",
    "hint": "grader",
    "solution": "grader",
    "progress": "grader",
    "ask": "course.questions",
    "review": "course.review",
    "explain": "course.companion",
    "watch": "course.companion",
    "why_no_grad": "course.companion",
}
"""A name, and the module that has it. What is not installed is not provided."""

ERRORS = "grader.notebook.errors"
"""Its `install(shell)` has errors of autograd explained below their traceback, in every cell."""


def provide(shell: Any) -> None:
    """Give the names to an IPython shell. A learner's own variable of such a name wins."""
    given = {name: _later(name, module) for name, module in NAMES.items() if _is_there(module)}
    shell.user_ns.update({name: one for name, one in given.items() if name not in shell.user_ns})
    shell.user_ns_hidden.update(given)  # %who and %whos list what the learner made
    if _is_there(ERRORS):
        importlib.import_module(ERRORS).install(shell)
    unrun.install(shell)


def _later(name: str, module: str) -> Callable[..., Any]:
    """A function that imports the real one when it is called."""

    def stand_in(*arguments: Any, **named: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*arguments, **named)

    stand_in.__name__ = stand_in.__qualname__ = name
    stand_in.__doc__ = f"`from {module} import {name}`, done when it is called."
    return stand_in


@functools.cache
def _is_there(module: str) -> bool:
    """Whether a module is installed; nothing of it is loaded."""
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False
