"""What became of the mutants of one exercise: killed and how named, equivalent, alive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from grader.authoring.mutants.running import ENDLESS, UNNAMED, Tried
from grader.authoring.mutants.survivors import EVERYWHERE, REST, Reason
from grader.engine.task import Task

_PLAIN = (
    ENDLESS,
    "ERROR.after",
    "ERROR.raised",
    "NOT_",
    "SHAPE.other",
    "STRUCTURE",
    "TYPE",
    "WRONG",
)
"""What says that the answer is wrong, and nothing about how."""

NAMINGS = ("own", "fact", "generic", "plain", "unnamed")


def naming(exercise: str, code: str) -> str:
    """How a killed mutant was named: `own` (a mistake of the exercise, or its complaint), `fact`,
    `generic` (a signature, an explained error, an effect), `plain`, or `unnamed`: not tried."""
    if code == UNNAMED:
        return "unnamed"
    if code.startswith(f"{exercise}."):
        return "own"
    if code.startswith("FACT"):
        return "fact"
    return "plain" if code.startswith(_PLAIN) else "generic"


@dataclass(frozen=True)
class Report:
    """The mutants of one exercise, and the reasons that the list has for those that live."""

    exercise: str
    tried: tuple[Tried, ...]
    reasons: tuple[Reason, ...]

    @property
    def killed(self) -> list[Tried]:
        """Those that were found out."""
        return [one for one in self.tried if not one.alive]

    @property
    def equivalent(self) -> list[Tried]:
        """Those that got through, and are listed with a reason."""
        return [one for one in self.tried if one.alive and self.listed(one)]

    @property
    def alive(self) -> list[Tried]:
        """Those that got through and are not listed: holes, or yet to be explained."""
        return [one for one in self.tried if one.alive and not self.listed(one)]

    @property
    def idle(self) -> list[str]:
        """What the list holds of this exercise that no mutant alive is covered by."""
        living = [one.id for one in self.tried if one.alive]
        return [
            mutant
            for reason in self.reasons
            if reason.exercise != EVERYWHERE
            for mutant in reason.mutants
            if not any(replace(reason, mutants=(mutant,)).covers(one) for one in living)
        ]

    def listed(self, one: Tried) -> bool:
        """Whether a reason covers a mutant."""
        return any(reason.covers(one.id) for reason in self.reasons)

    def wrongly_listed(self) -> list[Tried]:
        """Killed mutants that the list names in full: it must shrink.

        The same line of two answers has one id: where one of them is alive, the list is right.
        """
        named = {m for reason in self.reasons for m in reason.mutants if REST not in m}
        alive = {one.id for one in self.tried if one.alive}
        return [one for one in self.killed if one.id in named - alive]

    def names(self) -> Counter[str]:
        """How the killed were named."""
        return Counter(naming(self.exercise, one.code) for one in self.killed)


def reasons_for(task: Task, *lists: Sequence[Reason]) -> tuple[Reason, ...]:
    """Those reasons that hold for an exercise, of its chapter's and of those of every exercise."""
    return tuple(
        reason
        for reasons in lists
        for reason in reasons
        if reason.exercise in (EVERYWHERE, task.id)
        and (not reason.allowed or reason.allowed in task.allows)
    )
