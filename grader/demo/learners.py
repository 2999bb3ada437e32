"""Who is in the made-up class: what each learner writes, and when they hand it in."""

from __future__ import annotations

import functools
import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from grader.demo import answers
from grader.demo.answers import ReleasedExercise
from grader.demo.typed import CannotBeTyped
from grader.diagnosis.verdict import Outcome
from grader.trusted.key import key_of

DUE = datetime(2026, 1, 16, 18)
"""When the assignment is due, in UTC."""


@dataclass(frozen=True)
class Work:
    """What a learner made of one exercise, and what a judge should find in it.

    `mistake` is the code of the named mistake they made; `how` says in words what was done.
    """

    source: str
    outcome: Outcome
    how: str
    mistake: str | None = None


@dataclass(frozen=True)
class MadeUpLearner:
    """One learner: `handed_in` is None for the one who handed in nothing."""

    id: str
    skill: float
    works: Mapping[str, Work]
    written: str
    handed_in: datetime | None
    habit: str = ""

    @property
    def late(self) -> bool:
        """Whether it came after the due date."""
        return self.handed_in is not None and self.handed_in > DUE


def made_up(
    exercises: Sequence[ReleasedExercise], model_answer: str, size: int, seed: int
) -> list[MadeUpLearner]:
    """A class of some size, the same for the same seed.

    Some are strong and some weak; each wrong answer is a named mistake of its exercise, those that
    stand first in the key being made most often. A few learners meet what happens in every class:
    see `_EVENTS`.
    """
    luck = random.Random(f"autograd-course demo {seed}")
    width = max(2, len(str(size)))
    names = [f"learner-{number:0{width}}" for number in range(1, size + 1)]
    events = _events(size, luck)
    return [
        _learner(name, event, exercises, model_answer, luck)
        for name, event in zip(names, events, strict=True)
    ]


_EVENTS = {
    "late": 3,
    "nothing": 1,
    "misspelled": 2,
    "halfway": 2,
    "partly": 1,
    "unreturned": 2,
    "unparsable": 1,
    "renamed": 1,
    "deleted": 1,
}
"""What happens to how many of forty, and to one at least of any class that is large enough."""

_OF = 40


def _events(size: int, luck: random.Random) -> list[str]:
    """An event for every learner, '' for most."""
    again = [name for name, count in _EVENTS.items() for _ in range(1, round(count * size / _OF))]
    events = [*_EVENTS, *again, *[""] * size][:size]
    luck.shuffle(events)
    return events


