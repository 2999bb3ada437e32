"""A learner's own record: the best credit and the hints read of each exercise."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from grader.diagnosis.verdict import Outcome, Verdict
from grader.notebook import files


def path() -> Path:
    """Where the record is kept; AUTOGRAD_COURSE_DATA names another folder."""
    folder = os.environ.get("AUTOGRAD_COURSE_DATA")
    if folder:
        return Path(folder) / "progress.json"
    from platformdirs import user_data_path

    return user_data_path("autograd-course") / "progress.json"


def remember(verdict: Verdict) -> None:
    """Keep the best credit of an exercise that was attempted.

    Credit for the visible cases alone is kept apart: it does not say that the answer is right.
    """
    if verdict.outcome in (Outcome.RIGHT, Outcome.WRONG):
        kind = "visible" if verdict.unchecked else "credit"
        entry = _load()
        record = entry.setdefault(verdict.exercise, {})
        if verdict.credit > record.get(kind, -1.0):
            record[kind] = verdict.credit
            _save(entry)


def best() -> dict[str, float]:
    """The best credit of every exercise of which all cases were checked."""
    return {name: record["credit"] for name, record in _load().items() if "credit" in record}


def best_on_visible_cases() -> dict[str, float]:
    """The best credit of every exercise that was checked where visible cases alone can be."""
    return {name: record["visible"] for name, record in _load().items() if "visible" in record}


def has_passed(exercise: str) -> bool:
    """Whether the exercise was right once."""
    return best().get(exercise, 0.0) >= 1.0


def hints_read(exercise: str) -> int:
    """How many hints of the exercise were shown."""
    return int(_load().get(exercise, {}).get("hints", 0))


def next_hint(exercise: str, total: int) -> int:
    """The number of the hint to show now, counted from 1; the last one again when all were read."""
    entries = _load()
    record = entries.setdefault(exercise, {})
    record["hints"] = min(int(record.get("hints", 0)) + 1, total)
    _save(entries)
    return int(record["hints"])


def _load() -> dict[str, dict[str, Any]]:
    try:
        loaded = json.loads(path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(loaded, dict):
        return {}
    return {name: _checked(record) for name, record in loaded.items() if isinstance(record, dict)}


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    """The entries of a record that are what they should be: the file may have been edited."""
    kinds = {"credit": int | float, "visible": int | float, "hints": int}
    return {k: v for k, v in record.items() if k not in kinds or isinstance(v, kinds[k])}


def _save(entries: dict[str, dict[str, Any]]) -> None:
    content = json.dumps(entries, indent=1, sort_keys=True).encode()
    # A record that cannot be written (a read-only home) must not cost anybody a check.
    with contextlib.suppress(OSError):
        files.write(path(), content, 0o600)
