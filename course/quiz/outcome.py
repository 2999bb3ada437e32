"""What running a piece of code gave, and whether a learner's prediction agrees with it."""

from __future__ import annotations

import ast
import contextlib
import io
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_ANY_ERROR = {"error", "an error", "raises", "it raises", "exception", "an exception"}
_WORDS = {"true": "True", "false": "False", "none": "None", "yes": "True", "no": "False"}


@dataclass(frozen=True)
class Outcome:
    """The value or the error of one run, with everything it printed and warned."""

    value: Any = None
    error: Exception | None = None
    printed: str = ""
    warned: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The value as a learner would write it (`5`, `[2, 4]`, `None`), or the error's type."""
        return shown(self.value) if self.error is None else type(self.error).__name__

    def agrees(self, prediction: str) -> bool:
        """Whether a typed prediction means this outcome; numbers to four digits."""
        if self.error is not None:
            return prediction.strip().casefold() in _ANY_ERROR | {self.text.casefold()}
        return _same(_read(prediction), _plain(self.value))


def run(code: Callable[[], Any]) -> Outcome:
    """Run `code` once. Errors, prints and warnings are kept, to be shown with the answer."""
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        value, error = None, None
        try:
            value = code()
        except Exception as raised:  # an error is one of the answers a question can have
            error = raised
    warned = tuple(f"{item.category.__name__}: {item.message}" for item in caught)
    return Outcome(value, error, printed.getvalue(), warned)


def shown(value: Any) -> str:
    """A value in the form a learner would type: four digits, no `tensor(...)`."""
    plain = _plain(value)
    if isinstance(plain, list | tuple):
        inside = ", ".join(shown(item) for item in plain)
        return f"[{inside}]" if isinstance(plain, list) else f"({inside})"
    if isinstance(plain, float):
        return f"{plain:.4g}"
    return str(plain)


def same_text(prediction: str, other: str) -> bool:
    """Whether two typed predictions mean the same."""
    return _same(_read(prediction), _read(other))


def _plain(value: Any) -> Any:
    """Tensors as nested lists; everything else as it is."""
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value


def _read(text: str) -> Any:
    """The value a learner typed: a Python literal, a fraction, or words."""
    inner = re.sub(r"^tensor\((.*?)(, (dtype|grad_fn|requires_grad)=.*)?\)$", r"\1", text.strip())
    inner = _WORDS.get(inner.casefold(), inner).replace("−", "-")
    with contextlib.suppress(ValueError, SyntaxError):
        return ast.literal_eval(inner)
    with contextlib.suppress(ValueError, ZeroDivisionError):
        return float(Fraction(inner.replace(" ", "")))
    return inner


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=5e-4, abs_tol=1e-9) or one == other
    if isinstance(one, str) and isinstance(other, str):
        return _letters(one) == _letters(other)
    return bool(one == other)


def _letters(text: str) -> str:
    return re.sub(r"[\s'\"`]", "", text).casefold()
