"""A learner's text, made safe to print: neither a terminal nor a page must obey what is in it."""

from __future__ import annotations

import re

_LONGEST_QUOTE = 80
# What obeys instead of being shown: controls, and what turns the direction of a line around.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """The text as it can stand on a page or in a table: what only acts becomes a visible sign."""
    return _OBEYED.sub("�", text)


def printable(text: str, *, lines: bool = False) -> str:
    """The text on one line, or with its `lines` kept: what does not show becomes a visible sign."""
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else "�" for c in text)


def quote_name(name: str) -> str:
    """A name as `quote` gives it, in quotation marks where spaces at its ends would not be seen."""
    return f'"{quote(name)}"' if name != name.strip(" ") else quote(name)


def quote(text: str) -> str:
    """The beginning of a text, short enough to stand in a sentence."""
    plain = printable(text[: _LONGEST_QUOTE + 1])
    return plain if len(plain) <= _LONGEST_QUOTE else plain[: _LONGEST_QUOTE - 1] + "…"
