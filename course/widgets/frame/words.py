"""Words that several pictures put together: lists in a sentence, names too long for a box."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 28
"""How many characters a box of a picture has room for."""


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def clipped(content: str, most: int = LONGEST) -> str:
    """``content``, its middle left out where it is longer than ``most`` characters."""
    if len(content) <= most:
        return content
    return content[: most // 2] + "…" + content[len(content) - most // 2 + 1 :]
