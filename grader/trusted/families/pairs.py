"""Every two mistakes of one formula, made at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from itertools import combinations
from typing import Any

from grader.trusted.key import Pair

Change = Any
"""An instance of a frozen dataclass whose defaults are the right formula."""


def every_two(
    answer: Callable[..., Any], changes: Mapping[str, tuple[Change, str]]
) -> Iterator[Pair]:
    """The pairs of changes that touch different fields of the formula.

    `answer(change, *given)` is the exercise with a change of the formula.
    """
    for (name, (one, first)), (other_name, (other, second)) in combinations(changes.items(), 2):
        if _changed(one).isdisjoint(_changed(other)):
            both = replace(one, **{name: getattr(other, name) for name in _changed(other)})
            yield Pair(f"{name}+{other_name}", first, second, _with(answer, both))


def _changed(change: Change) -> set[str]:
    return {one.name for one in fields(change) if getattr(change, one.name) != one.default}


def _with(answer: Callable[..., Any], change: Change) -> Callable[..., Any]:
    return lambda *given: answer(change, *given)
