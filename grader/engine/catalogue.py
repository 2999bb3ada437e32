"""The exercises of the course: what is public of each, and how one is found by its id."""

from __future__ import annotations

import difflib
import functools
import importlib
import os
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import torch

from grader.engine.refusal import Refusal
from grader.engine.task import Task
from grader.engine.text import type_name

PUBLIC_SEED = "autograd-course"
"""The seed of the cases that a learner's own notebook checks."""


class UnknownExercise(KeyError):
    """There is no exercise of that id; the text names the nearest one."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Exercise:
    """What is public about one exercise."""

    id: str
    chapter: str
    title: str
    points: int
    functions: tuple[str, ...]
    signatures: tuple[str, ...]
    difficulty: int
    minutes: int
    prerequisites: tuple[str, ...]


def device() -> str:
    """`"cuda"` where there is a GPU, else `"cpu"`; AUTOGRAD_COURSE_DEVICE overrides."""
    wanted = os.environ.get("AUTOGRAD_COURSE_DEVICE", "")
    return wanted or ("cuda" if torch.cuda.is_available() else "cpu")


class BrokenModule(Refusal):
    """A module of the exercises cannot be imported."""


def load(name: str) -> ModuleType:
    """The module of a task or a key. Raises BrokenModule where its own text is at fault."""
    try:
        return importlib.import_module(name)
    except Refusal:
        raise
    except Exception as error:
        step, line = error.__traceback__, getattr(error, "lineno", None)
        while step is not None and line is None:
            if step.tb_frame.f_globals.get("__name__") == name:
                line = step.tb_lineno
            step = step.tb_next
        place = f"{name.replace('.', '/')}.py" + (f", line {line}" if line else "")
        raise BrokenModule(
            f"{name} cannot be imported: {type(error).__name__}: {error}", f"Mend {place}."
        ) from error


class BrokenOrder(Refusal):
    """The list of a chapter's exercises and its tasks do not agree."""


@dataclass(frozen=True)
class Chapter:
    """A chapter: its name (`"01-graphs"`), the package of its tasks, its exercises in order."""

    name: str
    package: str
    exercises: tuple[str, ...]

    @property
    def place(self) -> str:
        """The file that holds the order of its exercises."""
        return f"grader/tasks/{self.package}/__init__.py"


def chapters() -> tuple[Chapter, ...]:
    """Every chapter, by name; all tasks are imported. Raises BrokenOrder for one without a name."""
    import grader.tasks  # each imports the engine in its turn

    found = []
    for module in pkgutil.walk_packages(grader.tasks.__path__, "grader.tasks."):
        held = vars(load(module.name))
        if module.ispkg:
            package = module.name.removeprefix("grader.tasks.")
            name, exercises = held.get("CHAPTER", ""), tuple(held.get("EXERCISES", ()))
            found.append(Chapter(name, package, exercises))
    nameless = [chapter.place for chapter in found if not chapter.name]
    if nameless:
        raise BrokenOrder(
            f"{', '.join(nameless)}: no CHAPTER is named there.",
            'Write CHAPTER = "08-functions", the name of the chapter\'s lesson and notebook.',
        )
    return tuple(sorted(found, key=lambda chapter: chapter.name))


def written() -> dict[str, Task]:
    """Every task that is written in `grader.tasks`, by id, whether its chapter lists it or not."""
    chapters()
    ours = (task for task in Task.registry.values() if _package(task))
    return {task.id: task for task in ours}


@functools.cache
def tasks() -> dict[str, Task]:
    """Every exercise's public half by id, chapter by chapter, in the order of its chapter's list.

    Raises BrokenOrder, naming every exercise that is in a list or among the tasks alone.
    """
    known, faults = written(), []
    for chapter in chapters():
        faults += [f"{fault} ({chapter.place})" for fault in _faults(chapter, known)]
    if faults:
        raise BrokenOrder(
            "\n".join(faults),
            "EXERCISES lists every exercise of its chapter once, by id, in the order in which "
            "learners meet them. Add what is missing there, or delete the modules of an exercise "
            "that is not to be.",
        )
    return {name: known[name] for chapter in chapters() for name in chapter.exercises}


def _faults(chapter: Chapter, known: dict[str, Task]) -> Iterator[str]:
    own = [name for name, task in known.items() if _package(task) == chapter.package]
    listed = chapter.exercises
    for name in dict.fromkeys(listed):
        if name not in own:
            yield f"{chapter.name} lists {name!r}, and no task there has that id."
        if listed.count(name) > 1:
            yield f"{chapter.name} lists {name!r} {listed.count(name)} times."
    for name in own:
        if name not in listed:
            yield f"{chapter.name} does not list {name!r}, which is one of its tasks."


def _package(task: Task) -> str:
    """The package of the chapter that a task stands in; "" for one that is not the course's."""
    path = type(task).__module__.split(".")
    return path[2] if path[:2] == ["grader", "tasks"] and len(path) > 2 else ""


def find(exercise: str) -> Task:
    """The task of an id. Raises UnknownExercise, naming the nearest id."""
    known = tasks()
    if not isinstance(exercise, str):
        raise UnknownExercise(
            "The first argument is the id of the exercise, a text such as "
            f"{next(iter(known))!r}, and not a value of type {type_name(type(exercise))}."
        )
    if exercise in known:
        return known[exercise]
    by_name = {name: task.id for task in known.values() for name in (task.id, *task.functions)}
    near = difflib.get_close_matches(exercise, by_name, n=1, cutoff=0.4)
    cure = f"Did you mean {by_name[near[0]]!r}?" if near else "grader.exercises() lists them all."
    raise UnknownExercise(f"There is no exercise {exercise[:60]!r}. {cure}")


def exercises() -> list[Exercise]:
    """Every exercise of the course, chapter by chapter."""
    return [
        Exercise(
            task.id,
            task.chapter,
            task.title,
            task.points,
            task.functions,
            task.signatures,
            task.difficulty,
            task.minutes,
            task.prerequisites,
        )
        for task in tasks().values()
    ]
