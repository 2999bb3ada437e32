"""Every two mistakes of one formula, made at once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, is_dataclass, replace
from itertools import combinations
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Pair, called_like

Change = Any
"""An instance of a frozen dataclass whose defaults are the right formula."""


class NotAPair(Exception):
    """Two mistakes change the same thing, or one of them does not go by the formula."""


def every_two(
    answer: Callable[..., Any], changes: Mapping[str, tuple[Change, str]]
) -> Iterator[Pair]:
    """The pairs of changes that touch different fields of the formula.

    `answer(change, *given)` is the exercise with a change of the formula.
    """
    for (name, (one, first)), (other_name, (other, second)) in combinations(changes.items(), 2):
        both = _merged(one, other, type(one)())
        if both is not None:
            yield Pair(f"{name}+{other_name}", first, second, _with(answer, both))


def _with(answer: Callable[..., Any], change: Change) -> Callable[..., Any]:
    return lambda *given: answer(change, *given)


def _merged(one: Change, other: Change, right: Change) -> Change | None:
    """Both changes in one, or None where they touch the same field."""
    changed = {
        f.name: getattr(other, f.name) for f in fields(right) if _differ(f.name, other, right)
    }
    clash = any(_differ(name, one, right) for name in changed)
    return None if clash else replace(one, **changed)


def _differ(name: str, change: Change, right: Change) -> bool:
    return not _is_same(getattr(change, name), getattr(right, name))


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return (
            one.shape == other.shape
            and one.requires_grad == other.requires_grad
            and torch.equal(one, other)
        )
    if isinstance(one, FunctionType) and isinstance(other, FunctionType):
        return one is other or (one.__code__ is other.__code__ and _held(one) == _held(other))
    plain = isinstance(one, bool | int | float | str | tuple | dict)
    return one is other or (plain and type(one) is type(other) and bool(one == other))


Call = inspect.BoundArguments
"""How a formula is called: all its arguments by name, defaults included."""

Taker = Callable[[Callable[..., Any], Call], Any]


def _held(function: FunctionType) -> list[Any]:
    """What a function made inside another one took from there: numbers by value, all else by
    identity."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return [value if isinstance(value, int | float) else id(value) for value in cells]


_TAKER: ContextVar[Taker | None] = ContextVar("taker", default=None)
"""Who takes the next call of a formula instead of it."""


def formula(right: Callable[..., Any]) -> Callable[..., Any]:
    """Above a function that is right as it stands, and that mistakes call with something changed.

    Two of them can then be made at once, by `of_formula`.
    """
    signature = inspect.signature(right)

    @functools.wraps(right)
    def called(*args: Any, **named: Any) -> Any:
        taker = _TAKER.get()
        if taker is None:
            return right(*args, **named)
        call = signature.bind(*args, **named)
        call.apply_defaults()
        return taker(right, call)

    return called


@contextmanager
def _taken_by(taker: Taker | None) -> Iterator[None]:
    token = _TAKER.set(taker)
    try:
        yield
    finally:
        _TAKER.reset(token)


def of_formula(right: Callable[..., Any], *mistakes: Callable[..., Any]) -> Iterator[Pair]:
    """Every two of some mistakes that change different arguments of one formula.

    `right` calls the formula as it stands, with the arguments of the exercise.
    """
    for one, other in combinations(mistakes, 2):
        said = [" ".join((wrong.__doc__ or "").split()) for wrong in (one, other)]
        both = _both(right, called_like(right, one), called_like(right, other))
        yield Pair(f"{one.__name__}+{other.__name__}", said[0], said[1], both)


def _both(
    right: Callable[..., Any], one: Callable[..., Any], other: Callable[..., Any]
) -> Callable[..., Any]:
    """`one`, whose formula is `other`: what either does before and after stays around it."""

    def wrong(*given: Any) -> Any:
        calls: list[Call] = []

        def noted(_: Callable[..., Any], call: Call) -> None:
            calls.append(call)

        def by_other(_: Callable[..., Any], call: Call) -> Any:
            calls.append(call)
            with _taken_by(by_both):
                return other(*given)

        def by_both(formula_itself: Callable[..., Any], call: Call) -> Any:
            calls.append(call)
            call.arguments = _all_changed(*calls)
            with _taken_by(None):
                return formula_itself(*call.args, **call.kwargs)

        with _taken_by(noted):
            right(*given)
        with _taken_by(by_other):
            result = one(*given)
        if len(calls) != 3:
            raise NotAPair("a mistake calls the formula once")
        return result

    return wrong


def _all_changed(right: Call, one: Call, other: Call) -> dict[str, Any]:
    """The arguments with what either changes. Raises NotAPair where both change the same."""
    merged = dict(right.arguments)
    for name, value in right.arguments.items():
        changed = [
            call.arguments[name]
            for call in (one, other)
            if not _is_same(call.arguments[name], value)
        ]
        both = None
        if len(changed) == 2 and is_dataclass(value):
            both = _merged(changed[0], changed[1], value)
        if len(changed) == 2 and both is None:
            raise NotAPair(f"both change {name}")
        merged[name] = both if both is not None else changed[0] if changed else value
    return merged
