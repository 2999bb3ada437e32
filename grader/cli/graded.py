"""What `autograd-course grade` says once it is done: who was graded, and what needs a person."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from grader.judge.books.needs import Need
from grader.judge.intake.printable import printable, quote

if TYPE_CHECKING:
    from grader.judge.batch.desk import Desk
    from grader.judge.batch.pool import Line

_console = Console(highlight=False, soft_wrap=True)

_STATES = ("graded", "finished", "as before", "not run", "not graded")
_MOST_NAMED = 10
"""How many submissions are named that need a person for one and the same reason."""


@dataclass(frozen=True)
class Outcome:
    """What became of an assignment's submissions; `secret` is the version of its secret."""

    assignment: str
    secret: int
    lines: Sequence[Line]

    @property
    def needs(self) -> list[tuple[str, Need]]:
        """What needs a person, by student."""
        return [(line.student, need) for line in self._sorted() for need in line.needs]

    @property
    def counts(self) -> dict[str, int]:
        """How many submissions are in which state."""
        found = {state: sum(line.state == state for line in self.lines) for state in _STATES}
        return {state: count for state, count in found.items() if count}

    def _sorted(self) -> list[Line]:
        return sorted(self.lines, key=lambda line: line.student)


def print_json(outcome: Outcome) -> None:
    """The same for a program to read."""
    found: dict[str, Any] = {
        "assignment": outcome.assignment,
        "secret": outcome.secret,
        "counts": outcome.counts,
        "need_you": [{"student": name} | asdict(need) for name, need in outcome.needs],
        "submissions": [_as_plain(line) for line in outcome.lines],
    }
    print(json.dumps(found, indent=1))


def _as_plain(line: Line) -> dict[str, Any]:
    """A line; of what was graded before, no figure of this run's, which looked at none."""
    found = asdict(line)
    if line.state == "as before":
        found |= dict.fromkeys(("score", "points", "penalty", "late", "by_hand"))
    return found


def print_report(outcome: Outcome, desk: Desk, seconds: float) -> None:
    """A few lines for each submission that did not go by itself, and what is left to do."""
    for sentence in (*_about_each(outcome), *_summary(outcome, desk, seconds), *_needs(outcome)):
        _console.print(sentence)


def _about_each(outcome: Outcome) -> Iterator[str]:
    for line in sorted(outcome.lines, key=lambda line: line.student):
        told = [need.sentence for need in line.needs]
        happened = [one for one in line.incidents if not any(one in need for need in told)]
        if line.repairs or happened:
            late = " · late" if line.late else ""
            yield f"[bold]{_name(line.student)}[/] · {line.score:g} of {line.points:g}{late}"
            yield from (f"  put right: {escape(repair)}" for repair in line.repairs)
            yield from (f"  happened: {escape(incident)}" for incident in happened)


def _summary(outcome: Outcome, desk: Desk, seconds: float) -> Iterator[str]:
    parts = ", ".join(f"{count} {state}" for state, count in outcome.counts.items())
    yield f"[bold]{escape(outcome.assignment)}[/]: {parts}, in {seconds:.1f} s."
    new = [line for line in outcome.lines if line.state in ("graded", "finished")]
    if new:
        scores = sorted(line.score for line in new)
        whose = f"Scores of these {len(new)}" if len(new) < len(outcome.lines) else "Scores"
        yield (
            f"{whose} from {scores[0]:g} to {scores[-1]:g} of {new[0].points:g}, "
            f"median {statistics.median(scores):g}."
        )
    waiting = sum(line.by_hand for line in new)
    if waiting:
        whose = "submission holds an answer" if waiting == 1 else "submissions hold answers"
        it = "it" if waiting == 1 else "them"
        yield f"{waiting} {whose} that a person grades: nbgrader's formgrader shows {it}."
    if any(line.state != "not graded" for line in outcome.lines):
        from grader.judge.batch.handing_out import handing_out  # it loads nbgrader

        yield from map(escape, handing_out(desk, outcome.assignment))
    plain = sorted({name for line in outcome.lines for name in line.plain})
    if plain:
        yield (
            f"[yellow]Ran inside the box by nbgrader's own rule, where a submission can read and "
            f"forge them: {escape(', '.join(plain))}.[/]"
        )
    if any(line.isolation == "none" for line in outcome.lines):
        yield (
            "[yellow]Graded without isolation, as you asked: submissions ran with your rights. "
            "Every verdict says so.[/]"
        )


def _needs(outcome: Outcome) -> Iterator[str]:
    """The last lines: one for each thing that a person must see to, with everybody it is about."""
    by_need: dict[Need, list[str]] = defaultdict(list)
    for student, need in outcome.needs:
        by_need[need].append(student)
    if by_need:
        people = len({student for student, _ in outcome.needs})
        yield f"[bold red]{people} need{'s' if people == 1 else ''} you:[/]"
    for need, students in by_need.items():
        names = ", ".join(map(_name, students[:_MOST_NAMED]))
        left = len(students) - _MOST_NAMED
        more = f" and {left} more" if left > 0 else ""
        yield f"  [bold]{names}{more}[/] · {escape(printable(str(need)))}"


def _name(student: str) -> str:
    return escape(quote(student))
