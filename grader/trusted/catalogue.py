"""What lies among the keys: every key by its exercise, and a chapter's other right answers."""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

from grader.engine.catalogue import load
from grader.trusted.key import Key

Answer = tuple[Callable[..., Any], ...]
"""The functions that answer one exercise, in the order in which `check` takes them."""


def keys() -> dict[str, type[Key]]:
    """Every key that is written in `grader.keys`, by the id of its exercise."""
    import grader.keys

    for module in pkgutil.walk_packages(grader.keys.__path__, "grader.keys."):
        load(module.name)
    ours = (key for key in Key.registry.values() if key.__module__.startswith("grader.keys."))
    return {key.task: key for key in ours}


def right_answers(package: str) -> dict[str, Sequence[Answer]]:
    """What a proof of a chapter's exercises tries besides the solutions, by exercise.

    `package` is the chapter's in `grader.keys`. Empty where no such answers are written.
    """
    place = f"grader.keys.{package}"
    if importlib.util.find_spec(place) is None:
        return {}
    if importlib.util.find_spec(f"{place}.right_answers") is None:
        return {}
    answers: dict[str, Sequence[Answer]] = load(f"{place}.right_answers").ANSWERS
    return answers
