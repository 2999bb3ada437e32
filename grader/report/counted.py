"""The figures of one graded assignment, as plain data: who did what, and which mistakes were made.

Everything is counted from each learner's newest grading, whatever came before it.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from grader.errors import is_known

HALF = 0.5


class Kind(Enum):
    """What a finding is; the kinds are never added up."""

    MISTAKE = "named mistake"
    SIGN = "what the values show"
    ERROR = "raised error"
    EFFECT = "side effect"
    UNANSWERED = "not answered"


class State(Enum):
    """How far a learner's submission has come."""

    JUDGED = "judged"
    UNREAD = "not gradable"
    WAITING = "not graded yet"
    MISSING = "not handed in"


@dataclass(frozen=True)
class Made:
    """One finding in one exercise: the sentence that a learner reads, and whose answer it is in.

    A finding that is no named mistake has a sentence for each answer: this is the most frequent.
    """

    kind: Kind
    exercise: str
    code: str
    message: str
    learners: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many learners have it."""
        return len(self.learners)


@dataclass(frozen=True)
class ExerciseFigures:
    """How one exercise went. The five counts add up to the learners who were `judged`."""

    id: str
    title: str
    points: float
    right: int = 0
    partly: int = 0
    wrong: int = 0
    not_attempted: int = 0
    could_not_check: int = 0
    mean_credit: float = 0.0
    made: tuple[Made, ...] = ()

    @property
    def judged(self) -> int:
        """Learners with a verdict on it."""
        return self.attempted + self.not_attempted

    @property
    def attempted(self) -> int:
        """Learners who changed the starting code."""
        return self.right + self.partly + self.wrong + self.could_not_check


@dataclass(frozen=True)
class Learner:
    """One learner and what stands of them. `credit` and `outcomes` are by exercise, and `plain`
    are the scores of the instructor's own tests.

    `score` is nbgrader's, before the `penalty` for being late; `waiting` are the cells that a
    person is to grade, and `reasons` say why this learner needs a hand, if they do.
    """

    name: str
    full_name: str = ""
    state: State = State.MISSING
    score: float = 0.0
    penalty: float = 0.0
    seconds_late: float = 0.0
    credit: Mapping[str, float] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    plain: Mapping[str, float] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()
    isolation: str = ""
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def final(self) -> float:
        """The score that counts."""
        return max(0.0, self.score - self.penalty)


@dataclass(frozen=True)
class Shared:
    """One sentence about several learners: what a test raised, or what a person must see to."""

    sentence: str
    learners: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many learners it is about."""
        return len(self.learners)


@dataclass(frozen=True)
class PlainCell:
    """A test that nbgrader's own rule runs inside the box, where a submission can forge it.

    The three counts add up to those whose notebook was run; `errors` are what it raised, the most
    frequent first.
    """

    name: str
    points: float
    mean_score: float
    passed: int = 0
    partly: int = 0
    failed: int = 0
    errors: tuple[Shared, ...] = ()

    @property
    def run(self) -> int:
        """In how many notebooks it was run."""
        return self.passed + self.partly + self.failed

    @property
    def pass_rate(self) -> float:
        """The share of those with all of its points, in [0, 1]."""
        return self.passed / self.run if self.run else 0.0


@dataclass(frozen=True)
class ByHand:
    """A cell that a person grades, and how many answers still wait."""

    name: str
    points: float
    waiting: int


