"""A learner's text, made safe to print: a terminal must not obey what is in it."""

from __future__ import annotations

_LONGEST_QUOTE = 80


def printable(text: str, *, lines: bool = False) -> str:
    """The text on one line, or with its `lines` kept: what does not show becomes a visible sign."""
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else "�" for c in text)


def quote(text: str) -> str:
    """The beginning of a text, short enough to stand in a sentence."""
    plain = printable(text[: _LONGEST_QUOTE + 1])
    return plain if len(plain) <= _LONGEST_QUOTE else plain[: _LONGEST_QUOTE - 1] + "…"
