"""Grades a class: many submissions at once, one writer, and nothing that stops the batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from grader.box.both.ended import BoxRefused
from grader.engine.refusal import Refusal
from grader.judge.batch.desk import Desk
from grader.judge.batch.errands import (
    Clock,
    Draw,
    Errand,
    ErrandFailed,
    Fetch,
    Judge,
    OutOfTime,
    Read,
)
from grader.judge.batch.filing import Entered, Filing, FilingState
from grader.judge.batch.redoing import Redoing
from grader.judge.books.needs import Cause, Need, joined, nothing_ran
from grader.judge.intake.printable import quote, quote_name
from grader.judge.sitting.papers import Marked, Paper, Round

T = TypeVar("T")

MOST_LOST = 3
"""How many times in a row a worker or a box may be lost before the batch stops."""


class WorkersLost(Refusal):
    """There is nobody left to judge submissions."""


class Crew(Protocol):
    """Processes that judge submissions."""

    slots: int

    def submit(self, errand: Errand[T], round_: Round, clock: Clock) -> Future[T]:
        """Have one step of a submission done within its clock. Raises WorkersLost.

        It may end in OutOfTime, BoxRefused, ErrandFailed, or BrokenExecutor for a lost worker.
        """
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
    submission can forge them. `needs` are for a person to see to, one for each cause.
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


Steps = Generator[Future[Any], Any, Line]
"""One submission on its way: it hands out what it waits for, and is sent what came of it."""


@dataclass(frozen=True)
class _Way:
    student: str
    steps: Steps
    is_second: bool = False


class Batch:
    """The submissions of one assignment, graded while its lines are read.

    What a line reports is in all its places, or was given to `instead`. Reading raises
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
        instead: Callable[[Paper, Marked], None] | None = None,
        strangers: Mapping[str, str] | None = None,
    ) -> None:
        """`strangers` are not graded: what to say of each."""
        self._strangers = strangers or {}
        self._desk, self._filing, self._round, self._crew = desk, filing, round_, crew
        self._force, self._instead = force, instead
        self._redoing = Redoing(desk, round_)
        self._pending: dict[Future[Any], _Way] = {}
        self._to_retry: deque[str] = deque()
        self._lost = 0

    def lines(self, students: Iterable[str]) -> Iterator[Line]:
        """A line per student, in the order in which they are done."""
        asked = list(students)
        if self._force and self._instead is None:
            self._redoing.begin(asked)
        left = deque(asked)
        while left or self._pending:
            # One for each worker to do, one to take next, one to be filed: no more is in memory.
            while left and len(self._pending) < 3 * self._crew.slots:
                student = left.popleft()
                yield from self._go_on(_Way(student, self._steps(student)))
            if self._pending:
                yield from self._completed()
        while self._to_retry:  # what was pending when a worker or a box was lost: now by itself
            student = self._to_retry.popleft()
            yield from self._go_on(_Way(student, self._steps(student), is_second=True))
            while self._pending:
                yield from self._completed()
        if self._instead is None:
            self._redoing.end(asked)

    def file(self, paper: Paper, marked: Marked) -> Iterator[Line]:
        """The line of a submission that was judged before, once it is in all its places."""
        clock = Clock.of(self._round)
        entered = self._filing.file(paper, marked)
        steps = self._shown(paper, entered, "graded", clock)
        yield from self._go_on(_Way(paper.student, steps, is_second=True))
        while self._pending:
            yield from self._completed()

    def _completed(self) -> Iterator[Line]:
        done, _ = wait(self._pending, return_when=FIRST_COMPLETED)
        for future in [one for one in self._pending if one in done]:  # a set has no order
            yield from self._go_on(self._pending.pop(future), future)

    def _go_on(self, way: _Way, done: Future[Any] | None = None) -> Iterator[Line]:
        """Take a submission to its next step, or to its line."""
        error = done.exception() if done else None
        try:
            if error is not None:
                waits_for = way.steps.throw(error)
            else:
                waits_for = way.steps.send(done.result() if done else None)
            self._pending[waits_for] = way
        except StopIteration as end:
            self._lost = 0
            yield end.value
        except (BrokenExecutor, BoxRefused) as loss:
            yield from self._after(loss, way)
        except Refusal:
            raise
        except Exception as failure:
            yield _not_graded(way.student, failure)

    def _after(self, loss: BrokenExecutor | BoxRefused, way: _Way) -> Iterator[Line]:
        """See that a lost submission has a second try, and that there is somebody left to try."""
        if way.is_second:
            ended_twice = "the process that judged it ended, twice"
            reason = str(loss) if isinstance(loss, BoxRefused) else ended_twice
            yield _ungraded(way.student, quote(reason))
        else:
            self._to_retry.append(way.student)
        if getattr(loss, "at_work", False):  # its own doing, and no sign that others fail, too
            return
        self._lost += 1
        if self._lost >= MOST_LOST:
            raise loss if isinstance(loss, BoxRefused) else _workers_lost(loss) from loss

    def _steps(self, student: str) -> Steps:
        """One submission from its folder to its line; of nobody in the class, from its name."""
        if student in self._strangers:
            return _ungraded(student, self._strangers[student], Cause.UNKNOWN_STUDENT)
        clock = Clock.of(self._round)
        submit, round_ = self._crew.submit, self._round
        place = self._desk.place(round_.assignment, student)
        paper: Paper = yield submit(Read(place), round_, clock)
        state = FilingState.NEW if self._is_due(student) else self._filing.state(paper)
        if state is FilingState.DONE:
            return Line(student, "as before", needs=tuple(joined(self._filing.needs(paper))))
        if state is not FilingState.NEW:
            line: Line | None = yield from self._finished(paper, clock)
            if line is not None:  # else it is damaged, and graded anew
                return line
        marked: Marked = yield submit(Judge(paper), round_, clock)
        if self._instead is not None:
            self._instead(paper, marked)
            return Line(student, "as before")
        entered = self._filing.file(paper, marked)
        if entered is None:  # somebody else was first, and may have been killed at it
            line = yield from self._finished(paper, clock)
            return line or Line(student, "as before")
        return (yield from self._shown(paper, entered, "graded", clock))

    def _finished(self, paper: Paper, clock: Clock) -> Generator[Future[Any], Any, Line | None]:
        """Do what is left of a submission that was judged, if its notebooks can be read."""
        found: Path | None = None
        graded = entered = None
        # Elsewhere after a turn if a third put it in place, who may have been killed since.
        while entered is None and (now := self._filing.left(paper)) != found:
            found = now
            graded = yield self._crew.submit(Fetch(paper.student, now), self._round, clock)
            if graded is not None:
                entered = self._filing.finish(paper, now, graded)
        if graded is None:
            return None
        return (yield from self._shown(paper, entered, "finished", clock))

    def _is_due(self, student: str) -> bool:
        """Whether a submission is judged again, whatever was judged before."""
        return self._redoing.is_due(student) or (self._force and self._instead is not None)

    def _shown(self, paper: Paper, entered: Entered | None, state: str, clock: Clock) -> Steps:
        """Draw the feedback of what was entered: with every text as it stands, if need be."""
        if entered is None:  # somebody else who grades was first
            return Line(paper.student, "as before")
        line = _line(paper.student, state, entered)
        drawing = Draw(paper.student, entered.notebooks, entered.recorded)
        try:
            pages = yield from self._drawn(drawing, clock)
        except (OutOfTime, ErrandFailed, BrokenExecutor) as error:
            line = _with_incident(line, f"Its feedback shows texts as they are: {_said(error)}")
            again = Clock(clock.whole, self._round.handling)
            try:
                pages = yield from self._drawn(replace(drawing, plain=True), again)
            except (OutOfTime, ErrandFailed, BrokenExecutor) as worse:
                return _with_incident(line, f"It has no feedback page: {_said(worse)}")
        self._filing.show(paper, entered, pages)
        return line

    def _drawn(
        self, drawing: Draw, clock: Clock
    ) -> Generator[Future[Any], Any, Mapping[str, bytes]]:
        """The pages, asked for once more if the worker that drew them was lost."""
        try:
            pages: Mapping[str, bytes] = yield self._crew.submit(drawing, self._round, clock)
        except BrokenExecutor:
            pages = yield self._crew.submit(drawing, self._round, clock)
        return pages


