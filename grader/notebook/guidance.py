"""What a notebook calls between checks: the next hint, a model solution, the learner's record."""

from __future__ import annotations

import html

from grader.diagnosis.messages import say
from grader.engine.catalogue import find, tasks
from grader.notebook import records
from grader.notebook.solutions import solution_source


class Text:
    """A message that displays itself in a notebook and prints as plain text."""

    def __init__(self, text: str, page: str) -> None:
        self.text, self.page = text, page

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.page


def hint(exercise: str, number: int | None = None) -> Text:
    """The next hint of an exercise, or hint `number` (counted from 1)."""
    task = find(exercise)
    total = len(task.hints)
    at = records.next_hint(task.id, total) if number is None else max(1, min(number, total))
    text = f"Hint {at} of {total}: {task.hints[at - 1]}"
    return Text(text, _note(text))


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
        return Text(text, _note(text))
    source = solution_source(task.chapter, task.id)
    if source is None:
        text = "The solutions are not installed here. Ask your instructor."
        return Text(text, _note(text))
    return Text(source, f"<pre>{html.escape(source)}</pre>")


def progress() -> Text:
    """The best credit so far of every exercise."""
    best, visible = records.best(), records.best_on_visible_cases()
    lines, rows = [], []
    for chapter in dict.fromkeys(task.chapter for task in tasks().values()):
        own = [task for task in tasks().values() if task.chapter == chapter]
        earned = sum(
            task.points * max(best.get(task.id, 0.0), visible.get(task.id, 0.0)) for task in own
        )
        total = sum(task.points for task in own)
        lines.append(f"{chapter}: {earned:g} of {total} points")
        rows.append(f"<tr><th colspan='3' style='text-align:left'>{lines[-1]}</th></tr>")
        for task in own:
            state = _state(best.get(task.id), visible.get(task.id))
            lines.append(f"  {state:<22} {task.id} ({task.points})")
            cells = (f"<td style='{_CELL}'>{entry}</td>" for entry in (state, task.title, task.id))
            rows.append(f"<tr>{''.join(cells)}</tr>")
    note = say("progress.visible") if visible else ""
    page = f"<table>{''.join(rows)}</table>" + (_note(note) if note else "")
    return Text("\n".join([*lines, *([note] if note else [])]), page)


_CELL = "text-align:left;padding:.1em 1.2em .1em 0"


def _state(credit: float | None, on_visible_cases: float | None) -> str:
    if credit is None and on_visible_cases is None:
        return "○ not attempted"
    if credit is not None and credit >= 1:
        return "✓ right"
    if on_visible_cases is not None and on_visible_cases >= 1:
        return "✓ visible cases right"
    return f"✗ wrong so far ({max(credit or 0.0, on_visible_cases or 0.0):.0%})"


def _note(text: str) -> str:
    return (
        "<div style='border-left:6px solid #56B4E9;padding:.4em .8em;max-width:52em'>"
        f"{html.escape(text)}</div>"
    )
