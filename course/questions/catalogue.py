"""The questions of the course: how one is found by its id, and which a chapter has."""

from __future__ import annotations

import difflib

from course.questions import (
    breaking,
    data,
    detach,
    functions,
    graphs,
    hooks,
    leaves,
    loop,
    modes,
    modules,
    norms,
    parallel,
    scripts,
    start,
    tensors,
)
from course.questions.entry import Entry
from course.quiz import Question

CHAPTERS = (
    start,
    graphs,
    leaves,
    detach,
    modes,
    hooks,
    loop,
    norms,
    functions,
    tensors,
    modules,
    data,
    scripts,
    parallel,
    breaking,
)
"""A module per lesson, in the order of the lessons."""


class UnknownQuestion(KeyError):
    """There is no question of that id; the text names the nearest one."""

    def __str__(self) -> str:
        return str(self.args[0])


def ask(id: str, *, fresh: int | None = None) -> Question:
    """The question of an id, made anew; a notebook shows it.

    A number `fresh` draws other numbers, and another order of options or lines, the same for the
    same number. Raises UnknownQuestion, naming the nearest id.
    """
    known = {entry.id: entry for chapter in _entries().values() for entry in chapter}
    if id in known:
        return known[id].ask(fresh)
    near = difflib.get_close_matches(str(id), known, n=1, cutoff=0)
    raise UnknownQuestion(f"There is no question {str(id)[:60]!r}. Did you mean {near[0]!r}?")


def of(chapter: str) -> tuple[str, ...]:
    """The ids of a chapter's questions, in order; `graphs` is a chapter. Raises KeyError."""
    return by_chapter()[chapter]


def by_chapter() -> dict[str, tuple[str, ...]]:
    """The ids of all questions by chapter, in order."""
    return {chapter: tuple(e.id for e in entries) for chapter, entries in _entries().items()}


def _entries() -> dict[str, list[Entry]]:
    return {
        chapter.__name__.rpartition(".")[2]: [
            entry for entry in vars(chapter).values() if isinstance(entry, Entry)
        ]
        for chapter in CHAPTERS
    }
