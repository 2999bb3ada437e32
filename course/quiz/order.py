"""Lines of code to be put in order, where every order that works is accepted."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from course.quiz import page
from course.quiz.form import Form
from course.quiz.live import LiveQuestion
from course.quiz.outcome import Outcome
from course.quiz.outcome import run as run_once
from grader.notebook.record.store import Store, store


@dataclass(frozen=True)
class Order(LiveQuestion):
    """Named lines, and which must come before which, each with its reason.

    `lines` is written in one valid order. `gives` is an expression read when the lines have run.
    Each `turn` lays the lines out in another order.
    """

    question: str
    lines: Mapping[str, str]
    before: Mapping[tuple[str, str], str]
    gives: str
    setup: str = "import torch"
    id: str = ""
    turn: int = 0

    def __post_init__(self) -> None:
        unknown = {name for pair in self.before for name in pair} - set(self.lines)
        if unknown:
            raise ValueError(f"there is no line called {sorted(unknown)}")
        if self.broken(list(self.lines)) is not None:
            raise ValueError("write the lines in an order that works")
        error = self.outcome(list(self.lines)).error
        if error is not None:
            raise ValueError(f"the lines as written raise {error!r}")

    @property
    def right(self) -> str:
        """What the lines give in an order that works."""
        return self.outcome(list(self.lines)).text

    def broken(self, names: Sequence[str]) -> tuple[str, str] | None:
        """The first rule that an order breaks, or None."""
        place = {name: number for number, name in enumerate(names)}
        return next((pair for pair in self.before if place[pair[0]] > place[pair[1]]), None)

    def orders(self) -> Iterator[tuple[str, ...]]:
        """Every order of the lines, right or wrong."""
        return itertools.permutations(self.lines)

    def outcome(self, names: Sequence[str]) -> Outcome:
        """What the lines give in this order, run in a namespace of their own."""
        source = "\n".join([self.setup, *(self.lines[name] for name in names)])

        def execute() -> Any:
            namespace: dict[str, Any] = {}
            exec(source, namespace)
            return eval(self.gives, namespace)

        return run_once(execute)

    def shuffled(self) -> list[str]:
        """The lines in an order that depends on the question and turn alone, never a right one."""
        of = f"{self.id}{self.turn or ''}"
        keys = sorted(self.lines, key=lambda name: hashlib.sha256(f"{of}{name}".encode()).digest())
        return keys if self.broken(keys) is not None else keys[::-1]

    def reply(self, names: Sequence[str]) -> str:
        """What the learner reads after checking an order, as HTML."""
        pair = self.broken(names)
        outcome = self.outcome(names)
        if pair is None:
            told = f"This order works, and `{self.gives}` is `{outcome.text}`."
            return page.reply(True, told, announce=True)
        first, second = (self.lines[name] for name in pair)
        told = f"`{first}` has to come before `{second}`. {self.before[pair]}"
        return "<p>It gives</p>" + page.report(outcome) + page.reply(False, told, announce=True)

    def widget(self) -> Form:
        """The live form: press the lines in the order in which they should run."""
        asked = page.titled(
            "Put in order: press the lines one by one, a second time to take one out",
            page.prose(self.question),
        )
        lines = [self.lines[name] for name in self.shuffled()]
        return Form("lines", asked, partial(self._committed, store()), lines)

    def _committed(self, kept: Store, numbers: Any) -> str | None:
        shown = self.shuffled()
        if not isinstance(numbers, list) or sorted(map(str, numbers)) != sorted(
            map(str, range(len(shown)))
        ):
            return None
        names = [shown[int(number)] for number in numbers]
        said = "; ".join(self.lines[name] for name in names)
        return self.reply(names) + self.recorded(said, self.broken(names) is None, kept)

    def _repr_html_(self) -> str:
        lines = page.code("\n".join(self.lines[name] for name in self.shuffled()))
        reasons = [
            f"`{self.lines[first]}` before `{self.lines[second]}`: {why}"
            for (first, second), why in self.before.items()
        ]
        one = page.code("\n".join(self.lines.values()))
        told = page.reply(None, "One order that works:") + one + page.listing(reasons)
        answer = page.fold("An answer", told)
        return page.box("Put in order", page.prose(self.question) + lines + answer)

    def __repr__(self) -> str:
        return "\n".join([self.question, *(f"  {self.lines[name]}" for name in self.shuffled())])


def order(
    question: str,
    lines: Mapping[str, str],
    before: Mapping[tuple[str, str], str],
    *,
    gives: str,
) -> Order:
    """Ask for an order of `lines` (name to code, written in one order that works).

    `before` maps a pair of names to the reason why the first must come first; every order that
    keeps these rules is accepted. `gives` is the expression whose value the lines are for. Raises
    ValueError for an unknown name and for lines that break a rule or raise as written.
    """
    return Order(question, dict(lines), dict(before), gives)
