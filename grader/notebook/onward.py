"""What comes after a verdict: the section to read, the next exercise, what to call or press."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.diagnosis.messages import say
from grader.diagnosis.verdict import Outcome, Verdict
from grader.engine.task import Task
from grader.notebook import buttons
from grader.notebook.record import records
from grader.notebook.texts import links, places, way
from grader.notebook.texts.reading import Line, section
from grader.notebook.texts.solutions import has_solutions


@dataclass(frozen=True)
class Onward:
    """The lines below a verdict, and the names of the buttons that belong to it."""

    exercise: str
    lines: tuple[Line, ...]
    buttons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))

    @property
    def page(self) -> str:
        """The lines as HTML paragraphs."""
        return "".join(f"<p style='margin:.4em 0'>{line.page}</p>" for line in self.lines)

    @property
    def live(self) -> bool:
        """Whether there is something to press, and a kernel that answers."""
        return bool(self.buttons) and buttons.wanted()

    def show(self, verdict: dict[str, str]) -> None:
        """Display the verdict, and below it what can be pressed."""
        buttons.show(verdict, self.exercise, self.buttons)


def after(verdict: Verdict, task: Task) -> Onward:
    """What comes after this verdict."""
    solved = has_solutions(task.chapter)
    if verdict.outcome is Outcome.RIGHT:
        lines = [*_next(task), *([Line(say("onward.others"))] if solved else [])]
        return Onward(task.id, tuple(lines), ("solutions",) if solved else ())
    if verdict.outcome is Outcome.COULD_NOT_CHECK:
        return Onward(task.id, ())
    help_ = say("onward.help" if solved else "onward.hint")
    buttons = ("hint", "solution") if solved else ("hint",)
    return Onward(task.id, (*section(task), Line(help_)), buttons)


def _next(task: Task) -> Sequence[Line]:
    """The next exercise of the chapter that is not right yet, else the next lesson."""
    own = [entry for entry in links.known().values() if entry.chapter == task.chapter]
    best, visible = records.best(), records.best_on_visible_cases()
    at = next((i for i, entry in enumerate(own) if entry.id == task.id), len(own))
    for entry in own[at + 1 :] + own[:at]:
        if max(best.get(entry.id, 0.0), visible.get(entry.id, 0.0)) < 1.0:
            shelves = (places.exercises(entry.chapter), places.fetched(entry.chapter))
            name = f"{own.index(entry) + 1}. {entry.title}"
            return [Line(say("onward.next"), name, shelves, links.to_exercise(entry.id))]
    lesson = way.of_course().after(task.chapter)
    said = Line(say("onward.chapter"))
    if lesson is None:
        return [said]
    return [said, Line(say("onward.lesson"), lesson.title, (places.lesson(lesson.name),))]
