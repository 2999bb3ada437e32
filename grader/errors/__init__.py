"""What autograd's well-known errors mean, and how to cure them."""

from __future__ import annotations

import builtins

from grader.errors.backward import BACKWARD
from grader.errors.explanation import Explanation
from grader.errors.functions import FUNCTIONS, MODULES
from grader.errors.mishaps import CALLS, OPERANDS, VALUES
from grader.errors.tensors import EDITS, FLAGS

__all__ = ["EXPLANATIONS", "Explanation", "explain", "is_known"]

EXPLANATIONS = (*BACKWARD, *EDITS, *FLAGS, *FUNCTIONS, *MODULES, *OPERANDS, *VALUES, *CALLS)

_OF_PYTHON = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}
_OF_TORCH = {
    "CheckpointError",
    "GradcheckError",
    "OutOfMemoryError",
    "UnpicklingError",
    "_LinAlgError",
}
_READ = 2000
"""How much of an error's text is read: a text of any length may come from a learner."""


def explain(type_name: str, message: str) -> Explanation | None:
    """The explanation of an error by its type's name and text, or None if it is not known."""
    text = message[:_READ]
    return next((entry for entry in EXPLANATIONS if entry.fits(type_name, text)), None)


def is_known(type_name: str) -> bool:
    """Whether an exception of this name is one of Python's or torch's own."""
    return type_name in _OF_PYTHON or type_name in _OF_TORCH
