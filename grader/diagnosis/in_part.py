"""One named mistake in part: it explains every failing case, or every wrong part, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

import torch

from grader.diagnosis.compared import Compared
from grader.diagnosis.comparison import agree
from grader.diagnosis.messages import say
from grader.diagnosis.misses import Miss, same
from grader.diagnosis.multiples import ratio
from grader.engine.observation import Observation
from grader.engine.task import Case


class Mistaken(Protocol):
    """What is known of an exercise's mistakes."""

    def mistakes(self) -> Iterable[tuple[str, str, str | None]]:
        """Code, sentence and error pattern of each."""
        ...

    def mistaken(self, code: str, case: Case) -> Observation:
        """What one does in a case."""
        ...


def reproduces(mistaken: Observation, c: Compared, raises: str | None) -> bool:
    """Whether a mistake does in a case what was observed there."""
    received = c.observation
    one, other = mistaken.error, received.error
    if raises is not None and one is not None and other is not None:
        return one.type_name == other.type_name and bool(re.search(raises, other.message, re.S))
    return agree(mistaken, received, c.rules)


def mistake_in_part(
    answers: Mistaken, failing: Sequence[Compared], *, beside_errors: bool = False
) -> tuple[str, str] | None:
    """The code and sentence of the one mistake that gives what is wrong in every failing case.

    `beside_errors` says that these are the cases of a wrong answer that ended without an error.

    Only numbers count: words, truth values and effects are alike in many mistakes, and so are
    multiples of the right answer.
    """
    if not all(map(_is_of_numbers, failing)) or _is_multiple(failing):
        return None
    found: list[tuple[str, str]] = []
    for code, message, _ in answers.mistakes():
        if all(_gives(answers.mistaken(code, c.case), c) for c in failing):
            whole = all(reproduces(answers.mistaken(code, c.case), c, None) for c in failing)
            template = "PART.cases" if whole else "PART.values"
            template = "PART.calm" if beside_errors else template
            told = say(template, mistake=message)
            if beside := _right_beside(answers, code, failing):
                told += " " + say("PART.beside", others=beside)
            found.append((f"PART.{code}", told))
    found = of_one_sentence(found)
    return found[0] if len(found) == 1 else None


def _right_beside(answers: Mistaken, code: str, failing: Sequence[Compared]) -> str:
    """The parts that the mistake makes wrong as well, and that are right in the answer."""
    spoiled = dict.fromkeys(
        f"`{name}`"
        for c in failing
        for name, value in answers.mistaken(code, c.case).values.items()
        if name in c.observation.values
        and not same(value, c.observation.values[name], Miss(c.case, c.rules, c.differences[0]))
    )
    return ", ".join(list(spoiled)[:4]) + (", …" if len(spoiled) > 4 else "")


def of_one_sentence(found: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Codes and sentences, of each sentence the first code alone.

    >>> of_one_sentence([("a", "You added 1."), ("b", "You added 1.")])
    [('a', 'You added 1.')]
    """
    first: dict[str, str] = {}
    for code, sentence in found:
        first.setdefault(sentence, code)
    return [(code, sentence) for sentence, code in first.items()]


def _is_of_numbers(c: Compared) -> bool:
    seen = c.observation
    return (
        bool(c.differences)
        and not (seen.error or seen.effects or c.complaints)
        and all(
            d.kind in ("value", "shape") and isinstance(d.expected, torch.Tensor | float)
            for d in c.differences
        )
    )


def _is_multiple(failing: Sequence[Compared]) -> bool:
    """Whether a wrong part is a multiple of the right one in all cases."""
    misses: dict[str, list[Miss]] = {}
    for c in failing:
        for difference in c.differences:
            misses.setdefault(difference.path, []).append(Miss(c.case, c.rules, difference))
    return any(ratio(entries) is not None for entries in misses.values())


def _gives(mistaken: Observation, c: Compared) -> bool:
    """Whether every wrong part is as the mistake has it."""
    if mistaken.error is not None or mistaken.effects:
        return False
    miss = Miss(c.case, c.rules, c.differences[0])
    return all(
        d.name in mistaken.values
        and same(mistaken.values[d.name], c.observation.values.get(d.name), miss)
        for d in c.differences
    )
