"""A lesson's real errors: raised by running code, shown with their meaning and their cure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from IPython.display import display

from course.quiz import page
from grader.errors import Explained, explain_error

_TERMINAL_STYLE = re.compile(r"\x1b\[[\d;]*m")
"""What makes a terminal write bold or in colour; a page shows it as stray characters."""


@dataclass(frozen=True)
class ShownError:
    """The last line of a traceback, and what it means if it is one of autograd's own errors."""

    type_name: str
    message: str
    known: Explained | None = None

    @property
    def explanation(self) -> tuple[tuple[str, str], ...]:
        """What it means and how to cure it; empty for an error that autograd does not raise."""
        known = self.known
        return (("What it means", known.meaning), ("Cure", known.cure)) if known else ()

    def __repr__(self) -> str:
        lines = [f"{self.type_name}: {self.message}"]
        return "\n".join(lines + [f"{title}: {text}" for title, text in self.explanation])

    def _repr_html_(self) -> str:
        told = "".join(
            f"<p><strong>{title}.</strong> {html.escape(text)}</p>"
            for title, text in self.explanation
        )
        last_line = page.code(f"{self.type_name}: {self.message}")
        return page.box(
            "The last line of the traceback",
            f"<div class='cq-reply cq-wrong'>{last_line}</div>{told}",
        )


@contextmanager
def shows_error(kind: type[Exception], saying: str) -> Iterator[None]:
    """Run code that raises `kind`, and display the error instead of stopping the notebook.

    saying: words that the error's text has to hold; of its type alone another error is one too.
    Raises AssertionError if the code does not raise, or raises something else than that.
    """
    try:
        yield
    except kind as error:
        message = _TERMINAL_STYLE.sub("", str(error))
        if saying not in message:
            raise AssertionError(f"this was to say {saying!r}, and said: {message}") from error
        display(ShownError(type(error).__name__, message, explain_error(error)))
        return
    raise AssertionError(f"this was to raise {kind.__name__}, and did not")
