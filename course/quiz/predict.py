"""A prediction the learner commits to before the real code's real output is shown."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ipywidgets

from course.quiz import page
from course.quiz.live import LiveQuestion
from course.quiz.outcome import Outcome, same_text
from course.quiz.outcome import run as run_once


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

    def widget(self) -> ipywidgets.Box:
        """The live form: a text field, a button, and the answer once a prediction is in."""
        entry = ipywidgets.Text(
            placeholder="your prediction", layout=ipywidgets.Layout(width="18em")
        )
        button = ipywidgets.Button(description="Commit and run")
        answer = ipywidgets.HTML()
        committed = ""

        def commit(*_: Any) -> None:
            # Nothing is disabled afterwards: a disabled control drops the keyboard's focus.
            nonlocal committed
            if committed:
                entry.value = committed
            elif entry.value.strip():
                committed = entry.value
                button.description = "Committed"
                answer.value = self.reply(committed)
            else:
                answer.value = page.reply(None, "Write a prediction first.", announce=True)

        button.on_click(commit)
        entry.on_msg(lambda _, message, __: commit() if message.get("event") == "submit" else None)
        bar = ipywidgets.HBox([entry, button]).add_class("cq-bar")
        asked = ipywidgets.HTML(page.titled("Predict", self._asked()))
        return ipywidgets.VBox([asked, bar, answer]).add_class(page.FRAME)

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

    The body of a `def` is shown with the question; a lambda's is not. `beliefs` maps typical wrong
    predictions to a reply of their own. `run` is run once, when the question is made: it must not
    touch the notebook's variables. Raises ValueError for an empty `why` and for a belief that
    turns out to be right.
    """
    return Predict(question, _body(run), run_once(run), why, dict(beliefs or {}))


def _body(function: Callable[[], Any]) -> str:
    """The lines inside a function, its final `return x` shown as `x`; nothing for a lambda."""
    if function.__name__ == "<lambda>":
        return ""
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.FunctionDef)
    lines = source.splitlines()
    last = definition.body[-1]
    if isinstance(last, ast.Return) and last.value is not None:
        row = last.lineno - 1
        lines[row] = lines[row].replace("return ", "", 1)
    return textwrap.dedent("\n".join(lines[definition.body[0].lineno - 1 : last.end_lineno]))
