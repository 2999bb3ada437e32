"""What a notebook calls between checks: the next hint, a model solution."""

from __future__ import annotations

import html

from grader.diagnosis.messages import say
from grader.engine.catalogue import UnknownExercise, find
from grader.engine.task import Task
from grader.notebook.coloured import coloured
from grader.notebook.notes import Text, note
from grader.notebook.record import records
from grader.notebook.texts.reading import section
from grader.notebook.texts.solutions import other_answers, solution_source

_last: list[str] = []  # the exercise that was checked last, if any was: `hint()` is about it


def checked(exercise: str) -> None:
    """Remember which exercise `hint()` and `solution()` are about."""
    _last[:] = [exercise]


def hint(exercise: str | None = None, number: int | None = None) -> Text:
    """The next hint of an exercise, or hint `number` (counted from 1).

    Without an exercise it is about the one that was checked last.
    """
    task = _asked(exercise, "hint")
    if isinstance(task, Text):
        return task
    total = len(task.hints)
    at = records.next_hint(task.id, total) if number is None else max(1, min(number, total))
    lines = [f"Hint {at} of {total}: {task.hints[at - 1]}"]
    if at == total:
        solved = solution_source(task.chapter, task.id) is not None
        lines.append(say("hint.last" if solved else "hint.last.unsolved", exercise=task.id))
    below = list(section(task))
    page = "<br>".join(map(html.escape, lines)) + "".join(f"<br>{line.page}" for line in below)
    return Text("\n".join([*lines, *map(str, below)]), note("", page))


def solution(exercise: str | None = None, *, reveal: bool = False) -> Text:
    """A model solution, once every hint was read or the exercise passed, or with reveal=True.

    Without an exercise it is about the one that was checked last.
    """
    task = _asked(exercise, "solution")
    if isinstance(task, Text):
        return task
    source = solution_source(task.chapter, task.id)
    if source is None:
        return _said(say("solution.elsewhere"))
    if not reveal and hints_left(task.id):
        return _said(say("solution.hints_left", exercise=task.id))
    return _solutions(task, source)


def hints_left(exercise: str) -> bool:
    """Whether hints of an exercise that was never right are unread."""
    task = find(exercise)
    unread = records.hints_read(task.id) < len(task.hints)
    return unread and not records.has_passed(task.id)


def _solutions(task: Task, source: str) -> Text:
    others = other_answers(task.id)
    told = say("solution.one")
    text, page = f"{told}\n\n{source}", f"<p>{html.escape(told)}</p>{coloured(source)}"
    if others:
        also = (
            say("solution.others", count=len(others)) if len(others) > 1 else say("solution.other")
        )
        text += "".join(
            f"\n\n{also}\n\n{one}" if one is others[0] else f"\n\n{one}" for one in others
        )
        page += f"<details><summary>{html.escape(also)}</summary>{''.join(map(coloured, others))}"
        page += "</details>"
    for line in section(task):
        text, page = f"{text}\n\n{line}", f"{page}<p>{line.page}</p>"
    return Text(text, page)


def _asked(exercise: str | None, call: str) -> Task | Text:
    """The task that is meant, or what to say where none can be."""
    if exercise is None and not _last:
        return _said(say("guidance.nothing_checked", call=call))
    try:
        return find(_last[0] if exercise is None else exercise)
    except UnknownExercise as error:
        return _said(str(error))


def _said(text: str) -> Text:
    return Text(text, note(text))