@dataclass(frozen=True)
class Figures:
    """One assignment of one class, counted.

    `points` are all that can be earned, `newest` is when the last submission was judged (UTC), and
    `older_cases` names who was judged on hidden cases that were drawn anew since. `needs` are what
    a person must see to. Unless `named`, learners have numbers.
    """

    assignment: str
    points: float
    learners: tuple[Learner, ...]
    exercises: tuple[ExerciseFigures, ...]
    plain: tuple[PlainCell, ...] = ()
    by_hand: tuple[ByHand, ...] = ()
    newest: datetime | None = None
    older_cases: tuple[str, ...] = ()
    needs: tuple[Shared, ...] = ()
    named: bool = True

    @property
    def made(self) -> tuple[Made, ...]:
        """Every finding of every exercise, the most frequent first."""
        return in_order(made for exercise in self.exercises for made in exercise.made)

    @property
    def mistakes(self) -> tuple[Made, ...]:
        """The named mistakes alone."""
        return tuple(made for made in self.made if made.kind is Kind.MISTAKE)

    @property
    def hardest(self) -> tuple[ExerciseFigures, ...]:
        """The exercises by mean credit, the lowest first; without those all have right."""
        hard = (one for one in self.exercises if one.judged and one.right < one.judged)
        return tuple(sorted(hard, key=lambda one: one.mean_credit))

    @property
    def need_a_hand(self) -> tuple[Learner, ...]:
        """Who handed in and earned less than half of the exercises' points, the least first."""
        return tuple(sorted((one for one in self.learners if one.reasons), key=self.share))

    @property
    def late(self) -> tuple[Learner, ...]:
        """Who handed in after the due date, extensions counted in."""
        return tuple(one for one in self.handed_in if one.seconds_late > 0)

    @property
    def handed_in(self) -> tuple[Learner, ...]:
        """Whose submission was collected."""
        return tuple(one for one in self.learners if one.state is not State.MISSING)

    @property
    def graded(self) -> tuple[Learner, ...]:
        """Whose submission was graded, if only to say that it cannot be read."""
        states = State.JUDGED, State.UNREAD
        return tuple(one for one in self.learners if one.state in states)

    def of_state(self, state: State) -> tuple[Learner, ...]:
        """The learners whose submission has come so far."""
        return tuple(one for one in self.learners if one.state is state)

    @property
    def most(self) -> float:
        """The exercises' points; those of the instructor's own tests, where there are none."""
        return sum(one.points for one in self.exercises or self.plain)

    def earned(self, learner: Learner) -> float:
        """What a learner has of these points."""
        if self.exercises:
            return sum(one.points * learner.credit.get(one.id, 0.0) for one in self.exercises)
        return sum(learner.plain.values())

    def share(self, learner: Learner) -> float:
        """The same in [0, 1]; 1 where nothing earns points."""
        return self.earned(learner) / self.most if self.most else 1.0

    def anonymous(self) -> Figures:
        """The same without names, nor what may hold one. Numbers are drawn anew each time."""
        if not self.named:
            return self
        order = [one.name for one in self.learners]
        secrets.SystemRandom().shuffle(order)
        names = {name: f"Learner {number}" for number, name in enumerate(order, 1)}
        learners = [
            replace(one, name=names[one.name], full_name="", notes=()) for one in self.learners
        ]
        learners.sort(key=lambda one: int(one.name.split()[-1]))
        exercises = tuple(
            replace(one, made=tuple(_renamed(made, names) for made in one.made))
            for one in self.exercises
        )
        return replace(
            self,
            learners=tuple(learners),
            exercises=exercises,
            plain=tuple(_without_texts(cell, names) for cell in self.plain),
            older_cases=tuple(names[name] for name in self.older_cases),
            needs=shared(_heads(self.needs, names)),
            named=False,
        )


def in_order(made: Iterable[Made]) -> tuple[Made, ...]:
    """Findings, those that most learners have first."""
    return tuple(sorted(made, key=lambda one: (-one.count, one.exercise, one.code)))


def _renamed(made: Made, names: Mapping[str, str]) -> Made:
    return replace(made, learners=tuple(sorted((names[name] for name in made.learners), key=_last)))


def _without_texts(cell: PlainCell, names: Mapping[str, str]) -> PlainCell:
    """A test with the types of what it raised: a text may hold a name, and a type of one's own."""
    pairs = (
        (head if is_known(head) else "an exception of its own", name)
        for head, name in _heads(cell.errors, names)
    )
    return replace(cell, errors=shared(pairs))


def _heads(found: Iterable[Shared], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What stands before the colon, with each learner's number."""
    for one in found:
        yield from ((one.sentence.partition(":")[0], names[name]) for name in one.learners)


def shared(pairs: Iterable[tuple[str, str]]) -> tuple[Shared, ...]:
    """Sentences with everybody they are about, those of most learners first; from single pairs."""
    found: dict[str, set[str]] = defaultdict(set)
    for sentence, learner in pairs:
        found[sentence].add(learner)
    every = (Shared(sentence, tuple(sorted(who))) for sentence, who in found.items())
    return tuple(sorted(every, key=lambda one: (-one.count, one.sentence)))


def _last(name: str) -> int:
    return int(name.rpartition(" ")[-1])
