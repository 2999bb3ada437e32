"""Mistakes of loops: a loop that ends too early, and what it leaves of the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from grader.trusted.key import mistake

Mistakes = tuple[Callable[..., Any], ...]


def first_of_list(reference: Callable[..., Any], what: str, cure: str = "") -> Mistakes:
    """The list with its first entry alone: `return` or `break` stands inside the loop."""

    def first_only(*given: Any) -> list[Any]:
        return list(reference(*given))[:1]

    sentence = (
        f"You returned the first {what} and no other. Look for a `return` or a `break` inside the "
        f"loop: it ends the loop in its first round. {cure}"
    )
    return (mistake("first_only", sentence, first_only),)


def first_of_rows(reference: Callable[..., Any], what: str) -> Mistakes:
    """A tensor whose first entry along the first dimension is right, and the others are missing
    or 0."""

    def first_only(*given: Any) -> torch.Tensor:
        found: torch.Tensor = reference(*given)
        return found[:1]

    def others_zero(*given: Any) -> torch.Tensor:
        found: torch.Tensor = reference(*given)
        return torch.cat([found[:1], torch.zeros_like(found[1:])])

    ends = "Look for a `return` or a `break` inside the loop: it ends the loop in its first round."
    kept = "Or did you take .grad off itself? Kept without a clone, it is one tensor all the time."
    return (
        mistake("first_only", f"You returned the first {what} and no other. {ends}", first_only),
        mistake(
            "others_zero",
            f"Your first {what} is right, and all others are 0. {ends} {kept}",
            others_zero,
        ),
    )