def _workers_lost(error: BrokenExecutor) -> WorkersLost:
    return WorkersLost(
        f"The processes that judge submissions end as soon as they begin: {error}",
        "Is memory short? Try fewer --jobs. What is graded already stays graded.",
    )


def refused(desk: Desk, assignment: str) -> list[Line]:
    """A line for each thing among the submissions that is none, or can be no student's."""
    return [
        *(
            _ungraded(quote_name(name), f"{why}: give it the student's id", Cause.UNKNOWN_STUDENT)
            for name, why in desk.refused(assignment).items()
        ),
        *(
            _ungraded(quote_name(name), told, Cause.MISPLACED)
            for name, told in desk.misplaced(assignment).items()
        ),
    ]


def _not_graded(student: str, error: Exception) -> Line:
    cause = Cause.OUT_OF_TIME if isinstance(error, OutOfTime) else Cause.NOT_GRADED
    return _ungraded(student, _said(error), cause)


def _ungraded(student: str, reason: str, cause: Cause = Cause.NOT_GRADED) -> Line:
    return Line(student, "not graded", reason=reason, needs=(Need(cause, reason),))


def _said(error: Exception) -> str:
    """What an exception says, as a person reads it."""
    is_ours = isinstance(error, OutOfTime | ErrandFailed)
    return quote(str(error) if is_ours else f"{type(error).__name__}: {error}")


def _with_incident(line: Line, sentence: str) -> Line:
    return replace(line, incidents=(*line.incidents, sentence))


def _line(student: str, state: str, entered: Entered) -> Line:
    notes = entered.notes
    if nothing_ran(notes.needs, entered.recorded):
        state = "not run"
    marks = [mark for one in entered.recorded.values() for mark in one.scores.values()]
    return Line(
        student,
        state,
        sum(mark.score for mark in marks),
        sum(mark.points for mark in marks),
        sum(one.penalty for one in entered.recorded.values()),
        any(one.seconds_late > 0 for one in entered.recorded.values()),
        any(mark.needs_grading for mark in marks),
        entered.isolation,
        notes.repairs,
        notes.incidents,
        notes.plain,
        needs=tuple(joined(notes.needs)),
    )
