"""The same question with other numbers, for another time that it is asked."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from course.quiz.choice import Choice
from course.quiz.order import Order
from course.quiz.predict import Predict

_Asked = TypeVar("_Asked", bound=Choice | Order | Predict)

_TRIES = 8
_WHOLE = range(2, 10)  # 0 and 1 would hide a path, or a factor that was forgotten


def lesson_numbers(make: Callable[..., Any], pools: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The parameters of `make` with their defaults, which are the numbers of the lesson.

    Raises ValueError for a pool of no parameter, and for what is drawn from no pool and is no
    number.
    """
    lessons = {name: one.default for name, one in inspect.signature(make).parameters.items()}
    if unknown := pools.keys() - lessons.keys():
        raise ValueError(f"{make.__name__} has no parameter called {sorted(unknown)}")
    free = [name for name in lessons if name not in pools]
    if odd := [name for name in free if type(lessons[name]) not in (int, float)]:
        raise ValueError(f"{make.__name__} needs a pool for {odd}: their defaults are no numbers")
    if len(free) > len(_WHOLE):
        raise ValueError(f"{make.__name__} has more than {len(_WHOLE)} numbers without a pool")
    return lessons


def redrawn(
    make: Callable[..., _Asked],
    pools: Mapping[str, Sequence[Any]],
    asked: _Asked,
    number: int,
) -> _Asked:
    """The question that `make` makes of other numbers than `asked` has, drawn by `number`.

    A parameter of `make` is drawn from its pool, or else is a whole number from 2 to 9, different
    from all others without a pool. Numbers are drawn again where a mistake would be right, where
    two mistakes would be one, and, as long as there are tries, where the right answer is the same.
    Returns `asked` where no numbers will do.
    """
    draw = random.Random(f"{make.__name__} {number}")
    lessons = lesson_numbers(make, pools)
    found = asked
    for _ in range(_TRIES if lessons else 0):
        numbers = _drawn(lessons, pools, draw)
        if numbers == lessons:
            continue
        try:
            again = make(**numbers)
        except ValueError:
            continue
        if len(_told(again)) != len(_told(asked)):
            continue
        if again.right != asked.right:
            return again
        found = again
    return found


def _drawn(
    lessons: Mapping[str, Any], pools: Mapping[str, Sequence[Any]], draw: random.Random
) -> dict[str, Any]:
    free = [name for name in lessons if name not in pools]
    whole = zip(free, draw.sample(_WHOLE, len(free)), strict=True)
    numbers = {name: type(lessons[name])(value) for name, value in whole}
    return numbers | {name: draw.choice(list(pool)) for name, pool in pools.items()}


def _told(asked: Choice | Order | Predict) -> Mapping[str, str]:
    """What is explained apart from the rest: two of one text would be one."""
    if isinstance(asked, Predict):
        return asked.beliefs
    return asked.options if isinstance(asked, Choice) else asked.lines
