"""A verdict: credit between 0 and 1, and what was found, in words."""

from __future__ import annotations

import enum
import html
from dataclasses import dataclass, field
from typing import Any, Protocol

from grader.diagnosis.messages import say


class Outcome(enum.Enum):
    """The four ways a check ends; they are never mixed."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_ATTEMPTED = "not attempted"
    COULD_NOT_CHECK = "could not check"


class CheckFailed(Exception):
    """Raised by a failed check under nbgrader, which reads an exception as zero points."""


class NothingToReplay(LookupError):
    """A verdict has no failing case whose inputs may be seen."""


@dataclass(frozen=True)
class Finding:
    """One thing found wrong: a stable code, a sentence, the case, and the numbers behind it."""

    code: str
    message: str
    case: str | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaseOutcome:
    """How one case ended. `meta` says that only the device was looked at: it is no draw."""

    name: str
    passed: bool
    visible: bool
    weight: float = 1.0
    meta: bool = False


class Replay(Protocol):
    """The failing case of an answer, to be looked at and run again by whoever wrote it."""

    note: str

    def inputs(self) -> dict[str, Any]:
        """Private copies of its inputs, by name."""
        ...

    def rerun(self) -> Any:
        """What the answer returns when it is called with them; its exceptions are its own."""
        ...


class Onward(Protocol):
    """What comes next for whoever reads a verdict: lines of text, and the same as a page."""

    @property
    def page(self) -> str:
        """As HTML."""
        ...

    @property
    def live(self) -> bool:
        """Whether there is something to press, and a kernel that answers."""
        ...

    def show(self, verdict: dict[str, str]) -> None:
        """Display the verdict, and below it what can be pressed."""
        ...


@dataclass(frozen=True, repr=False)
class Verdict:
    """The result of checking one exercise; displays itself in a notebook.

    `unchecked` counts the cases that could not be checked here and are the judge's; credit and
    outcome are then those of the visible ones. `notes` say what is right all the same; `row` is the
    text that the first wrong answer was asked about, where an exercise asks about several.
    """

    exercise: str
    outcome: Outcome
    credit: float = 0.0
    findings: tuple[Finding, ...] = ()
    cases: tuple[CaseOutcome, ...] = ()
    functions: tuple[str, ...] = ()
    printed: str = ""
    warned: tuple[str, ...] = field(default=())
    unchecked: int = 0
    notes: tuple[str, ...] = ()
    row: str = ""
    replay: Replay | None = field(default=None, compare=False)
    onward: Onward | None = field(default=None, compare=False)

    @property
    def passed(self) -> bool:
        """Whether every case that was checked passed."""
        return self.outcome is Outcome.RIGHT

    def inputs(self) -> dict[str, Any]:
        """Private copies of the inputs of the first case that fails, by name.

        Raises NothingToReplay after a pass, and where the inputs are not to be had.
        """
        return self._replay().inputs()

    def rerun(self) -> Any:
        """Call the answer with the inputs of the first case that fails, outside of the check.

        Returns what it returns, and raises what it raises. Raises NothingToReplay as `inputs`.
        """
        return self._replay().rerun()

    def _replay(self) -> Replay:
        if self.replay is None:
            code = "no_replay.passed" if self.passed else "no_replay"
            raise NothingToReplay(say(code))
        return self.replay

    @property
    def headline(self) -> str:
        """The outcome in one sentence."""
        names = " and ".join(self.functions) or self.exercise
        if self.unchecked and self.cases and self.outcome in (Outcome.RIGHT, Outcome.WRONG):
            return self._headline_on_visible_cases(names)
        drawn = [case for case in self.cases if not case.meta]
        count = f"all {len(drawn)} cases" if len(drawn) != 1 else "its one case"
        if self.outcome is Outcome.RIGHT:
            return say(self._by_number("right"), functions=names, count=count)
        if self.outcome is Outcome.WRONG:
            if not self.cases:
                return say("did_not_finish", functions=names)
            passed = sum(case.passed for case in drawn)
            if passed == len(drawn):
                return say(self._by_number("wrong.device"), functions=names, count=count)
            return say("wrong", passed=passed, total=len(drawn))
        if self.outcome is Outcome.NOT_ATTEMPTED:
            return say("not_attempted", functions=names)
        return say("could_not_check", exercise=self.exercise)

    def _headline_on_visible_cases(self, names: str) -> str:
        drawn = [case for case in self.cases if not case.meta]
        passed, here = sum(case.passed for case in drawn), len(drawn)
        if self.outcome is Outcome.WRONG and passed == here:
            return say(self._by_number("wrong.device"), functions=names, count=_visible(here))
        if self.outcome is Outcome.WRONG:
            code = "wrong.visible" if here > 1 else "wrong.visible.one"
            return say(code, passed=passed, total=here)
        code = self._by_number("right.visible")
        count = _visible(sum(case.visible for case in drawn))
        return say(code, functions=names, count=count, total=here + self.unchecked)

    def _by_number(self, code: str) -> str:
        """The code of the sentence about one function, or about several."""
        return f"{code}.several" if len(self.functions) > 1 else code

    def __str__(self) -> str:
        lines = [f"{_MARKS[self.outcome][0]} {self.headline}"]
        for finding in self.findings:
            lines += ["", finding.message]
            lines += [f"  {detail}" for detail in finding.details]
        lines += ["", *self._below()] if self._below() else []
        if self.passed:
            lines.append(f"  {self._checked()}")
        lines += [f"  warning: {text}" for text in self.warned]
        if self.printed:
            lines += ["  printed:", *(f"  | {line}" for line in self.printed.splitlines())]
        if self.onward is not None and str(self.onward):
            lines += ["", str(self.onward)]
        return "\n".join(lines)

    __repr__ = __str__

    def _checked(self) -> str:
        """The cases by name: as many as the headline counts, and the other device for itself."""
        names = "; ".join(case.name for case in self.cases if not case.meta)
        elsewhere = ". On another device it holds too." * any(case.meta for case in self.cases)
        return f"Checked: {names}{elsewhere}"

    def _below(self) -> list[str]:
        """What is said beneath the findings."""
        return [*self.notes, *([self.replay.note] if self.replay is not None else [])]

    def _ipython_display_(self) -> None:
        """Show the verdict, and what can be pressed below it where a kernel answers."""
        if self.onward is None or not self.onward.live:
            raise NotImplementedError  # by which IPython is told to show it as it shows anything
        self.onward.show({"text/plain": str(self), "text/html": self._repr_html_()})

    def _repr_html_(self) -> str:
        mark, colour = _MARKS[self.outcome]
        parts = [f"<strong>{mark} {html.escape(self.headline)}</strong>"]
        for finding in self.findings:
            parts.append(f"<p style='margin:.6em 0 .2em'>{_prose(finding.message)}</p>")
            if finding.details:
                rows = "\n".join(html.escape(detail) for detail in finding.details)
                parts.append(f"<pre style='{_NUMBERS}'>{rows}</pre>")
        parts += [f"<p style='margin:.4em 0'>{_prose(text)}</p>" for text in self._below()]
        if self.passed:
            parts.append(f"<p style='margin:.4em 0'>{html.escape(self._checked())}</p>")
        parts += [f"<p style='margin:.4em 0'>⚠ Warning: {_prose(text)}</p>" for text in self.warned]
        if self.printed:
            text = html.escape(self.printed)
            parts.append(f"<details><summary>What it printed</summary><pre>{text}</pre></details>")
        if self.onward is not None:
            parts.append(self.onward.page)
        return (
            f"<div role='status' class='autograd-verdict' data-outcome='{self.outcome.value}' "
            f"style='border-left:6px solid {colour};padding:.4em .8em;font-size:14px;"
            f"line-height:1.5;max-width:52em'>{''.join(parts)}</div>"
        )


def _visible(count: int) -> str:
    return f"all {count} visible cases" if count > 1 else "the visible case"


# JupyterLab would break a long line in the middle of a number.
_NUMBERS = "margin:.2em 0;white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"

_MARKS = {
    Outcome.RIGHT: ("✓", "#009E73"),
    Outcome.WRONG: ("✗", "#D55E00"),
    Outcome.NOT_ATTEMPTED: ("○", "#7F7F7F"),
    Outcome.COULD_NOT_CHECK: ("?", "#0072B2"),
}


def _prose(text: str) -> str:
    """Escape a sentence, with `code` between backticks set as code."""
    pieces = html.escape(text).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))
