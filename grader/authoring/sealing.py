"""Records what the reference and every named mistake do in the visible cases, as data alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from grader.diagnosis.comparison import Rules, compare
from grader.engine import state, wire
from grader.engine.catalogue import PUBLIC_SEED, tasks
from grader.engine.observation import Observation
from grader.engine.refusal import Refusal
from grader.engine.task import Case, Task
from grader.recorded.sealed import (
    ABOUT,
    REFERENCE,
    SealedAnswers,
    member,
    sealed_answers,
    torch_version,
)
from grader.trusted.key import Key, NoKey, key_of
from grader.trusted.live import LiveAnswers


class CannotSeal(Refusal):
    """An exercise cannot be recorded."""


def sealed_file() -> bytes:
    """The answers to every exercise in its visible cases, as `grader.recorded.sealed` reads them.

    The same bytes for the same keys and versions. Raises CannotSeal.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        about = {"seed": PUBLIC_SEED, "torch": torch_version()}
        file.writestr(_entry(ABOUT), wire.pack(about))
        for task in tasks().values():
            with state.defaults():
                for name, content in recorded(task):
                    file.writestr(_entry(member(task.id, name)), content)
    return buffer.getvalue()


def recorded(task: Task) -> Iterator[tuple[str, bytes]]:
    """Everything that is recorded of one exercise, by name. Raises CannotSeal."""
    try:
        key = key_of(task)
    except NoKey as lack:
        raise CannotSeal(lack.what, lack.cure) from lack
    answers = LiveAnswers(task, key, PUBLIC_SEED, "cpu")
    cases = [case for case in task.cases() if case.visible]
    mistakes = list(answers.mistakes())
    yield (
        ABOUT,
        wire.pack(
            {
                "cases": [(case.name, str(case.dtype)) for case in cases],
                "sentences": dict(key.sentences),
                "mistakes": mistakes,
                "decides": key.accepts is None,
                "complaints": _complaints(task, key, answers),
            }
        ),
    )
    for number, case in enumerate(cases):
        if key.accepts is None:
            yield member(number, REFERENCE), _packed(task, answers.reference(case))
        for code, _, _ in mistakes:
            yield member(number, code), _packed(task, answers.mistaken(code, case))


@dataclass(frozen=True)
class Coverage:
    """How many exercises and named mistakes were recorded, and which show in no visible case."""

    exercises: int
    mistakes: int
    hidden: tuple[str, ...]


def coverage(path: Path) -> Coverage:
    """What a file of recorded answers covers. Raises SealBroken."""
    known = [(task, sealed_answers(task, PUBLIC_SEED, path)) for task in tasks().values()]
    sealed = [(task, answers) for task, answers in known if answers is not None]
    codes = [[code for code, _, _ in answers.mistakes()] for _, answers in sealed]
    hidden = tuple(
        code
        for (task, answers), own in zip(sealed, codes, strict=True)
        for code in own
        if shows_nowhere(task, answers, code)
    )
    return Coverage(len(sealed), sum(map(len, codes)), hidden)


def shows_nowhere(task: Task, answers: SealedAnswers, code: str) -> bool:
    """Whether a recorded mistake does the right thing in every visible case."""
    return not any(_shows(task, answers, code, case) for case in task.cases() if case.visible)


def _shows(task: Task, answers: SealedAnswers, code: str, case: Case) -> bool:
    """Whether a mistake does anything but the right thing in a visible case."""
    seen = answers.mistaken(code, case)
    if seen.error or seen.effects:
        return True
    complaints = answers.complaints(case, seen)
    if complaints is not None:
        return bool(complaints)
    rules = Rules(torch.float64, case.scale, task.accepts_numbers)  # as both were recorded
    return bool(compare(answers.reference(case).values, seen.values, rules))


def _complaints(
    task: Task, key: type[Key], answers: LiveAnswers
) -> dict[str, dict[str, list[tuple[str, str]]]]:
    """What a key without one right value tells each mistake in each visible case."""
    if key.accepts is None:
        return {}
    return {
        case.name: {
            code: answers.complaints(case, answers.mistaken(code, case)) or []
            for code, _, _ in answers.mistakes()
        }
        for case in task.cases()
        if case.visible
    }


def _packed(task: Task, observation: Observation) -> bytes:
    """An observation as bytes, without the line of the key that raised."""
    error = observation.error
    bare = observation if error is None else replace(observation, error=replace(error, line=""))
    try:
        return wire.pack_observation(bare)
    except (TypeError, ValueError) as reason:
        raise CannotSeal(
            f"What happens in {task.id} is more than a file of answers holds: {reason}.",
            "Draw smaller inputs in its visible cases.",
        ) from reason


def _entry(name: str) -> zipfile.ZipInfo:
    """A member without the time of its making, and readable wherever it is unpacked."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3  # as made on Unix, on every machine
    return entry
