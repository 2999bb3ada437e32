"""One case with what the answer did in it, and how that differs from what it should do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from grader.diagnosis.comparison import Difference, Rules
from grader.engine.observation import Observation, Plain
from grader.engine.task import ANOTHER, Case
from grader.errors import explain


@dataclass(frozen=True)
class Seen:
    """One case with what the learner's answer did in it."""

    case: Case
    observation: Observation


@dataclass(frozen=True)
class Compared:
    """One case, compared with the reference or judged by the key.

    `secret` says that nothing of the case may be told, since its inputs are hidden. `expected` are
    the right values, where there is a reference; `drawn` the case's inputs, and `inputs` those of
    them that the answer is given under their names.
    """

    case: Case
    observation: Observation
    rules: Rules
    secret: bool
    differences: tuple[Difference, ...] = ()
    complaints: tuple[tuple[str, str], ...] = ()
    expected: Mapping[str, Plain] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    drawn: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong; on the meta device only an error about devices counts."""
        if self.case.device == ANOTHER:
            return not self.is_device_error
        seen = self.observation
        return not (seen.error or seen.effects or self.differences or self.complaints)

    @property
    def is_device_error(self) -> bool:
        """Whether it ended in torch's complaint about tensors on different devices."""
        error = self.observation.error
        found = explain(error.type_name, error.message) if error else None
        return found is not None and found.code == "device"


def only(c: Compared, names: Iterable[str]) -> Compared:
    """The case with the differences of some parts alone."""
    kept = frozenset(names)
    return replace(c, differences=tuple(d for d in c.differences if d.name in kept))
