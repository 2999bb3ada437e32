"""One exercise under proof, with everything it is made of, each part read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import nbformat
import torch

from grader.authoring.trials import Trials
from grader.engine.task import Task
from grader.notebook.texts import notebooks
from grader.notebook.texts.cells import BEGIN, END, source_of
from grader.trusted.catalogue import right_answers
from grader.trusted.key import Key, key_of


class Subject:
    """One exercise of the course in a folder; `once` is what Trials says."""

    def __init__(
        self, task: Task, course: Path, device: str = "cpu", *, once: bool = False
    ) -> None:
        self.task, self.course, self.device, self.once = task, course, device, once

    @property
    def place(self) -> str:
        """The module its task stands in."""
        return type(self.task).__module__

    @property
    def package(self) -> str:
        """The package of its chapter, in `grader.tasks` and in `grader.keys`."""
        return self.place.split(".")[2]

    @cached_property
    def key(self) -> type[Key]:
        """Its trusted half. Raises NoKey."""
        return key_of(self.task)

    @cached_property
    def trials(self) -> Trials:
        """Answers to it, tried."""
        return Trials(self.task, self.key, self.device, once=self.once)

    @cached_property
    def chapter_text(self) -> Path:
        """The text of its chapter's solutions."""
        return self.course / "solutions" / self.task.chapter / f"{self.task.chapter}.md"

    @cached_property
    def solution(self) -> Any:
        """The chapter's notebook with solutions. Raises BrokenText."""
        text = self.chapter_text
        return _read(text, text.stat().st_mtime_ns)

    @cached_property
    def release(self) -> Any:
        """The chapter's notebook as it is handed out."""
        name = self.task.chapter
        return nbformat.read(self.course / "exercises" / name / f"{name}.ipynb", as_version=4)

    @cached_property
    def hidden_lines(self) -> list[str]:
        """The lines of the solution that a learner does not get."""
        source = cell_of(self.solution, f"{self.task.id}_answer")
        inside = source.partition(BEGIN)[2].partition(END)[0]
        return [line.strip() for line in inside.splitlines() if line.strip()]

    def right_answers(self) -> list[tuple[Callable[..., Any], ...]]:
        """Other right answers to it, beside its key."""
        return list(right_answers(self.package)[self.task.id])


@lru_cache(maxsize=32)
def _read(text: Path, written: int) -> Any:
    """A chapter's solutions, read once for all exercises of it until they are written anew."""
    return notebooks.read(text)


def cell_of(notebook: Any, grade_id: str) -> str:
    """The source of the cell of that grade_id. Raises LookupError."""
    source = source_of(notebook, grade_id)
    if source is None:
        raise LookupError(f"no cell has the grade_id {grade_id!r}")
    return source


def defined(task: Task, source: str) -> list[Any]:
    """The functions that a cell's source defines, as `check` takes them."""
    namespace: dict[str, Any] = {"torch": torch}
    exec(compile(source, f"<{task.id}>", "exec"), namespace)
    return [namespace[name] for name in task.functions]
