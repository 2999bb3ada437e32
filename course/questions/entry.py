"""How a chapter's module writes down a question, which is made when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

from course.quiz import Choice, Order, Question
from course.quiz.fresh import lesson_numbers, redrawn


@dataclass(frozen=True)
class Entry:
    """A question that nobody has asked yet: its id, and the function that makes it.

    The parameters of `make` are the numbers of the question, with those of the lesson as defaults;
    `pools` holds what else some of them may be.
    """

    id: str
    make: Callable[..., Question]
    pools: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lesson_numbers(self.make, self.pools)  # raises where they could not be drawn

    def ask(self, fresh: int | None = None) -> Question:
        """The question, made anew: its code runs. An error of making it names the question.

        A number `fresh` draws other numbers and another order of options or lines.
        """
        try:
            made = self.make()
        except Exception as error:
            error.add_note(f"This is the question {self.id!r} of {self.make.__module__}.")
            raise
        if fresh is not None:
            made = _reordered(redrawn(self.make, self.pools, made, fresh), fresh)
        return replace(made, id=self.id)


def _reordered(asked: Question, number: int) -> Question:
    if isinstance(asked, Choice):
        return asked.in_another_order(number)
    return replace(asked, turn=number) if isinstance(asked, Order) else asked


@overload
def question(make: Callable[..., Question], /) -> Entry: ...
@overload
def question(**pools: Sequence[Any]) -> Callable[[Callable[..., Question]], Entry]: ...
def question(
    make: Callable[..., Question] | None = None, /, **pools: Sequence[Any]
) -> Entry | Callable[[Callable[..., Question]], Entry]:
    """Mark a function that makes a question; `two_paths` makes the question "two-paths".

    The function's parameters are the question's numbers, and their defaults are those of the
    lesson. Everything is written in terms of them: program, text, beliefs and reasons. When the
    question is asked another time, each is a whole number from 2 to 9, unless a pool names what it
    may be: `@question(lr=(0.25, 0.5))`. Raises ValueError for a pool of no parameter, and for a
    parameter without pool and number.

    What the function's programs use beyond torch, they import themselves: a program is shown to
    the learner, who may copy it.
    """

    def entry(make: Callable[..., Question]) -> Entry:
        return Entry(make.__name__.replace("_", "-"), make, pools)

    return entry(make) if make is not None else entry
