"""`explain`: the last error, an error, or the text of one, in the words of this course."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from grader.errors import Explained, explain_error, explain_text, shown

MOST_TEXT = 120
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")
_NOTHING = (
    "There is no error to explain. Call explain() after one was raised, or give it the error "
    "(explain(error)) or the text of one or of a warning (explain('...'))."
)
_UNKNOWN = (
    "This is none of autograd's well-known errors, so there is nothing to say beyond its own text."
)


@dataclass(frozen=True)
class Answer:
    """What an error means here, as text and as HTML."""

    text: str
    """The last line of the traceback, or what was asked."""
    explained: Explained | None
    otherwise: str = _UNKNOWN

    def __str__(self) -> str:
        head = f"{self.text}\n" if self.text else ""
        return head + str(self.explained or self.otherwise)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if self.explained is not None:
            return self.explained._repr_html_()
        return shown.box("", [shown.paragraph("", self.otherwise)])


def explain(error: BaseException | str | Warning | None = None) -> Answer:
    """What an error means and how to cure it: the last one, an error, or a text.

    A text may be a whole traceback, its last line, or one of torch's warnings. Without an error
    the answer says so.
    """
    if isinstance(error, str):
        found = explain_text(error)
        return Answer("", Explained.of(found) if found is not None else None)
    if isinstance(error, type) and issubclass(error, BaseException):
        error = error()
    error = last_error() if error is None else error
    if not isinstance(error, BaseException):
        return Answer("", None, _NOTHING)
    return Answer(_line(error), explain_error(error))


def last_error() -> BaseException | None:
    """The error that is being handled, or that ended the last cell or command, if one did."""
    return sys.exc_info()[1] or getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)


def _line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()] or [""]
    lines = [_TERMINAL.sub("", line) for line in lines]
    text = lines[-1] if "Original Traceback" in lines[0] + "".join(lines[1:2]) else lines[0]
    text = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
