"""Every answer to one exercise tried on several seeds and in two precisions, each call made once.

What the reference and the mistakes do is kept: the verdicts on all answers are diagnosed from it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import repeat
from typing import Any

import torch

from grader.diagnosis.comparison import Rules, agree
from grader.diagnosis.diagnose import Seen, diagnose
from grader.diagnosis.verdict import Verdict
from grader.engine import state
from grader.engine.observation import Raised
from grader.engine.task import Case, Task
from grader.engine.watch import observe
from grader.trusted.key import Key, Mistake
from grader.trusted.live import LiveAnswers

SEEDS = tuple(f"seed {number}" for number in range(5))
PRECISIONS = (torch.float64, torch.float32)

Round = tuple[LiveAnswers, tuple[tuple[Case, ...], ...]]
"""The answers of a seed, and the cases in each precision in which they are tried."""


class Trials:
    """One exercise under trial on one device.

    Every precision is tried on every seed; or `once`, each on one seed that no other one has, and
    all mistakes in one of them, those of another exercise in another.
    """

    def __init__(
        self, task: Task, key: type[Key], device: str = "cpu", *, once: bool = False
    ) -> None:
        self.task, self.key, self.once = task, key, once
        self.answers = {seed: LiveAnswers(task, key, seed, device) for seed in SEEDS}

    @cached_property
    def draws(self) -> tuple[tuple[Case, ...], ...]:
        """All cases in each precision, and as they are written if that is neither."""
        cases = tuple(self.task.cases())
        cast = [tuple(replace(case, dtype=dtype) for case in cases) for dtype in PRECISIONS]
        return tuple(cast) if cases in cast else (cases, *cast)

    @cached_property
    def rounds(self) -> list[Round]:
        """What is tried on a seed: the cases in one precision, or in each of them."""
        of_each = [(cases,) for cases in self.draws] if self.once else repeat(self.draws)
        return list(zip(self.answers.values(), of_each, strict=False))

    @cached_property
    def rounds_of_mistakes(self) -> list[Round]:
        """In which of them the mistakes are tried: what one does is worked out there for all."""
        number = zlib.crc32(self.task.id.encode()) % len(self.rounds)
        return self.rounds[number : number + 1] if self.once else self.rounds

    def verdicts(self, functions: Sequence[Callable[..., Any]]) -> Iterator[Verdict]:
        """The verdict on an answer, on every seed and in every precision that are tried."""
        return self._over(self.rounds, functions, None)

    def verdicts_on(self, mistake: Mistake) -> Iterator[Verdict]:
        """The same on a named mistake."""
        functions = self.key.answer_with(mistake, self.task.functions)
        return self._over(self.rounds_of_mistakes, functions, mistake.code)

    def _over(
        self, rounds: Sequence[Round], functions: Sequence[Callable[..., Any]], code: str | None
    ) -> Iterator[Verdict]:
        """The verdicts on an answer, which `code` says is the mistake of that code.

        In float64 a mistake was called already, to be told from others.
        """
        for answers, draws in rounds:
            seen: dict[tuple[str, torch.dtype], Seen] = {}
            for cases in draws:
                yield self._verdict(answers, cases, functions, code, seen)

    def always_raised(self, mistake: Mistake) -> Raised | None:
        """What a mistake raises in the last case as written, if it raises in all."""
        error = None
        for case in self.task.cases():
            error = self.rounds_of_mistakes[0][0].mistaken(mistake.code, case).error
            if error is None:
                return None
        return error

    def twins(self, code: str) -> list[str]:
        """The other mistakes that do the same as this one in every case as written."""
        answers = self.answers[SEEDS[0]]

        def same(other: str) -> bool:
            return all(
                agree(
                    answers.mistaken(other, case),
                    answers.mistaken(code, case),
                    Rules.of(self.task, case),
                )
                for case in self.task.cases()
            )

        return [other for other, _, _ in answers.mistakes() if other != code and same(other)]

    def effects_of_the_reference(self) -> dict[str, str]:
        """Side effects that the reference has in any case as written. Raises ReferenceFailed."""
        found: dict[str, str] = {}
        for answers, _ in self.rounds:
            for case in self.task.cases():
                found |= answers.reference(case).effects
        return found

    def _verdict(
        self,
        answers: LiveAnswers,
        cases: Sequence[Case],
        functions: Sequence[Callable[..., Any]],
        code: str | None,
        known: dict[tuple[str, torch.dtype], Seen],
    ) -> Verdict:
        def see(case: Case) -> Seen:
            at = case.name, case.dtype
            if at not in known:
                if code is not None and case.dtype is torch.float64:
                    observation = answers.mistaken(code, case)
                else:
                    inputs = answers.inputs(case)
                    observation = observe(self.task, functions, inputs, case).observation
                known[at] = Seen(case, observation)
            return known[at]

        with state.defaults():
            seen = [see(case) for case in cases]
            verdict = diagnose(self.task, answers, seen)
            if verdict.passed and self.task.meta:
                seen.append(see(replace(self.task.meta_case(), dtype=cases[0].dtype)))
                verdict = diagnose(self.task, answers, seen)
        return verdict