def _learner(
    name: str,
    event: str,
    exercises: Sequence[ReleasedExercise],
    model_answer: str,
    luck: random.Random,
) -> MadeUpLearner:
    skill = luck.betavariate(2.2, 1.6)
    works = {one.task.id: _work(one, skill, luck) for one in exercises}
    if event in _SLIPS:
        exercise, work = _slip(_SLIPS[event], exercises, luck)
        works[exercise] = work
    kept = luck.randrange(len(exercises) // 3, 2 * len(exercises) // 3 + 1)
    if event == "halfway":
        rest = {one.task.id: _untouched(one) for one in exercises[kept:]}
        works |= rest
    early = timedelta(hours=luck.expovariate(1 / 30))
    handed_in = DUE - early - timedelta(minutes=1)
    if event == "late":
        handed_in = DUE + timedelta(hours=luck.choice((0.3, 5, 20, 44, 70)))
    written = "" if event == "halfway" else _written(model_answer, skill, luck)
    habit = event if event in ("renamed", "deleted") else ""
    learner = MadeUpLearner(name, skill, works, written, handed_in.replace(microsecond=0), habit)
    return replace(learner, handed_in=None) if event == "nothing" else learner


def _work(exercise: ReleasedExercise, skill: float, luck: random.Random) -> Work:
    """Right, a named mistake, or not attempted: by skill and by the exercise's difficulty."""
    right = 1 / (1 + math.exp(0.9 * exercise.task.difficulty - 5 * skill))
    skipped = 0.2 * (1 - skill) ** 2
    chance = luck.random()
    if chance < skipped:
        return _untouched(exercise)
    if chance < skipped + (1 - skipped) * right:
        return Work(exercise.solved, Outcome.RIGHT, "the solution")
    return _mistaken(exercise, luck)


def _untouched(exercise: ReleasedExercise) -> Work:
    return Work(exercise.released, Outcome.NOT_ATTEMPTED, "untouched")


def _mistaken(exercise: ReleasedExercise, luck: random.Random) -> Work:
    possible = mistakes(exercise)
    weights = [1 / place**1.2 for place in range(1, len(possible) + 1)]
    (work,) = luck.choices(possible, weights)
    return work


@functools.cache
def mistakes(exercise: ReleasedExercise) -> tuple[Work, ...]:
    """The exercise with each of its named mistakes, in the order in which the key names them."""
    key = key_of(exercise.task)
    assert key is not None, "a class is made up where the keys are"
    found = []
    for mistake in key.mistakes(exercise.task.functions):
        try:
            source = answers.mistaken(exercise, mistake)
        except CannotBeTyped:
            continue  # a key may make a mistake in ways that nobody types; others are left
        found.append(Work(source, Outcome.WRONG, "a named mistake", mistake.code))
    return tuple(found)


def _slip(
    make: Callable[[ReleasedExercise, random.Random], Work | None],
    exercises: Sequence[ReleasedExercise],
    luck: random.Random,
) -> tuple[str, Work]:
    """One exercise in which the slip can be made."""
    for exercise in luck.sample(exercises, len(exercises)):
        work = make(exercise, luck)
        if work is not None:
            return exercise.task.id, work
    exercise = luck.choice(exercises)  # a chapter in which it cannot: a plain mistake will do
    return exercise.task.id, _mistaken(exercise, luck)


def _misspelled(exercise: ReleasedExercise, luck: random.Random) -> Work | None:
    return _unnamed(exercise, answers.misspelled(exercise), "a misspelled name: it raises")


def _unreturned(exercise: ReleasedExercise, luck: random.Random) -> Work | None:
    source = answers.unreturned(exercise)
    return None if source is None else _unnamed(exercise, source, "the return forgotten")


def _unnamed(exercise: ReleasedExercise, source: str, how: str) -> Work | None:
    """Wrong in a way that has no name; None if it happens to be a mistake that has one."""
    codes = {finding.code for finding in answers.checked(exercise, source).findings}
    if any(code.startswith(f"{exercise.task.id}.") for code in codes):
        return None
    return Work(source, Outcome.WRONG, how)


def _unparsable(exercise: ReleasedExercise, luck: random.Random) -> Work | None:
    source = answers.unparsable(exercise)
    return Work(source, Outcome.COULD_NOT_CHECK, "a parenthesis left open: nothing is defined")


def _partly(exercise: ReleasedExercise, luck: random.Random) -> Work | None:
    """A named mistake that shows in some cases only, and so earns part of the points."""
    possible = mistakes(exercise)
    for work in luck.sample(possible, len(possible)):
        if 0 < answers.checked(exercise, work.source).credit < 1:
            return replace(work, how="a named mistake, in some cases only")
    return None


_SLIPS: dict[str, Callable[[ReleasedExercise, random.Random], Work | None]] = {
    "misspelled": _misspelled,
    "unreturned": _unreturned,
    "unparsable": _unparsable,
    "partly": _partly,
}


def _written(model_answer: str, skill: float, luck: random.Random) -> str:
    """Some sentences of the model answer: the more, the stronger the learner."""
    sentences = re.split(r"(?<=[.!?]) +(?=[A-Z`*])", model_answer)
    written = [one for one in sentences if luck.random() < 0.2 + 0.8 * skill]
    return " ".join(written) or "I am not sure."
