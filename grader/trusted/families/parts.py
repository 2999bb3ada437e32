"""Mistakes of answers in several parts: parts exchanged, and one part given for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from grader.trusted.key import mistake

Mistakes = tuple[Callable[..., Any], ...]


def exchanged_parts(reference: Callable[..., Sequence[Any]], *names: str) -> Mistakes:
    """Every two of the parts, each in the place of the other."""

    def exchanged(one: int, other: int) -> Callable[..., tuple[Any, ...]]:
        def wrong(*given: Any) -> tuple[Any, ...]:
            found = list(reference(*given))
            found[one], found[other] = found[other], found[one]
            return tuple(found)

        return wrong

    return tuple(
        mistake(
            f"{names[one]}_and_{names[other]}_exchanged",
            f"Your {names[one]} and {names[other]} are exchanged. Return them in the order "
            f"({', '.join(names)}).",
            exchanged(one, other),
        )
        for one, other in combinations(range(len(names)), 2)
    )
