"""From observations to a verdict: named mistakes first, generic signatures next, never a guess."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from grader.diagnosis import findings
from grader.diagnosis.at_once import behind_parts, made_at_once, two_at_once
from grader.diagnosis.compared import Compared, Seen, only
from grader.diagnosis.comparison import Rules, compare
from grader.diagnosis.differing import is_plain, of_differences
from grader.diagnosis.in_part import mistake_in_part, of_one_sentence, reproduces
from grader.diagnosis.messages import say
from grader.diagnosis.naming import is_row, parts_of, spoken
from grader.diagnosis.notes import notes
from grader.diagnosis.verdict import CaseOutcome, Finding, Outcome, Verdict
from grader.engine.observation import Observation, Raised
from grader.engine.task import ANOTHER, Case, Inputs, Task

__all__ = ["Answers", "ReferenceFailed", "SealBroken", "Seen", "diagnose"]

SHOWN_FINDINGS = 4


class ReferenceFailed(RuntimeError):
    """The reference itself raised: torch was changed under it, or the key has a mistake."""


class SealBroken(ValueError):
    """The recorded answers are not as `seal` wrote them."""


class Answers(Protocol):
    """What the trusted half knows of one exercise: computed from a key, or recorded by `seal`.

    `decides` is False where a wrong answer can be known but a right one cannot; `caveats` are told
    with every verdict.
    """

    sentences: dict[str, str]
    decides: bool
    caveats: tuple[str, ...]

    def holds(self, case: Case) -> bool:
        """Whether it knows what happens in this case: what was recorded are the visible ones."""
        ...

    def reference(self, case: Case) -> Observation:
        """What the right answer does in this case. Raises ReferenceFailed."""
        ...

    def inputs(self, case: Case) -> Inputs:
        """What was drawn for this case: to be read, not written to."""
        ...

    def mistakes(self) -> Iterable[tuple[str, str, str | None]]:
        """Code, sentence and error pattern of each named mistake."""
        ...

    def mistaken(self, code: str, case: Case) -> Observation:
        """What the mistake does in this case."""
        ...

    def pairs(self) -> Iterable[tuple[str, str, str]]:
        """Code and two sentences of each two mistakes that the key makes at once; `mistaken` knows
        the code."""
        ...

    def complaints(self, case: Case, observation: Observation) -> list[tuple[str, str]] | None:
        """Code and sentence of what is wrong, for keys without one right value; else None."""
        ...


def diagnose(
    task: Task, answers: Answers, seen: Sequence[Seen], *, hidden: bool = False
) -> Verdict:
    """The verdict on what was seen in every case, the first of which is visible.

    `hidden` leaves out of the findings on hidden cases everything that could carry an input:
    numbers, shapes, texts, and names of classes that are neither Python's nor torch's.
    """
    compared = _counted([_compare(task, answers, one, hidden) for one in seen])
    outcomes = tuple(
        CaseOutcome(c.case.name, c.passed, c.case.visible, c.case.weight, c.case.device == ANOTHER)
        for c in compared
    )
    failing = [c for c in compared if not c.passed]
    if not failing:
        return Verdict(task.id, Outcome.RIGHT, 1.0, (), outcomes, task.functions)
    if _not_attempted(compared[0].observation.error):
        return Verdict(task.id, Outcome.NOT_ATTEMPTED, 0.0, (), outcomes, task.functions)
    found = _findings(task, answers, compared, failing)
    return Verdict(
        task.id,
        Outcome.WRONG,
        _credit(compared),
        found,
        outcomes,
        task.functions,
        notes=notes(compared, parts_of(task)),
        row=_row(failing[0]),
    )


def _row(c: Compared) -> str:
    """The text that the first wrong answer of a case was asked about."""
    return next((d.name for d in c.differences if is_row(d.name, c.case)), "")


def _counted(compared: Sequence[Compared]) -> Sequence[Compared]:
    """The case on another device counts only once all else is right: a judge asks it in any case,
    and a notebook does not."""
    here = [c for c in compared if c.case.device != ANOTHER]
    return compared if all(c.passed for c in here) else here


def _compare(task: Task, answers: Answers, seen: Seen, hidden: bool) -> Compared:
    case, observation = seen.case, seen.observation
    rules = Rules.of(task, case)
    compared = Compared(case, observation, rules, hidden and not case.visible)
    if case.device == ANOTHER or observation.error is not None:
        return compared
    complaints = answers.complaints(case, observation)
    if complaints is not None:
        return replace(compared, complaints=tuple(complaints))
    expected = answers.reference(case).values
    differences = tuple(compare(expected, observation.values, rules))
    compared = replace(compared, differences=differences, expected=expected)
    return compared if compared.passed else _with_inputs(task, answers, compared)


def _with_inputs(task: Task, answers: Answers, compared: Compared) -> Compared:
    """The same with the inputs that a fact may name."""
    drawn = answers.inputs(compared.case)
    names = {name for arguments in task.arguments for name in arguments}
    given = {name: value for name, value in drawn.items() if name in names}
    return replace(compared, inputs=given, drawn=drawn)


def _credit(compared: Sequence[Compared]) -> float:
    """The weight of the cases passed, and nothing unless the first visible case passes."""
    if not compared[0].passed:
        return 0.0
    total = sum(c.case.weight for c in compared)
    return sum(c.case.weight for c in compared if c.passed) / total


def _not_attempted(error: Raised | None) -> bool:
    """Whether the answer still has the `raise NotImplementedError` that it is released with."""
    return error is not None and error.own_raise and error.type_name == "NotImplementedError"


def _findings(
    task: Task, answers: Answers, compared: Sequence[Compared], failing: Sequence[Compared]
) -> tuple[Finding, ...]:
    alone = _mistakes_alone(answers, compared)
    if len(alone) == 1:
        return (findings.of_mistake(*alone[0], failing[0]),)
    effects = findings.of_effects(task, answers.sentences, failing)
    complaints = findings.of_complaints(failing)
    if any(c.observation.error for c in failing):
        errors = findings.of_errors(task, [_with_expected(answers, c) for c in failing])
        calm = [c for c in compared if not c.observation.error]  # whose values can be compared
        differ = not all(c.passed for c in calm)
        differences = of_differences(task, answers.sentences, calm) if differ else []
        found = [*complaints, *errors, *effects, *_beside_errors(answers, calm, differences)]
    else:
        differences = of_differences(task, answers.sentences, compared)
        # Where several mistakes fit, each by itself, none is told, and no two of them either.
        known = None if alone else _known(answers, compared, differences)
        if known is not None:
            return (findings.of_mistake(*known, failing[0]),)
        if not effects:
            differences = _with_causes(task, answers, compared, differences)
        found = [*complaints, *effects, *differences]
    return tuple(found[:SHOWN_FINDINGS])


def _known(
    answers: Answers, compared: Sequence[Compared], differences: Sequence[Finding]
) -> tuple[str, str] | None:
    """One mistake in part, or two at once, where numbers differ that no fact explains."""
    real = [c for c in compared if c.case.device != ANOTHER]
    effects = any(c.observation.effects for c in real)
    if differences and all(map(is_plain, differences)) and not effects:
        partly = mistake_in_part(answers, [c for c in real if not c.passed])
        if partly is not None:
            return partly
    if not effects and not any(map(is_plain, differences)):
        return None
    return made_at_once(answers, real) or two_at_once(answers, real)


def _with_causes(
    task: Task, answers: Answers, compared: Sequence[Compared], differences: list[Finding]
) -> list[Finding]:
    """The same, with a mistake's sentence for every part that is as the mistake makes it."""
    if not any(map(is_plain, differences)):
        return differences
    real = [c for c in compared if c.case.device != ANOTHER]
    names = dict.fromkeys(d.name for c in real for d in c.differences)
    if len(names) < 2:
        return differences
    causes = behind_parts(answers, real, names)
    told = [f for f in differences if not is_plain(f)]
    parts: dict[tuple[str, str], list[str]] = {}
    for name, cause in causes.items():
        parts.setdefault(cause, []).append(name)
    for (code, sentence), explained in parts.items():
        left = [only(c, explained) for c in real]
        first = next(c for c in left if c.differences)
        path = spoken(first.differences, first.case, parts_of(task), first.secret)
        message = say("PART.of", path=path, mistake=sentence)
        message = message[:1].upper() + message[1:]
        told.append(findings.of_mistake(code, message, first))
    rest = [only(c, [name for name in names if name not in causes]) for c in real]
    if any(c.differences for c in rest):
        unexplained = of_differences(task, answers.sentences, rest)
        told += [f for f in unexplained if is_plain(f)]
    return told


