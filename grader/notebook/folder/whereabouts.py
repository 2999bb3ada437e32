"""Where a learner is: how far every lesson and exercise, what comes next, what comes back."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from grader.notebook.folder.contents import Chapter, Exercise, Lesson, contents
from grader.notebook.record import records, review


class State(enum.Enum):
    """How far something is, as a sign that stands before the words."""

    DONE = "✓"
    BEGUN = "◐"
    WRONG = "✗"
    OPEN = "○"


@dataclass(frozen=True)
class Step:
    """A lesson or an exercise: its title, its state in words, and where it stands.

    `place` is None for what is not in the workspace; `cell` is the cell to go to, "" for the top.
    """

    name: str
    title: str
    state: State
    said: str
    place: PurePosixPath | None
    cell: str = ""
    minutes: int = 0
    points: int = 0


@dataclass(frozen=True)
class Part:
    """A chapter: its lessons and then its exercises."""

    title: str
    lessons: tuple[Step, ...]
    exercises: tuple[Step, ...]
    earned: float
    points: int


@dataclass(frozen=True)
class Whereabouts:
    """All of it. `here` is what was worked on last, `next` what to go on with."""

    parts: tuple[Part, ...]
    here: Step | None
    next: Step | None
    review: tuple[Step, ...]
    only_visible: bool

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every lesson and exercise, in the order of the course."""
        return tuple(step for part in self.parts for step in (*part.lessons, *part.exercises))


def whereabouts(workspace: Path | None, today: date) -> Whereabouts:
    """How far whoever runs this process is in the course."""
    chapters = contents(workspace)
    known = _Known.read()
    parts = tuple(_part(chapter, known) for chapter in chapters)
    found = Whereabouts(parts, None, None, _review(chapters, known, today), bool(known.visible))
    here = _here(chapters, found.steps)
    return Whereabouts(parts, here, _next(found.steps, here), found.review, found.only_visible)


def minutes_of(chapters: tuple[Chapter, ...]) -> dict[str, int]:
    """What may come back, by its name in the record, and how long it takes."""
    questions = {
        records.QUESTION + question: review.QUESTION_MINUTES
        for chapter in chapters
        for lesson in chapter.lessons
        for question, _ in lesson.questions
    }
    exercises = (one.entry for chapter in chapters for one in chapter.exercises)
    return questions | {entry.id: entry.minutes for entry in exercises}


@dataclass(frozen=True)
class _Known:
    """The record, read once for all steps."""

    answers: Mapping[str, records.Answered]
    best: Mapping[str, float]
    visible: Mapping[str, float]

    @classmethod
    def read(cls) -> _Known:
        return cls(records.answers(), records.best(), records.best_on_visible_cases())


def _part(chapter: Chapter, known: _Known) -> Part:
    lessons = tuple(_lesson(lesson, known) for lesson in chapter.lessons)
    exercises = tuple(_exercise(one, known) for one in chapter.exercises)
    entries = [one.entry for one in chapter.exercises]
    earned = sum(
        entry.points * max(known.best.get(entry.id, 0.0), known.visible.get(entry.id, 0.0))
        for entry in entries
    )
    title = chapter.lessons[0].title if chapter.lessons else chapter.name
    return Part(title, lessons, exercises, earned, sum(entry.points for entry in entries))


def _lesson(lesson: Lesson, known: _Known) -> Step:
    open_at = [cell for question, cell in lesson.questions if question not in known.answers]
    asked = len(lesson.questions)
    answered = asked - len(open_at)
    said = f"{answered} of {asked} question{'s' * (asked != 1)} answered" if asked else "to read"
    state = State.OPEN if not answered else State.BEGUN if open_at else State.DONE
    cell = open_at[0] if open_at and answered else ""
    return Step(lesson.name, lesson.title, state, said, lesson.place, cell)


def _exercise(exercise: Exercise, known: _Known) -> Step:
    entry = exercise.entry
    state, said = state_of(known.best.get(entry.id), known.visible.get(entry.id))
    title = f"{exercise.number}. {entry.title}"
    place, cell = exercise.place, exercise.cell
    return Step(entry.id, title, state, said, place, cell, entry.minutes, entry.points)


def state_of(credit: float | None, on_visible_cases: float | None) -> tuple[State, str]:
    """How far an exercise is by its best credit, and the words for it."""
    if credit is None and on_visible_cases is None:
        return State.OPEN, "not attempted"
    if credit is not None and credit >= 1:
        return State.DONE, "right"
    if on_visible_cases is not None and on_visible_cases >= 1:
        return State.DONE, "visible cases right"
    return State.WRONG, f"wrong so far ({max(credit or 0.0, on_visible_cases or 0.0):.0%})"


def _here(chapters: tuple[Chapter, ...], steps: tuple[Step, ...]) -> Step | None:
    """The step of what was answered last."""
    last = records.last()
    if last is None:
        return None
    if last.startswith(records.QUESTION):
        lessons = (lesson for chapter in chapters for lesson in chapter.lessons)
        question = last.removeprefix(records.QUESTION)
        asks = (one.name for one in lessons if question in dict(one.questions))
        last = next(asks, "")
    return next((step for step in steps if step.name == last), None)


def _next(steps: tuple[Step, ...], here: Step | None) -> Step | None:
    """The first step that is not done and is here: from where the learner is, then from before."""
    at = steps.index(here) if here else 0
    in_turn = (*steps[at:], *steps[:at])
    to_do = (s for s in in_turn if s.place is not None and s.state is not State.DONE)
    return next((step for step in to_do if step.said != "to read" or step is not here), None)


def _review(chapters: tuple[Chapter, ...], known: _Known, today: date) -> tuple[Step, ...]:
    minutes = minutes_of(chapters)
    steps = dict(_reviewed(chapters, known))
    return tuple(steps[name] for name in review.due(records.turns(), minutes, today))


def _reviewed(chapters: tuple[Chapter, ...], known: _Known) -> Iterator[tuple[str, Step]]:
    """What can come back, by its name in the record, as the step that it is shown as."""
    for chapter in chapters:
        for lesson in chapter.lessons:
            for number, (question, cell) in enumerate(lesson.questions, 1):
                said, name = f"question {number}", records.QUESTION + question
                minutes = review.QUESTION_MINUTES
                yield (
                    name,
                    Step(name, lesson.title, State.OPEN, said, lesson.place, cell, minutes),
                )
        for one in chapter.exercises:
            step = _exercise(one, known)
            minutes = min(step.minutes, review.MINUTES)
            yield (
                step.name,
                Step(step.name, step.title, step.state, step.said, step.place, step.cell, minutes),
            )
