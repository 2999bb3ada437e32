"""Observes one answer again exactly as it was judged, with every number: for an appeal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from grader.diagnosis.verdict import Verdict
from grader.engine.refusal import Refusal
from grader.judge.batch.desk import Desk
from grader.judge.books.tables import VerdictRow
from grader.judge.sitting.examiner import examine, versions
from grader.judge.sitting.papers import Paper, Round


class NothingToReplay(Refusal):
    """The ledger has no such verdict, or what it was reached with is gone."""


@dataclass(frozen=True)
class Replay:
    """A recorded verdict and the one reached now; `changes` says what is not as it was then."""

    recorded: VerdictRow
    verdict: Verdict
    changes: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether both give the same credit for the same cases."""
        now = [(case.name, case.passed) for case in self.verdict.cases]
        then = [(case["name"], case["passed"]) for case in self.recorded.cases]
        return now == then and self.verdict.credit == self.recorded.credit


def replay(desk: Desk, student: str, exercise: str, assignment: str | None = None) -> Replay:
    """Judge a student's newest verdict on an exercise once more, from the same hidden cases.

    The whole submission runs, as it did then, and nothing is recorded. Unlike feedback, the verdict
    carries the hidden inputs' numbers: it is for the instructor alone. Raises NothingToReplay,
    NoForm and BoxRefused.
    """
    row = _recorded(desk, student, exercise, assignment)
    desk.grading.device = row.device
    desk.grading.isolation = row.isolation if row.isolation == "none" else desk.grading.isolation
    round_ = replace(desk.round(row.assignment, version=row.secret_version), hidden=False)
    paper = desk.paper(round_, student)
    marked = examine(round_, paper)
    verdicts = (v for one in marked.graded.values() for v in one.verdicts.values())
    verdict = next((v for v in verdicts if v.exercise == exercise), None)
    if verdict is None:
        raise NothingToReplay(
            f"{row.assignment} has no check of {exercise} any more.",
            "Release the assignment as it was when it was graded.",
        )
    return Replay(row, verdict, tuple(_changes(row, round_, paper, marked.isolation)))


def _recorded(desk: Desk, student: str, exercise: str, assignment: str | None) -> VerdictRow:
    rows = desk.ledger.verdicts(student, exercise, assignment)
    if not rows:
        where = f" in {assignment}" if assignment else ""
        raise NothingToReplay(
            f"There is no verdict on {exercise} by {student}{where}.",
            "Look at the names: grader.exercises() lists the exercises, and students are called "
            "as in the folder of submissions.",
        )
    return rows[-1]


def _changes(row: VerdictRow, round_: Round, paper: Paper, isolation: str) -> Iterator[str]:
    if paper.digest != row.submission:
        yield "The submission is not the one that was judged: it was collected again, or changed."
    if isolation != row.isolation:
        yield f"It was judged with isolation {row.isolation}, and now with {isolation}."
    for name, now in versions().items():
        then = row.versions.get(name)
        if then != now:
            yield f"It was judged with {name} {then or '(not recorded)'}, now with {name} {now}."
