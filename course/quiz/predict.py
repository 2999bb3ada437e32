"""A prediction the learner commits to before the real code's real output is shown."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

from course.quiz import page
from course.quiz.form import Form
from course.quiz.live import LiveQuestion
from course.quiz.outcome import Outcome, same_text
from course.quiz.outcome import run as run_once
from course.quiz.program import body, written
from grader.notebook.record.store import Store, store


@dataclass(frozen=True)
class Predict(LiveQuestion):
    """A question about what some code gives, with the outcome of having run it."""

    question: str
    source: str
    outcome: Outcome
    why: str
    beliefs: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    def __post_init__(self) -> None:
        if not self.why.strip():
            raise ValueError("say why the code gives what it gives")
        right = [belief for belief in self.beliefs if self.outcome.agrees(belief)]
        if right:
            raise ValueError(f"{right} is called a mistake, but it is right")
        for one, other in combinations(self.beliefs, 2):
            if same_text(one, other) and self.beliefs[one] != self.beliefs[other]:
                raise ValueError(f"{one!r} and {other!r} are one mistake with two replies")

    @property
    def right(self) -> str:
        """The right answer, as a learner would write it."""
        return self.outcome.text

    def reply(self, prediction: str) -> str:
        """What the learner reads after committing to a prediction, as HTML."""
        right = self.outcome.agrees(prediction)
        said = f"You predicted `{prediction.strip()}`."
        beliefs = [text for belief, text in self.beliefs.items() if same_text(prediction, belief)]
        verdict = said if right or not beliefs else f"{said} {beliefs[0]}"
        return (
            "<p>It gives</p>"
            + page.report(self.outcome)
            + page.reply(right, f"{verdict}\n\n{self.why}", announce=True)
        )

    def widget(self) -> Form:
        """The live form: a text field, a button, and the answer once a prediction is in."""
        return Form(
            "text", page.titled("Predict", self._asked()), partial(self._committed, store())
        )

    def _committed(self, kept: Store, prediction: Any) -> str | None:
        if not isinstance(prediction, str) or not prediction.strip():
            return None
        right = self.outcome.agrees(prediction)
        return self.reply(prediction) + self.recorded(prediction.strip(), right, kept)

    def _asked(self) -> str:
        return page.prose(self.question) + page.code(self.source)

    def _repr_html_(self) -> str:
        common = [f"If you said `{belief}`: {text}" for belief, text in self.beliefs.items()]
        told = page.report(self.outcome) + page.reply(None, self.why) + page.listing(common)
        folded = page.fold("Commit to a prediction, then open: what it gives", told)
        return page.box("Predict", self._asked() + folded)

    def __repr__(self) -> str:
        return "\n".join([self.question, textwrap.indent(self.source, "    ")]).rstrip()


def predict(
    question: str,
    run: Callable[[], Any],
    *,
    why: str,
    beliefs: Mapping[str, str] | None = None,
) -> Predict:
    """Ask what `run` returns (or raises), and show it once the learner has committed.

    The body of a `def` is shown with the question, the numbers of the question written in; a
    lambda's is not. `beliefs` maps typical wrong predictions to a reply of their own. `run` is run
    once, when the question is made: it must not touch the notebook's variables. Raises ValueError
    for an empty `why`, for a belief that turns out to be right, for two that are one, and for a
    program that takes more than numbers from the function around it.
    """
    if run.__name__ == "<lambda>":
        return Predict(question, "", run_once(run), why, dict(beliefs or {}))
    source, program = written(run)
    return Predict(question, body(source), run_once(program), why, dict(beliefs or {}))
