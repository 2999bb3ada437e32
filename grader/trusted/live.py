"""Answers computed from a key on the spot: references in float64, each mistake when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch

from grader.diagnosis.diagnose import ReferenceFailed
from grader.diagnosis.messages import say
from grader.engine.observation import Observation
from grader.engine.task import Case, Inputs, Task, draw_inputs
from grader.engine.watch import observe
from grader.trusted.key import Key, Mistake


class LiveAnswers:
    """The trusted half of one exercise for one seed and device."""

    decides = True
    caveats: tuple[str, ...] = ()

    def __init__(self, task: Task, key: type[Key], seed: str, device: str) -> None:
        self.task, self.key, self.seed, self.device = task, key, seed, device
        self.sentences = key.sentences
        self._mistakes = {m.code: m for m in key.mistakes(task.functions)}
        self._pairs = {pair.code: pair for pair in key.two_at_once(task.functions)}
        self._inputs: dict[tuple[str, torch.dtype], Inputs] = {}
        self._seen: dict[tuple[str, str, torch.dtype], Observation] = {}

    def holds(self, case: Case) -> bool:
        """Every case can be computed."""
        return True

    def inputs(self, case: Case) -> Inputs:
        """The inputs the learner's answer is given in this case: to be copied, not written to."""
        at = case.name, case.dtype
        if at not in self._inputs:
            self._inputs[at] = draw_inputs(self.task, case, self.seed, self.device)
        return self._inputs[at]

    def reference(self, case: Case) -> Observation:
        """What the right answer does. Raises ReferenceFailed."""
        seen = self._observe("reference", case, None)
        if seen.error is not None:
            raise ReferenceFailed(
                f"the reference of {self.task.id} raised {seen.error.type_name} in case "
                f"{case.name}: {seen.error.message}"
            )
        return seen

    def mistakes(self) -> Iterable[tuple[str, str, str | None]]:
        """Code, sentence and error pattern of each named mistake."""
        return [(m.code, m.message, m.raises) for m in self._mistakes.values()]

    def pairs(self) -> Iterable[tuple[str, str, str]]:
        """Code and both sentences of every two mistakes that the key makes at once."""
        return [(pair.code, pair.one, pair.other) for pair in self._pairs.values()]

    def mistaken(self, code: str, case: Case) -> Observation:
        """What a mistake, or a pair of them, does in this case."""
        pair = self._pairs.get(code)
        return self._observe(code, case, self._mistakes[code] if pair is None else pair.made)

    def complaints(self, case: Case, observation: Observation) -> list[tuple[str, str]] | None:
        """What the key's `accepts` objects to, or None for keys with a reference."""
        if self.key.accepts is None:
            return None
        try:
            codes = list(self.key.accepts(self.inputs(case), dict(observation.values)))
        except Exception:  # anything may have been returned: what cannot be read is not accepted
            functions = " and ".join(self.task.functions)
            return [("CHECK.unreadable", say("CHECK.unreadable", functions=functions))]
        return [(f"{self.task.id}.{code}", self.key.complaints[code]) for code in codes]

    def _observe(self, what: str, case: Case, mistake: Mistake | None) -> Observation:
        known = self._seen.get((what, case.name, case.dtype))
        if known is None:
            names = self.task.functions
            functions = (
                self.key.answer(names) if mistake is None else self.key.answer_with(mistake, names)
            )
            # The answer's inputs were rounded to the case's dtype; the reference sees the same
            # values, in float64.
            precise = replace(case, dtype=torch.float64)
            known = observe(self.task, functions, self.inputs(case), precise).observation
            self._seen[what, case.name, case.dtype] = known
        return known
