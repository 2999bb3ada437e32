"""One exercise begun again: its cell gets its starting code, and the answer a file beside it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

from grader.engine.outline import Entry, outline
from grader.engine.refusal import Refusal
from grader.notebook import files
from grader.notebook.folder import carrying
from grader.notebook.texts import places


class NothingToReset(Refusal):
    """There is no such exercise, no notebook of it, or no answer in it."""


@dataclass(frozen=True)
class Reset:
    """What was done: the notebook, and the file that holds the answer; None if none was begun."""

    notebook: Path
    kept: Path | None


def reset(exercise: str, course: Path, workspace: Path, today: date | None = None) -> Reset:
    """Put an exercise's starting code back into its notebook of the workspace.

    The answer is written beside it first, under the exercise's name and the day's. Raises
    NothingToReset.
    """
    entry = _find(exercise)
    place = places.exercises(entry.chapter)
    notebook, released = workspace / place, course / place
    name = f"{entry.id}_answer"
    answer = _answer(notebook, name)
    start = carrying.answers(released.read_bytes())[name]
    if answer == start:
        return Reset(notebook, None)
    kept = _free(notebook.parent, f"{entry.id}-{today or date.today():%Y-%m-%d}")
    try:
        files.write(kept, (answer.rstrip("\n") + "\n").encode())
        files.write(notebook, carrying.replaced(notebook.read_bytes(), name, start))
    except OSError as error:
        raise NothingToReset(
            f"{error.filename or notebook} cannot be written: {error.strerror}.",
            "Your answer stands in the notebook as it was. Make the folder writable for you.",
        ) from error
    return Reset(notebook, kept)


def _find(exercise: str) -> Entry:
    known = {entry.id: entry for entry in outline()}
    if exercise in known:
        return known[exercise]
    near = difflib.get_close_matches(exercise, known, 1)
    raise NothingToReset(
        f"There is no exercise {exercise!r}.",
        f"Did you mean {near[0]}?" if near else "autograd-course progress lists all of them.",
    )


def _answer(notebook: Path, name: str) -> str:
    try:
        found = carrying.answers(notebook.read_bytes())
    except OSError as error:
        raise NothingToReset(
            f"There is no notebook to reset: {error.strerror}: {notebook}.",
            "autograd-course open lays it there; --workspace FOLDER names another workspace.",
        ) from error
    if name not in found:
        raise NothingToReset(
            f"{notebook} has no cell for this answer: it was deleted, or the notebook is damaged.",
            "Rename the notebook. autograd-course open then lays a fresh one in its place.",
        )
    return found[name]


def _free(folder: Path, stem: str) -> Path:
    """The first name for a file that nothing has yet."""
    names = (f"{stem}.py" if number == 1 else f"{stem}-{number}.py" for number in count(1))
    return next(folder / name for name in names if not (folder / name).exists())
