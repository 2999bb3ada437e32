"""Grades a class: many submissions at once, one writer, and nothing that stops the batch."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass
from typing import Protocol

from grader.box.both.ended import BoxRefused
from grader.engine.refusal import Refusal
from grader.judge.batch.desk import Desk
from grader.judge.batch.filing import Damaged, Filed, Filing, FilingState
from grader.judge.books.needs import Cause, Need, nothing_ran
from grader.judge.intake.printable import quote
from grader.judge.sitting.papers import Marked, Paper, Round

MOST_LOST = 3
"""How many times in a row a worker or a box may be lost before the batch stops."""


class WorkersLost(Refusal):
    """There is nobody left to judge submissions."""


class Crew(Protocol):
    """Processes that judge submissions."""

    slots: int

    def submit(self, round_: Round, paper: Paper) -> Future[Marked]:
        """Have one submission judged. Raises WorkersLost."""
        ...

    def renew(self) -> None:
        """Go on after a worker was lost, and with it all that was pending."""
        ...

    def close(self) -> None:
        """Let the workers go, whatever they are doing."""
        ...


@dataclass(frozen=True)
class Line:
    """What became of one submission.

    `state` is `graded`, `finished` (an earlier run had judged it and was cut off), `as before`,
    `not run` (there was nothing to run: it has no points) or `not graded`, which `reason` then
    explains. `plain` are graded cells that ran inside the box by nbgrader's own rule, where a
    submission can forge them. `needs` are for a person to see to.
    """

    student: str
    state: str
    score: float = 0.0
    points: float = 0.0
    penalty: float = 0.0
    late: bool = False
    by_hand: bool = False
    isolation: str = ""
    repairs: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    reason: str = ""
    needs: tuple[Need, ...] = ()


class Batch:
    """The submissions of one assignment, graded while its lines are read.

    What a line reports is in all its places, or where `put` puts what was judged. Reading raises
    FilingRefused or GradebookRefused when a result cannot be written, and WorkersLost or BoxRefused
    when nothing can be judged any more.
    """

    def __init__(
        self,
        desk: Desk,
        filing: Filing,
        round_: Round,
        crew: Crew,
        *,
        force: bool = False,
        put: Callable[[Paper, Marked], Filed | None] | None = None,
        strangers: Mapping[str, str] | None = None,
    ) -> None:
        """`strangers` are not graded: what to say of each."""
        self._strangers = strangers or {}
        self._desk, self._filing, self._round, self._crew = desk, filing, round_, crew
        self._force, self._put = force, put or filing.file
        self._pending: dict[Future[Marked], Paper] = {}
        self._to_retry: deque[Paper] = deque()
        self._lost = 0

    def lines(self, students: Iterable[str]) -> Iterator[Line]:
        """A line per student, in the order in which they are done."""
        left = iter(students)
        while True:
            for student in left:
                line = self._begin(student)
                if line is not None:
                    yield line
                # One for each worker to do and one to take next: no more is held in memory.
                if len(self._pending) >= 2 * self._crew.slots:
                    break
            if not self._pending:
                break
            yield from self._completed()
        while self._to_retry:
            yield self._alone(self._to_retry.popleft())

    def _begin(self, student: str) -> Line | None:
        """Have a submission judged, unless it was before, or is of nobody in the class."""
        if student in self._strangers:
            why = self._strangers[student]
            need = Need(Cause.UNKNOWN_STUDENT, why)
            return Line(student, "not graded", reason=why, needs=(need,))
        paper = self._desk.paper(self._round, student)
        state = FilingState.NEW if self._force else self._filing.state(paper)
        if state is FilingState.DONE:
            return Line(student, "as before", needs=self._filing.needs(paper))
        if state is not FilingState.NEW:
            with contextlib.suppress(Damaged):
                return _line(paper, "finished", self._filing.finish(paper))
        self._pending[self._crew.submit(self._round, paper)] = paper
        return None

    def _completed(self) -> Iterator[Line]:
        done, _ = wait(self._pending, return_when=FIRST_COMPLETED)
        lost: BrokenExecutor | None = None
        for future in done:
            paper = self._pending.pop(future)
            try:
                marked = future.result()
            except BrokenExecutor as error:
                lost = error
                self._to_retry.append(paper)
            except BoxRefused as refusal:
                self._to_retry.append(paper)
                self._count(refusal)
            except Exception as error:
                yield _not_graded(paper, f"{type(error).__name__}: {error}")
            else:
                yield self._file(paper, marked)
        if lost is not None:  # which of those pending did it will be seen
            self._to_retry += self._pending.values()
            self._pending.clear()
            self._crew.renew()
            self._count(_workers_lost(lost))

    def _alone(self, paper: Paper) -> Line:
        """Judge once more, by itself, what was pending when a worker or a box was lost."""
        try:
            marked = self._crew.submit(self._round, paper).result()
        except BrokenExecutor as error:
            self._crew.renew()
            self._count(_workers_lost(error))
            return _not_graded(paper, "the process that judged it ended, twice")
        except BoxRefused as refusal:
            self._count(refusal)
            return _not_graded(paper, str(refusal))
        except Exception as error:
            return _not_graded(paper, f"{type(error).__name__}: {error}")
        return self._file(paper, marked)

    def _count(self, refusal: Refusal) -> None:
        self._lost += 1
        if self._lost >= MOST_LOST:
            raise refusal

    def _file(self, paper: Paper, marked: Marked) -> Line:
        self._lost = 0
        try:
            filed = self._put(paper, marked)
        except Refusal:
            raise
        except Exception as error:
            return _not_graded(paper, f"{type(error).__name__}: {error}")
        return _line(paper, "graded", filed)


def _workers_lost(error: BrokenExecutor) -> WorkersLost:
    return WorkersLost(
        f"The processes that judge submissions end as soon as they begin: {error}",
        "Is memory short? Try fewer --jobs. What is graded already stays graded.",
    )


def _not_graded(paper: Paper, reason: str) -> Line:
    told = quote(reason)
    return Line(paper.student, "not graded", reason=told, needs=(Need(Cause.NOT_GRADED, told),))


def _line(paper: Paper, state: str, filed: Filed | None) -> Line:
    if filed is None:  # somebody else who grades was first
        return Line(paper.student, "as before")
    notes = filed.notes
    if nothing_ran(notes.needs, filed.recorded):
        state = "not run"
    marks = [mark for one in filed.recorded.values() for mark in one.scores.values()]
    return Line(
        paper.student,
        state,
        sum(mark.score for mark in marks),
        sum(mark.points for mark in marks),
        sum(one.penalty for one in filed.recorded.values()),
        any(one.seconds_late > 0 for one in filed.recorded.values()),
        any(mark.needs_grading for mark in marks),
        filed.isolation,
        notes.repairs,
        notes.incidents,
        notes.plain,
        needs=notes.needs,
    )
