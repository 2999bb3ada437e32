"""A learner's own record: results and hints of exercises, answers to questions, what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from grader.diagnosis.verdict import Outcome, Verdict
from grader.notebook.record import review
from grader.notebook.record.store import Record, Store, store


@dataclass(frozen=True)
class Answered:
    """What is known of one question: the first answer, and whether any was right."""

    first: str
    first_right: bool
    right: bool
    tries: int


def path() -> Path:
    """Where the record is kept; AUTOGRAD_COURSE_DATA names another folder."""
    return store().path


def untold() -> list[str]:
    """What the learner has to be told of the record's file; each sentence once in a process."""
    return store().untold()


def remember(verdict: Verdict) -> None:
    """Keep the best credit of an exercise that was attempted, and when it is to come back.

    Credit for the visible cases alone is kept apart: it does not say that the answer is right.
    """
    if verdict.outcome not in (Outcome.RIGHT, Outcome.WRONG):
        return
    kind = "visible" if verdict.unchecked else "credit"

    def edit(entry: dict[str, Any], today: date) -> None:
        entry[kind] = max(verdict.credit, entry.get(kind, 0.0))
        _review(entry, verdict.outcome is Outcome.RIGHT, today)

    _change("exercises", verdict.exercise, edit)
    _tell()


def answered(question: str, said: str, right: bool, kept: Store | None = None) -> Answered:
    """Keep an answer to a question: the first one in words, of later ones whether one was right.

    `kept` is the record that it belongs to, if not to the present one.
    """

    def edit(entry: dict[str, Any], today: date) -> None:
        if "first" not in entry:
            entry["first"] = {"said": said, "right": right, "on": today.isoformat()}
        entry["right"] = right or entry.get("right", False)
        entry["tries"] = entry.get("tries", 0) + 1
        _review(entry, right, today)

    _change("questions", question, edit, kept)
    return answers(kept)[question]


def answers(kept: Store | None = None) -> dict[str, Answered]:
    """Every question that was answered, by id."""
    return {
        name: Answered(
            first["said"], first["right"], entry.get("right", False), entry.get("tries", 0)
        )
        for name, entry in _entries("questions", kept).items()
        if (first := entry.get("first"))
    }


def best() -> dict[str, float]:
    """The best credit of every exercise of which all cases were checked."""
    return _credits("credit")


def best_on_visible_cases() -> dict[str, float]:
    """The best credit of every exercise that was checked where visible cases alone can be."""
    return _credits("visible")


def has_passed(exercise: str) -> bool:
    """Whether the exercise was right once."""
    return best().get(exercise, 0.0) >= 1.0


def hints_read(exercise: str) -> int:
    """How many hints of the exercise were shown."""
    return int(_entries("exercises").get(exercise, {}).get("hints", 0))


def next_hint(exercise: str, total: int) -> int:
    """The number of the hint to show now, counted from 1; the last one again when all were read."""

    def edit(entry: dict[str, Any], today: date) -> None:
        entry["hints"] = min(entry.get("hints", 0) + 1, total)
        _review(entry, False, today)

    _change("exercises", exercise, edit)
    _tell()
    return hints_read(exercise)


def turns() -> dict[str, review.Turn]:
    """The reviews of exercises and questions, by id; a question's begins with `question:`."""
    found = {}
    for kind, prefix in (("exercises", ""), ("questions", QUESTION)):
        for name, entry in _entries(kind).items():
            turn = _turn(entry)
            if turn is not None:
                found[prefix + name] = turn
    return found


QUESTION = "question:"


def last() -> str | None:
    """What was answered last apart from a review, an exercise or a question as `turns` names it."""
    named: str | None = store().read().get("last")
    return named


def _change(
    kind: str,
    name: str,
    edit: Callable[[dict[str, Any], date], None],
    kept: Store | None = None,
) -> None:
    today = date.today()

    def change(record: Record) -> None:
        entry = record.setdefault(kind, {}).setdefault(name, {})
        edit(entry, today)
        turn = _turn(entry)
        # A review leads back to what was learned long ago: the learner still is where they were.
        if "last" not in record or turn is None or turn.seen != today:
            record["last"] = name if kind == "exercises" else QUESTION + name

    (kept or store()).change(change)


def _tell() -> None:
    """Where a check or a hint is shown, say once what has become of the record."""
    for sentence in untold():
        print(sentence)


def _entries(kind: str, kept: Store | None = None) -> Mapping[str, dict[str, Any]]:
    """What stands in the record under a kind, by name."""
    entries: Mapping[str, dict[str, Any]] = (kept or store()).read().get(kind, {})
    return entries


def _credits(kind: str) -> dict[str, float]:
    return {n: float(e[kind]) for n, e in _entries("exercises").items() if kind in e}


def _review(entry: dict[str, Any], right: bool, today: date) -> None:
    turn = review.after(_turn(entry), right, today)
    if turn is not None:
        days = {"due": turn.due, "seen": turn.seen}
        written = {name: day.isoformat() for name, day in days.items() if day is not None}
        entry["review"] = {"stage": turn.stage, **written}


def _turn(entry: dict[str, Any]) -> review.Turn | None:
    kept = entry.get("review")
    if kept is None:
        return None
    due, seen = (
        date.fromisoformat(kept[name]) if name in kept else None for name in ("due", "seen")
    )
    return review.Turn(min(kept["stage"], len(review.DAYS)), due, seen)
