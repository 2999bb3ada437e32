"""A learner's own record: results and hints of exercises, answers to questions, what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from grader.diagnosis.verdict import Outcome, Verdict
from grader.notebook import review
from grader.notebook.store import Record, Store, store


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
        entry[kind] = max(verdict.credit, _number(entry, kind))
        _review(entry, verdict.outcome is Outcome.RIGHT, today)

    _change("exercises", verdict.exercise, edit)
    _tell()


def answered(question: str, said: str, right: bool, kept: Store | None = None) -> Answered:
    """Keep an answer to a question: the first one in words, of later ones whether one was right.

    `kept` is the record that it belongs to, if not to the present one.
    """

    def edit(entry: dict[str, Any], today: date) -> None:
        if _first(entry) is None:
            entry["first"] = {"said": said, "right": right, "on": today.isoformat()}
        entry["right"] = right or entry.get("right") is True
        entry["tries"] = _count(entry, "tries") + 1
        _review(entry, right, today)

    _change("questions", question, edit, kept)
    return answers(kept)[question]


def answers(kept: Store | None = None) -> dict[str, Answered]:
    """Every question that was answered, by id."""
    found = {}
    for name, entry in _entries("questions", kept):
        first = _first(entry)
        if first is not None:
            right = entry.get("right") is True
            tries = _count(entry, "tries")
            found[name] = Answered(first["said"], first["right"], right, tries)
    return found


def best() -> dict[str, float]:
    """The best credit of every exercise of which all cases were checked."""
    return {name: _number(e, "credit") for name, e in _entries("exercises") if _has(e, "credit")}


def best_on_visible_cases() -> dict[str, float]:
    """The best credit of every exercise that was checked where visible cases alone can be."""
    return {name: _number(e, "visible") for name, e in _entries("exercises") if _has(e, "visible")}


def has_passed(exercise: str) -> bool:
    """Whether the exercise was right once."""
    return best().get(exercise, 0.0) >= 1.0


def hints_read(exercise: str) -> int:
    """How many hints of the exercise were shown."""
    return _count(dict(_entries("exercises")).get(exercise, {}), "hints")


def next_hint(exercise: str, total: int) -> int:
    """The number of the hint to show now, counted from 1; the last one again when all were read."""

    def edit(entry: dict[str, Any], today: date) -> None:
        entry["hints"] = min(_count(entry, "hints") + 1, total)
        _review(entry, False, today)

    _change("exercises", exercise, edit)
    _tell()
    return hints_read(exercise)


def turns() -> dict[str, review.Turn]:
    """The reviews of exercises and questions, by id; a question's begins with `question:`."""
    found = {}
    for kind, prefix in (("exercises", ""), ("questions", QUESTION)):
        for name, entry in _entries(kind):
            turn = _turn(entry)
            if turn is not None:
                found[prefix + name] = turn
    return found


QUESTION = "question:"


def last() -> str | None:
    """What was answered last, an exercise or a question, named as in `turns`."""
    named = store().read().get("last")
    return named if isinstance(named, str) else None


def _change(
    kind: str,
    name: str,
    edit: Callable[[dict[str, Any], date], None],
    kept: Store | None = None,
) -> None:
    today = date.today()

    def change(record: Record) -> None:
        entries = record.get(kind)
        if not isinstance(entries, dict):
            entries = record[kind] = {}
        if not isinstance(entries.get(name), dict):
            entries[name] = {}
        edit(entries[name], today)
        record["last"] = name if kind == "exercises" else QUESTION + name

    (kept or store()).change(change)


def _tell() -> None:
    """Where a check or a hint is shown, say once what has become of the record."""
    for sentence in untold():
        print(sentence)


def _entries(kind: str, kept: Store | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """What stands in the record under a kind; the file may have been edited by hand."""
    entries = (kept or store()).read().get(kind)
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            yield name, entry


def _has(entry: dict[str, Any], key: str) -> bool:
    return isinstance(entry.get(key), int | float)


def _number(entry: dict[str, Any], key: str) -> float:
    return float(entry[key]) if _has(entry, key) else 0.0


def _count(entry: dict[str, Any], key: str) -> int:
    return int(_number(entry, key))


def _first(entry: dict[str, Any]) -> dict[str, Any] | None:
    first = entry.get("first")
    kinds = {"said": str, "right": bool}
    whole = isinstance(first, dict) and all(isinstance(first.get(k), t) for k, t in kinds.items())
    return first if whole else None


def _review(entry: dict[str, Any], right: bool, today: date) -> None:
    turn = review.after(_turn(entry), right, today)
    if turn is not None:
        days = {"due": turn.due, "seen": turn.seen}
        written = {name: day.isoformat() for name, day in days.items() if day is not None}
        entry["review"] = {"stage": turn.stage, **written}


def _turn(entry: dict[str, Any]) -> review.Turn | None:
    kept = entry.get("review")
    if not isinstance(kept, dict):
        return None
    try:
        due, seen = (
            date.fromisoformat(kept[name]) if name in kept else None for name in ("due", "seen")
        )
    except (TypeError, ValueError):
        return None
    return review.Turn(max(0, min(_count(kept, "stage"), len(review.DAYS))), due, seen)
