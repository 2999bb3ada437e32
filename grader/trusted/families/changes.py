"""Mistakes of an answer whose right form is a frozen dataclass: one field of it changed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from grader.trusted.families.pairs import Change
from grader.trusted.key import mistake


def each(
    answer: Callable[..., Any], changes: Mapping[str, tuple[Change, str]]
) -> tuple[Callable[..., Any], ...]:
    """A mistake for every change: `answer(change, *given)` is the exercise with it.

    `pairs.every_two` makes any two of the same changes at once.
    """
    return tuple(
        mistake(name, sentence, functools.partial(answer, change))
        for name, (change, sentence) in changes.items()
    )
