"""Messages of the course that a notebook displays and a terminal prints."""

from __future__ import annotations

import html


class Text:
    """A message that displays itself in a notebook and prints as plain text."""

    def __init__(self, text: str, page: str) -> None:
        self.text, self.page = text, page

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.page


def note(text: str, page: str = "") -> str:
    """A text as a page's remark; a `page` is HTML already."""
    return (
        "<div style='border-left:6px solid #56B4E9;padding:.4em .8em;max-width:52em'>"
        f"{page or html.escape(text)}</div>"
    )
