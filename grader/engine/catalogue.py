"""The exercises of the course: what is public of each, and how one is found by its id."""

from __future__ import annotations

import difflib
import functools
import importlib
import os
import pkgutil
from dataclasses import dataclass

import torch

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


@functools.cache
def tasks() -> dict[str, Task]:
    """Every exercise's public half by id, chapter by chapter, in the order they are written."""
    import grader.tasks  # each imports the engine in its turn

    for module in pkgutil.iter_modules(grader.tasks.__path__):
        importlib.import_module(f"grader.tasks.{module.name}")
    known = list(Task.registry.values())
    return {task.id: task for task in sorted(known, key=lambda task: task.chapter)}


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
