"""What judging a class once more would change, before any of it is written.

Everybody is judged as `autograd-course grade` judges, from the same secret, and what is shown is
what is then written: nothing is judged a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass

from nbgrader.utils import determine_grade, is_grade

from grader.diagnosis.verdict import Verdict
from grader.engine.refusal import Refusal
from grader.judge.batch.desk import Desk
from grader.judge.batch.errands import Clock, ErrandFailed, OutOfTime, Read
from grader.judge.batch.filing import Filing, FilingState
from grader.judge.batch.pool import Batch, Crew, Line
from grader.judge.books.left import is_left
from grader.judge.books.register import Handed, Mark, read_register
from grader.judge.books.standing import standings
from grader.judge.books.tables import VerdictRow
from grader.judge.books.unanswered import elsewhere
from grader.judge.sitting.papers import Marked, Paper, Round

_CLOSE = 1e-6
"""Scores are rounded to this before they are written."""


class NothingToRegrade(Refusal):
    """Nobody was graded yet."""

    def __init__(self, assignment: str) -> None:
        super().__init__(
            f"No submission of {assignment} was judged yet.", f"autograd-course grade {assignment}"
        )


@dataclass(frozen=True)
class Change:
    """One graded cell that would be graded otherwise: points, and the findings in words.

    What a person gave (`manual`) counts as before, whatever the judge says now.
    """

    cell: str
    points: float
    before: float | None
    after: float | None
    was: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    manual: float | None = None

    @property
    def gain(self) -> float:
        """What it adds to the learner's score."""
        return 0.0 if self.manual is not None else (self.after or 0.0) - (self.before or 0.0)


@dataclass(frozen=True)
class Regraded:
    """One learner whose grading would change; `score` is the present one, before any penalty."""

    paper: Paper
    marked: Marked
    changes: tuple[Change, ...]
    score: float
    late: bool

    @property
    def student(self) -> str:
        """Whose it is."""
        return self.paper.student

    @property
    def new_score(self) -> float:
        """The score that it would become."""
        return self.score + sum(change.gain for change in self.changes)


def as_graded(desk: Desk, assignment: str) -> Round:
    """The assignment on the hidden cases that were drawn for it last; this draws none.

    Raises NothingToRegrade and NoForm.
    """
    secret = desk.ledger.drawn(assignment)
    if secret is None:
        raise NothingToRegrade(assignment)
    return desk.round(assignment, version=secret.version)


class Preview:
    """A class judged once more, and nothing written yet."""

    def __init__(self, desk: Desk, filing: Filing, round_: Round) -> None:
        """Raises NothingToRegrade and NotReleased."""
        self._desk, self._filing, self._round = desk, filing, round_
        self._register = read_register(desk.course, round_.assignment)
        self._standing = standings(desk.ledger, round_.assignment)
        if not self._standing:
            raise NothingToRegrade(round_.assignment)
        self.changed: list[Regraded] = []

    def judged_before(self, students: Iterable[str], crew: Crew) -> tuple[list[str], list[str]]:
        """Who can be compared, and who cannot: their submission is not the one that was graded,
        was graded on other hidden cases, or not to the end."""
        able: list[str] = []
        unable: list[str] = []
        for student in students:
            place = self._desk.place(self._round.assignment, student)
            reading = crew.submit(Read(place), self._round, Clock.of(self._round))
            try:
                is_done = self._filing.state(reading.result()) is FilingState.DONE
            except (BrokenExecutor, OutOfTime, ErrandFailed):
                is_done = False
            (able if is_done else unable).append(student)
        return able, unable

    def lines(self, students: Sequence[str], crew: Crew) -> Iterator[Line]:
        """Judge these; a line for each, of which only those not graded tell anything.

        Raises WorkersLost and BoxRefused.
        """
        batch = Batch(
            self._desk, self._filing, self._round, crew, force=True, instead=self._compare
        )
        yield from batch.lines(students)

    def write(self, crew: Crew) -> Iterator[tuple[Regraded, bool]]:
        """Write what changed; whether it was, or somebody else graded that submission meanwhile.

        Raises FilingRefused and GradebookRefused.
        """
        batch = Batch(self._desk, self._filing, self._round, crew)
        for one in self.changed:
            [line] = batch.file(one.paper, one.marked)
            yield one, line.state != "as before"

    def _compare(self, paper: Paper, marked: Marked) -> None:
        row = self._register.rows.get(paper.student, Handed())
        standing = self._standing.get(paper.student)
        then = standing.verdicts if standing else {}
        changes = tuple(_changes(paper, marked, row, then))
        if changes:
            late = row.seconds_late > 0
            self.changed.append(Regraded(paper, marked, changes, row.score, late))


def _changes(
    paper: Paper, marked: Marked, row: Handed, then: Mapping[str, VerdictRow]
) -> Iterator[Change]:
    for name, graded in marked.graded.items():
        absent = paper.notebooks[name].notebook is None
        by_hand = elsewhere(graded.notebook)
        for cell in graded.notebook.cells:
            if not is_grade(cell) or is_left(cell):
                continue
            cell_name = cell.metadata.nbgrader.grade_id
            after, points = determine_grade(cell)
            if cell_name in by_hand:
                after = None
            old = row.marks.get(cell_name, Mark(None, None, 0.0, False))
            verdict = graded.verdicts.get(cell_name)
            was = then.get(verdict.exercise) if verdict else None
            change = Change(
                cell_name,
                points,
                old.auto,
                0.0 if absent else after,
                () if was is None else tuple(_recorded_findings(was)),
                () if verdict is None else tuple(_findings(verdict)),
                old.manual,
            )
            if _differs(change) or (was and verdict and not _same(was, verdict)):
                yield change


def _differs(change: Change) -> bool:
    if change.before is None or change.after is None:
        return change.before is not change.after
    return abs(change.before - change.after) > _CLOSE


def _same(was: VerdictRow, verdict: Verdict) -> bool:
    """Whether both say the same of the same cases."""
    then = was.outcome, was.credit, [(case["name"], case["passed"]) for case in was.cases]
    now = (
        verdict.outcome.value,
        verdict.credit,
        [(case.name, case.passed) for case in verdict.cases],
    )
    return then == now and list(_recorded_findings(was)) == list(_findings(verdict))


def _recorded_findings(row: VerdictRow) -> Iterator[str]:
    yield row.outcome
    yield from (f"{finding['code']}: {finding['message']}" for finding in row.findings)


def _findings(verdict: Verdict) -> Iterator[str]:
    yield verdict.outcome.value
    yield from (f"{finding.code}: {finding.message}" for finding in verdict.findings)
