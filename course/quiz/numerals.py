"""Small numbers in words."""

from __future__ import annotations

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def in_words(number: float) -> str:
    """`eight` for 8, up to ten; a larger number in figures."""
    whole = int(number)
    return _WORDS[whole] if 0 <= whole < len(_WORDS) else str(whole)
