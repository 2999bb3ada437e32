"""The committed list of mutants that get through, each with why nothing observed can differ."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "survivors"
EVERYWHERE = "every exercise"
REST = "…"
"""Stands in a mutant's id for any text: a reason may cover an operator in an exercise."""


@dataclass(frozen=True)
class Reason:
    """Why some mutants of an exercise, or of every exercise, are right answers too.

    `mutants` are ids, in which `…` stands for any text. `allowed` names an effect: the reason holds
    in those exercises alone that allow it.
    """

    exercise: str
    why: str
    mutants: tuple[str, ...]
    allowed: str = ""

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        texts = (".*".join(map(re.escape, one.split(REST))) for one in self.mutants)
        return [re.compile(text, re.DOTALL) for text in texts]

    def covers(self, mutant: str) -> bool:
        """Whether it is about the mutant of this id."""
        return any(pattern.fullmatch(mutant) for pattern in self._patterns)


def read(chapter: str, folder: Path = FOLDER) -> list[Reason]:
    """The reasons of a chapter (`"01-graphs"`), or those of every exercise."""
    file = path(chapter, folder)
    if not file.exists():
        return []
    held = tomllib.loads(file.read_text(encoding="utf-8"))
    return [
        Reason(exercise, one["why"], tuple(one["mutants"]), one.get("allowed", ""))
        for exercise, reasons in held.items()
        for one in reasons
    ]


def write(
    chapter: str, reasons: Iterable[Reason], order: Sequence[str], folder: Path = FOLDER
) -> None:
    """Write the reasons of a chapter, exercise by exercise in the order given."""
    place = {exercise: i for i, exercise in enumerate(order)}
    head = f"# {chapter}: changes to right answers that are right answers too, and why.\n"
    parts = [_text(one) for one in sorted(reasons, key=lambda one: place[one.exercise])]
    path(chapter, folder).write_text("\n".join([head, *parts]), encoding="utf-8")


def _text(reason: Reason) -> str:
    lines = [f"[[{_key(reason.exercise)}]]", f"why = {_quoted(reason.why)}"]
    if reason.allowed:
        lines.append(f"allowed = {_quoted(reason.allowed)}")
    return "\n".join(
        [*lines, "mutants = [", *(f"    {_quoted(m)}," for m in reason.mutants), "]\n"]
    )


def _key(exercise: str) -> str:
    return exercise if exercise.isidentifier() else _quoted(exercise)


def _quoted(text: str) -> str:
    """A TOML string: literal where there is nothing in the way, else JSON's escapes, which are
    TOML's as well."""
    return (
        f"'{text}'"
        if "'" not in text and "\n" not in text
        else json.dumps(text, ensure_ascii=False)
    )


def path(chapter: str, folder: Path = FOLDER) -> Path:
    """The file of a chapter's list."""
    return folder / f"{chapter.replace(' ', '-')}.toml"
