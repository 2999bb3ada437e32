"""A question with options, each of which explains itself when it is opened."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from course.quiz import page
from course.quiz.form import Form
from course.quiz.live import LiveQuestion
from course.quiz.outcome import Outcome
from course.quiz.outcome import run as run_once
from grader.notebook.record.store import Store, store

_KIND = "Choose: open an option to see what it means"


@dataclass(frozen=True)
class Choice(LiveQuestion):
    """A question, its options with their explanations, and the option that is right.

    Each is a disclosure of plain HTML: it works by keyboard, after the notebook is closed and
    opened again, and on a page without a kernel. Where one runs, the first option opened is the
    answer.
    """

    question: str
    options: Mapping[str, str]
    answer: str
    outcome: Outcome | None = None
    id: str = ""

    def __post_init__(self) -> None:
        if self.answer not in self.options:
            raise ValueError(
                f"{self.answer!r} is right but not among the options {list(self.options)}"
            )
        bare = [option for option, why in self.options.items() if not why.strip()]
        if bare:
            raise ValueError(f"no explanation for {bare}")

    @property
    def right(self) -> str:
        """The text of the right option."""
        return self.answer

    def widget(self) -> Form:
        """The live form: the same options, of which the first one opened is recorded."""
        return Form("options", page.titled(_KIND, self._asked()), partial(self._committed, store()))

    def _committed(self, kept: Store, number: Any) -> str | None:
        options = list(self.options)
        if not isinstance(number, int) or not 0 <= number < len(options):
            return None
        return self.recorded(options[number], options[number] == self.answer, kept)

    def in_another_order(self, number: int) -> Choice:
        """The same question with its options shuffled, the same way for the same number."""
        options = list(self.options.items())
        random.Random(number).shuffle(options)
        return replace(self, options=dict(options))

    def _repr_html_(self) -> str:
        return page.box(_KIND, self._asked())

    def _asked(self) -> str:
        body = "".join(self._option(text, why) for text, why in self.options.items())
        return page.prose(self.question) + body

    def _option(self, text: str, why: str) -> str:
        right = text == self.answer
        proof = ""
        if right and self.outcome is not None and (self.outcome.error or self.outcome.warned):
            proof = page.report(self.outcome)
        return page.fold(text, page.reply(right, why) + proof)

    def __repr__(self) -> str:
        lines = [self.question, *(f"  ( ) {option}" for option in self.options)]
        return "\n".join(lines)


def choice(
    question: str,
    options: Mapping[str, str],
    *,
    run: Callable[[], Any] | None = None,
    answer: str | None = None,
) -> Choice:
    """Ask a question with options, each mapped to its explanation.

    `run` computes the right option: it returns its text, or a value whose short form is its text
    (`5`, `None`, `[2, 4]`; an error counts as its type's name). `answer` names it where there is
    nothing to run. Raises ValueError if the right option is missing, an explanation is empty, or
    `run` and `answer` disagree.
    """
    outcome = run_once(run) if run else None
    right = outcome.text if outcome else answer
    if right is None:
        raise ValueError("a choice needs run= or answer=")
    if answer is not None and answer != right:
        raise ValueError(f"answer={answer!r}, but the code gives {right!r}")
    return Choice(question, dict(options), right, outcome)
