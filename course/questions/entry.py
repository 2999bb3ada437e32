"""How a chapter's module writes down a question, which is made when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from course.quiz import Choice, Predict, Question


@dataclass(frozen=True)
class Entry:
    """A question that nobody has asked yet: its id, and the function that makes it."""

    id: str
    make: Callable[[], Question]

    def ask(self, fresh: int | None = None) -> Question:
        """The question, made anew: its code runs. An error of making it names the question.

        With a number, it is asked in another way where it can be: see `anew`.
        """
        try:
            made = self.make()
        except Exception as error:
            error.add_note(f"This is the question {self.id!r} of {self.make.__module__}.")
            raise
        asked = replace(made, id=self.id)
        return asked if fresh is None else anew(asked, fresh)


def anew(asked: Question, number: int) -> Question:
    """A question asked another time: with fresh numbers, or its options in another order."""
    if isinstance(asked, Choice):
        return asked.in_another_order(number)
    if isinstance(asked, Predict):
        return asked.with_fresh_numbers(number)
    return replace(asked, turn=number)


def question(make: Callable[[], Question]) -> Entry:
    """Mark a function that makes a question; `two_paths` makes the question "two-paths".

    What the function's programs use beyond torch, they import themselves: a program is shown to
    the learner, who may copy it.
    """
    return Entry(make.__name__.replace("_", "-"), make)
