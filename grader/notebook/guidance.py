"""What a notebook calls between checks: the next hint, a model solution."""

from __future__ import annotations

import html

from grader.engine.catalogue import find
from grader.notebook import records
from grader.notebook.notes import Text, note
from grader.notebook.solutions import solution_source


def hint(exercise: str, number: int | None = None) -> Text:
    """The next hint of an exercise, or hint `number` (counted from 1)."""
    task = find(exercise)
    total = len(task.hints)
    at = records.next_hint(task.id, total) if number is None else max(1, min(number, total))
    text = f"Hint {at} of {total}: {task.hints[at - 1]}"
    return Text(text, note(text))


def solution(exercise: str, *, reveal: bool = False) -> Text:
    """A model solution, once every hint was read or the exercise passed, or with reveal=True."""
    task = find(exercise)
    if not (
        reveal or records.has_passed(task.id) or records.hints_read(task.id) >= len(task.hints)
    ):
        text = (
            f"There are hints left: hint({task.id!r}). To see the solution all the same, call "
            f"solution({task.id!r}, reveal=True)."
        )
        return Text(text, note(text))
    source = solution_source(task.chapter, task.id)
    if source is None:
        text = "The solutions are not installed here. Ask your instructor."
        return Text(text, note(text))
    return Text(source, f"<pre>{html.escape(source)}</pre>")