def _beside_errors(
    answers: Answers, calm: Sequence[Compared], differences: list[Finding]
) -> list[Finding]:
    """The same, or the one mistake that has the numbers of the cases without an error."""
    failing = [c for c in calm if not c.passed]
    if not failing or not differences or not all(map(is_plain, differences)):
        return differences
    partly = mistake_in_part(answers, failing, beside_errors=True)
    return differences if partly is None else [findings.of_mistake(*partly, failing[0])]


def _with_expected(answers: Answers, c: Compared) -> Compared:
    """A case that ended in an error, with what was expected of it where that is known."""
    if c.observation.error is None or c.case.device == ANOTHER:
        return c
    if answers.complaints(c.case, c.observation) is not None:  # no one value is right
        return c
    try:
        return replace(c, expected=answers.reference(c.case).values)
    except ReferenceFailed:
        return c


def _mistakes_alone(answers: Answers, compared: Sequence[Compared]) -> list[tuple[str, str]]:
    """The mistakes that reproduce the observation in every case, each by itself.

    Several of one sentence are one: what is said of the answer is the same.
    """
    real = [c for c in compared if c.case.device != ANOTHER]
    order = sorted(real, key=lambda c: c.passed)  # failing cases rule most mistakes out at once
    if all(c.passed for c in real):
        return []
    found = [
        (code, message)
        for code, message, raises in answers.mistakes()
        if all(reproduces(answers.mistaken(code, c.case), c, raises) for c in order)
    ]
    return of_one_sentence(found)
