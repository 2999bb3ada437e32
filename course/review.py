"""Asks again what did not go well: today's questions, and today's exercises from their start."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from IPython.display import display

from course.questions.catalogue import ask
from course.quiz import Question
from grader.notebook.folder import again
from grader.notebook.folder.contents import contents, workspace_above
from grader.notebook.folder.whereabouts import Step, whereabouts
from grader.notebook.notes import Text, note
from grader.notebook.progress import address, way_to
from grader.notebook.record import records


@dataclass(frozen=True)
class Review:
    """What is due on one day; a notebook shows it, question by question."""

    questions: tuple[tuple[Step, Question], ...]
    exercises: tuple[tuple[Step, str], ...]
    minutes: int
    day: date

    def __str__(self) -> str:
        asked = (f"{_where(step)}\n{question!r}" for step, question in self.questions)
        return "\n\n".join([self._said(), *asked, *self._lines()])

    __repr__ = __str__

    def _ipython_display_(self) -> None:
        display(Text(self._said(), note(self._said())))
        for step, question in self.questions:
            display(Text(_where(step), f"<p>From {html.escape(_where(step))}:</p>"))
            display(question)
        if self.exercises:
            items = "".join(f"<li>{_linked(step, link)}</li>" for step, link in self.exercises)
            page = f"<p>From their starting code:</p><ul>{items}</ul>"
            display(Text("\n".join(self._lines()), page))

    def _said(self) -> str:
        # Named, for a notebook that was saved shows this on another day too.
        day = f"{self.day.day} {self.day:%B}"
        if not self.minutes:
            return f"Nothing is due today, {day}. What goes wrong from now on comes back here."
        plural = "s" * (self.minutes != 1)
        takes = f"about {self.minutes} minute{plural}"
        return f"Due today, {day}: {takes}. What is right comes back later."

    def _lines(self) -> Iterator[str]:
        for step, link in self.exercises:
            yield f"{step.title}, {step.minutes} minutes: {link or 'clear your answer, then check'}"


def review() -> Review:
    """What is due today: at most ten minutes, what has waited longest first.

    Exercises are laid into the workspace's folder `review`, from their starting code; the answers
    you have stay where they are.
    """
    today, here = date.today(), Path.cwd()
    workspace = workspace_above(here)
    steps = whereabouts(workspace, today).review
    questions = tuple(
        (step, ask(step.name.removeprefix(records.QUESTION), fresh=today.toordinal()))
        for step in steps
        if _is_question(step)
    )
    chapter_of = {
        one.entry.id: chapter.name for chapter in contents(workspace) for one in chapter.exercises
    }
    exercises = []
    for step in (step for step in steps if not _is_question(step)):
        folder = workspace or here
        laid = again.lay(folder, chapter_of[step.name], step.name, today)
        exercises.append((step, _link(step, laid, folder, here)))
    return Review(questions, tuple(exercises), sum(step.minutes for step in steps), today)


def _is_question(step: Step) -> bool:
    return step.name.startswith(records.QUESTION)


def _where(step: Step) -> str:
    """The lesson that a question is from, and which of its questions it is."""
    return f"{step.title}, {step.said}"


def _link(step: Step, laid: PurePosixPath | None, folder: Path, here: Path) -> str:
    """The way to the notebook that was laid, else to where the exercise stands; "" for neither."""
    if laid is not None:
        return way_to(address(str(laid), ""), here, folder)
    return way_to(address(str(step.place), step.cell), here, folder) if step.place else ""


def _linked(step: Step, link: str) -> str:
    title = html.escape(step.title)
    named = f"<a href='{html.escape(link)}'>{title}</a>" if link else f"<b>{title}</b>"
    return f"{named}, {step.minutes} minutes"
