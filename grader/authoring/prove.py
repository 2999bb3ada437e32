"""Proves exercises: every promise of theirs is tried, and a broken one told with its cure.

`autograd-course prove` prints a line for each; the tests ask for the same.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.authoring.parts import Missing, missing
from grader.authoring.promises import PROMISES, Broken, Promise
from grader.authoring.subject import Subject
from grader.diagnosis.diagnose import ReferenceFailed
from grader.engine.catalogue import chapters, written
from grader.engine.refusal import Refusal


class Unproved(Refusal):
    """There is no chapter and no exercise of that name."""


@dataclass(frozen=True)
class Proved:
    """One promise, tried on one exercise."""

    exercise: str
    promise: str
    broken: tuple[Broken, ...]
    holds: bool


def chosen(name: str | None) -> list[str]:
    """The exercises of a chapter, one exercise, or all, by id, half-made ones among them.

    Raises Unproved, naming the nearest.
    """
    known = {chapter.name: list(chapter.exercises) for chapter in chapters()}
    for task in written().values():
        if task.id not in known[task.chapter]:
            known[task.chapter].append(task.id)
    ids = [one for own in known.values() for one in own]
    if name is None:
        return ids
    if name in known:
        return known[name]
    if name in ids:
        return [name]
    near = difflib.get_close_matches(name, [*ids, *known], n=1, cutoff=0.4)
    raise Unproved(
        f"There is no chapter and no exercise {name!r}.",
        f"Did you mean {near[0]!r}?" if near else f"The chapters are {', '.join(known)}.",
    )


def prove(
    exercise: str,
    course: Path,
    device: str = "cpu",
    known: Sequence[Missing] | None = None,
    *,
    once: bool = False,
) -> Iterator[Proved]:
    """Every promise of one exercise, tried. Where parts of it are missing, those alone are told.

    What breaks several promises is told under the first. Who proves many exercises looks once for
    what the course is missing, and hands it in as `known`; `once` is
    what Trials says, and takes a tenth of the time.
    """
    gone = missing(course, exercise) if known is None else known
    lacking = tuple(
        Broken(f"it has no {one.part}", one.cure) for one in gone if one.exercise == exercise
    )
    yield Proved(exercise, "every part of it is there", lacking, not lacking)
    if not lacking:
        subject = Subject(written()[exercise], course, device, once=once)
        told: set[Broken] = set()
        for sentence, holds in PROMISES.items():
            broken = dict.fromkeys(_tried(holds, subject))
            fresh = tuple(one for one in broken if one not in told)
            yield Proved(exercise, sentence, fresh, not broken)
            told |= set(broken)


def _tried(holds: Promise, subject: Subject) -> Iterator[Broken]:
    """What a promise finds broken. A part that raises is broken as well."""
    try:
        yield from holds(subject)
    except Refusal as refusal:
        yield Broken(refusal.what, refusal.cure)
    except ReferenceFailed as failed:
        yield Broken(str(failed), f"Mend the reference in {subject.key.__module__}.")
    except Exception as error:
        yield Broken(f"it raised {type(error).__name__}: {error}", f"Mend {_place_of(error)}.")


def _place_of(error: Exception) -> str:
    """File and line of the innermost part of an exercise that an exception went through."""
    found, step = "", error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if not found or "/tasks/" in file or "/keys/" in file or file.startswith("<"):
            found = f"{file}, line {step.tb_lineno}"
        step = step.tb_next
    return found
