"""The parts of an exercise: which of them are missing, and what to write for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.engine.catalogue import Chapter, chapters, written
from grader.engine.refusal import Refusal
from grader.engine.task import Task
from grader.notebook.texts import notebooks
from grader.notebook.texts.cells import BEGIN, END, grade_id
from grader.notebook.texts.sections import Section, sections
from grader.trusted.catalogue import keys, right_answers


class PartsMissing(Refusal):
    """An exercise is half made."""


@dataclass(frozen=True)
class Missing:
    """A part that an exercise lacks (`"key"`), and what to do about it."""

    exercise: str
    part: str
    cure: str

    def __str__(self) -> str:
        return f"{self.exercise} has no {self.part}. {self.cure}"


def require(course: Path) -> None:
    """Raises PartsMissing, which lists every missing part of every exercise of the course."""
    found = missing(course)
    if found:
        raise PartsMissing(
            f"{len(found)} part{'s' * (len(found) > 1)} missing, so nothing was released.",
            "\n".join(map(str, found)),
        )


def missing(course: Path, exercise: str | None = None) -> list[Missing]:
    """Every part that the exercises of the course lack, or that one of them does, by chapter.

    Of a checkout every exercise is asked about of which any part is there. A class's folder holds
    the texts alone, and releases the sections that they hold: those are asked about. A section of
    the long form, which holds nbgrader's metadata itself, is taken as it stands. Raises BrokenText
    and BrokenOrder.
    """
    lacking = [one for chapter in chapters() for one in _Parts(course, chapter).lacking()]
    return [one for one in lacking if exercise in (None, one.exercise)]


class _Parts:
    """What is there of the exercises of one chapter, wherever it is written."""

    def __init__(self, course: Path, chapter: Chapter) -> None:
        self.chapter = chapter
        self.place = f"solutions/{chapter.name}/{chapter.name}.md"
        self.is_checkout = (course / "grader" / "tasks").is_dir()
        self.tasks = {name: t for name, t in written().items() if t.chapter == chapter.name}
        home = f"grader.keys.{chapter.package}."
        self.keys = {name: key for name, key in keys().items() if key.__module__.startswith(home)}
        self.answers = right_answers(chapter.package)
        self.known = [*chapter.exercises, *self.tasks, *self.keys, *self.answers]
        text = course / self.place
        cells = notebooks.as_it_stands(text).cells if text.exists() else []
        self.long = set(map(grade_id, cells))
        short = (one for one in sections(cells, self.known) if not one.is_marked)
        self.sections = {one.heading: one for one in short if self._is_exercise(one.heading)}

    def _is_exercise(self, heading: str) -> bool:
        """Whether a heading is an exercise's id; in a checkout, one that nothing else knows too."""
        looks_like_one = heading.isidentifier() and heading == heading.lower()
        return heading in self.known or (self.is_checkout and looks_like_one)

    def lacking(self) -> Iterator[Missing]:
        asked = dict.fromkeys([*(self.known if self.is_checkout else ()), *self.sections])
        for name in asked:
            yield from self._of_task(name)
            yield from self._of_key(name)
            if name not in self.long:
                yield from self._of_text(name, self.sections.get(name))
        if self.is_checkout:
            yield from self._out_of_place()

    def _of_task(self, name: str) -> Iterator[Missing]:
        task, folder = self.tasks.get(name), f"grader/tasks/{self.chapter.package}"
        if task is None:
            yield Missing(
                name, "task", f"Write a class with id = {name!r} in a module of {folder}."
            )
        else:
            yield from _of_class(name, task)
        if name not in self.chapter.exercises:
            yield Missing(name, "place in its chapter's list", f"Add it to {self.chapter.place}.")

    def _of_key(self, name: str) -> Iterator[Missing]:
        task, key = self.tasks.get(name), self.keys.get(name)
        folder = f"grader/keys/{self.chapter.package}"
        if task is None and key is None:
            yield Missing(
                name, "key", f"Write a class (Key, task={name!r}) in a module of {folder}."
            )
        elif task is not None and (key is None or _file(key) != _keys_file(task)):
            yield Missing(name, "key", f"Write a class (Key, task={name!r}) in {_keys_file(task)}.")
        if not self.answers.get(name):
            cure = f"Add one to ANSWERS in {folder}/right_answers.py."
            yield Missing(name, "other right answers", cure)

    def _of_text(self, name: str, section: Section | None) -> Iterator[Missing]:
        if section is None:
            yield Missing(
                name, "section", f"Write one in {self.place}, under the line `## {name}`."
            )
            return
        where = f"under `## {name}` in {self.place}"
        if not section.statement:
            yield Missing(name, "statement", f"Say {where} what the learner is asked.")
        if not section.answers:
            yield Missing(name, "solution cell", f"Write one {where}.")
        elif len(section.answers) > 1:
            yield Missing(name, "single solution cell", f"Leave one of the code cells {where}.")
        elif not _has_region(section.answers[0]["source"]):
            yield Missing(name, "marks around its answer", f"Write {BEGIN} and {END} {where}.")

    def _out_of_place(self) -> Iterator[Missing]:
        there = [name for name in self.sections if name in self.chapter.exercises]
        meant = sorted(there, key=self.chapter.exercises.index)
        for name, instead in zip(meant, there, strict=True):
            if name != instead:
                cure = f"{self.place} has {instead!r} there: move its section, or change the list."
                yield Missing(name, f"section where {self.chapter.place} lists it", cure)
                return


def _of_class(name: str, task: Task) -> Iterator[Missing]:
    where = _file(type(task))
    for field in ("title", "points", "difficulty", "minutes", "signatures", "hints"):
        if not hasattr(task, field):
            yield Missing(name, field, f"Write {field} = ... in its class in {where}.")
    if not task.CASES and type(task).cases is Task.cases:
        yield Missing(name, "CASES", f"Write CASES = (case(...), ...) in its class in {where}.")
    if type(task).draw is Task.draw:
        yield Missing(name, "method draw", f"Write it in its class in {where}.")


def _has_region(source: str) -> bool:
    begin, end = source.find(BEGIN), source.find(END)
    return 0 <= begin < end


def _file(kind: type) -> str:
    return kind.__module__.replace(".", "/") + ".py"


def _keys_file(task: Task) -> str:
    """Where `key_of` looks for a task's key."""
    return _file(type(task)).replace("grader/tasks/", "grader/keys/", 1)
