"""The learner's record as a table: what was right so far."""

from __future__ import annotations

from grader.diagnosis.messages import say
from grader.engine.outline import outline
from grader.notebook import records
from grader.notebook.notes import Text, note


def progress() -> Text:
    """The best credit so far of every exercise."""
    best, visible = records.best(), records.best_on_visible_cases()
    lines, rows = [], []
    exercises = outline()
    for chapter in dict.fromkeys(task.chapter for task in exercises):
        own = [task for task in exercises if task.chapter == chapter]
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
    caveat = say("progress.visible") if visible else ""
    page = f"<table>{''.join(rows)}</table>" + (note(caveat) if caveat else "")
    return Text("\n".join([*lines, *([caveat] if caveat else [])]), page)


_CELL = "text-align:left;padding:.1em 1.2em .1em 0"


def _state(credit: float | None, on_visible_cases: float | None) -> str:
    if credit is None and on_visible_cases is None:
        return "○ not attempted"
    if credit is not None and credit >= 1:
        return "✓ right"
    if on_visible_cases is not None and on_visible_cases >= 1:
        return "✓ visible cases right"
    return f"✗ wrong so far ({max(credit or 0.0, on_visible_cases or 0.0):.0%})"
