"""Which of a learner's many gradings counts: the newest of each notebook, with its verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from grader.judge.books.ledger import Ledger
from grader.judge.books.needs import nothing_ran
from grader.judge.books.tables import SittingRow, VerdictRow


@dataclass(frozen=True)
class Standing:
    """What counts of one learner: the newest gradings, newest first, and the verdicts in them."""

    sittings: tuple[SittingRow, ...]
    verdicts: Mapping[str, VerdictRow] = field(default_factory=dict)

    @property
    def unread(self) -> bool:
        """Whether nothing of the submission could be run.

        Version 0.1.0 did not note it. Its verdicts on such a submission hold no case.
        """
        notebooks = {name for row in self.sittings for name in row.notebooks}
        needs = [need for row in self.sittings for need in row.needs]
        if notebooks and nothing_ran(needs, notebooks):
            return True
        rows = self.verdicts.values()
        return bool(rows) and all(row.outcome == "not attempted" and not row.cases for row in rows)


def standings(ledger: Ledger, assignment: str) -> dict[str, Standing]:
    """What counts of everybody whose submission of the assignment was judged, by name."""
    sittings: dict[str, list[SittingRow]] = defaultdict(list)
    for sitting in ledger.sittings(assignment):
        sittings[sitting.student].append(sitting)
    verdicts: dict[str, list[VerdictRow]] = defaultdict(list)
    for verdict in ledger.latest(assignment):
        verdicts[verdict.student].append(verdict)
    return {
        student: _standing(newest(rows), verdicts[student]) for student, rows in sittings.items()
    }


def newest(sittings: Iterable[SittingRow]) -> tuple[SittingRow, ...]:
    """The newest grading of each notebook, newest first.

    `autograd-course grade` grades a submission's notebooks together; nbgrader's own commands
    grade one after the other.
    """
    seen: set[str] = set()
    found = []
    for sitting in sorted(sittings, key=lambda row: row.id, reverse=True):
        notebooks = set(sitting.notebooks) or {""}
        if notebooks - seen:
            seen |= notebooks
            found.append(sitting)
    return tuple(found)


def _standing(sittings: tuple[SittingRow, ...], verdicts: Iterable[VerdictRow]) -> Standing:
    """Without the verdicts on exercises that the assignment had in an earlier grading only."""
    times = {sitting.at for sitting in sittings}
    kept = sorted((row for row in verdicts if row.at in times), key=lambda row: row.id)
    return Standing(sittings, {row.exercise: row for row in kept})
