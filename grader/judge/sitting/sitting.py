"""Runs one submission in a box, cell by cell, and judges its checks where they stand."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from nbformat import from_dict

from grader.box.both.ended import BoxEnded, CallFailed, CallInterrupted
from grader.box.both.ended import Cause as Ending
from grader.judge.books.left import is_left, leave
from grader.judge.books.needs import Cause
from grader.judge.intake.cells import Cell, is_test
from grader.judge.intake.form import Notebook
from grader.judge.sitting.checks import check_in, runs, unknown_in
from grader.judge.sitting.happened import Happened, Incident, dropped
from grader.judge.sitting.judging import Judge, Question
from grader.judge.sitting.packages import missing_packages
from grader.judge.sitting.papers import Graded
from grader.judge.sitting.scores import error, judged_outputs, keep_in_range, score_alone, tells

Pause = Callable[[], AbstractContextManager[None]]

MOST_BOXES = 20
"""How many boxes one submission may use up before the rest of it stays unrun."""

_AGAIN = {Ending.EXITED, Ending.KILLED}
"""How a box ends by what an earlier exercise left behind, such as a timer."""

_UNKNOWN = "This version of the course does not have the exercise. A person grades it."
_TOO_OFTEN = f"Not run: this submission ended its process too often. It may use {MOST_BOXES}."
_LATE = "The time for this submission was up before this cell."


class Box(Protocol):
    """One sandboxed process, as `grader.box` makes it; no cell or call in it runs past `until`."""

    until: float

    def run_cell(self, source: str) -> Any:
        """Run a cell and return its outputs."""
        ...

    def calls(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[dict[str, Any], bytes] | CallInterrupted | CallFailed]:
        """Ask the loop inside the box: its replies, or why there is none."""
        ...


class Boxes(Protocol):
    """What opens boxes."""

    def will_draw(self) -> None:
        """Have ready in all that are still to be opened what cells need that draw."""
        ...

    def open(self, files: Mapping[str, bytes]) -> AbstractContextManager[Box]:
        """A fresh box whose folder holds `files`."""
        ...


class Sitting:
    """One submission from its first cell to its last.

    The notebook is normalised: its graded cells are the instructor's. If the box ends in a cell,
    that cell gets the reason as its error, and the next one that needs a box gets a fresh one in
    which all earlier cells but the deadly ones were run again. `ignored` is a pattern: what a
    plain graded cell writes to stderr does not cost its points if it is found there. Unless
    `hidden`, verdicts carry the numbers of hidden cases.

    A box that was asked knows hidden inputs and could show them. So if any cell after the first
    check shows something, what is kept of those cells comes from a second run, without the checks.

    Both runs together, with all that is run again, take no more than `seconds` from the moment at
    which the first box is ready; until then is a `pause`. What the second run does not come to
    shows nothing but its score.
    """

    def __init__(
        self,
        boxes: Boxes,
        judge: Judge,
        files: Mapping[str, bytes],
        seconds: float = 300.0,
        ignored: str = "",
        *,
        hidden: bool = True,
        pause: Pause = nullcontext,
    ) -> None:
        self._boxes, self._judge, self._files = boxes, judge, files
        self._hidden, self._seconds, self._pause = hidden, seconds, pause
        self._deadline: float | None = None
        self._ignored = re.compile(ignored) if ignored else None
        self._box: Box | None = None
        self._open: AbstractContextManager[Box] | None = None
        self._deadly: set[int] = set()
        self._cells: Sequence[Cell] = ()
        self._happened = Happened()
        self._reports = True
        self._asked = False  # whether this box was asked about an exercise
        self._stopped = ""
        self._at = self._end = 0  # the cell that is taken, and the first that was not run

    def grade(self, notebook: Notebook) -> Graded:
        """Run and judge the notebook; its cells' outputs are replaced. Raises BoxRefused."""
        graded = Graded(notebook)
        self._cells, self._end = notebook.cells, len(notebook.cells)
        codes = [index for index, cell in enumerate(self._cells) if runs(cell)]
        self._go_through(codes, lambda cell: self._take(cell, graded))
        asked = min(graded.trusted, default=len(self._cells))
        codes = [index for index in codes if index < self._end]  # what was not run is no news
        later = {index for index in codes if index > asked} - graded.trusted
        if any(tells(self._cells[index]) for index in later):
            unasked = [index for index in codes if index not in graded.trusted | self._deadly]
            self._reports = False  # what happened is known
            self._go_through(unasked, lambda cell: self._show_again(cell, later))
        graded.incidents, graded.needs = self._happened.incidents, self._happened.needs
        return graded

    @property
    def seconds_left(self) -> float:
        """What is left of the time, once a notebook was graded."""
        if self._deadline is None:
            return self._seconds
        return max(0.0, self._deadline - time.monotonic())

    def _go_through(self, cells: Iterable[int], take: Callable[[Cell], None]) -> None:
        """Take cells in turn, from a fresh box on."""
        self._used, self._stopped = 0, ""
        try:
            for self._at in cells:
                take(self._cells[self._at])
        finally:
            self._close()

    def _show_again(self, cell: Cell, later: Collection[int]) -> None:
        """Run a cell in a box that was never asked: what a `later` one shows now takes the place of
        what it showed."""
        outputs = self._run(cell)
        if self._at not in later:
            return
        if not (self._is_late() or self._stopped):
            self._keep(cell, outputs)
        elif tells(cell):
            why = self._stopped or _LATE
            told = Incident(
                f"It is not shown what this cell displayed. {why}",
                f"It is not shown what these cells displayed. {why}",
            )
            self._happened.note(told, self._at + 1)
            cell.outputs = score_alone(cell, told.sentence)

    def _keep(self, cell: Cell, outputs: list[Any]) -> None:
        cell.outputs = outputs
        if not is_test(cell):
            return
        if (exercise := unknown_in(cell)) is not None:
            leave(cell)
            cell.outputs = [error("NotJudged", _UNKNOWN)]
            lacks = "This version of the course has no {names}."
            told = lacks.format(names=exercise)
            self._happened.note(Incident(told, lacks, Cause.ANOTHER_VERSION, name=exercise))
            return
        cell.outputs = [output for output in outputs if not self._ignores(output)]
        keep_in_range(cell, self._happened)

    def _take(self, cell: Cell, graded: Graded) -> None:
        check = check_in(cell)
        if check is None:
            self._keep(cell, self._run(cell))
            if is_test(cell) and not is_left(cell):
                graded.plain.append(cell.metadata.nbgrader.grade_id)
            return
        verdict = self._judge.verdict(
            check.exercise, check.functions, self._ask, hidden=self._hidden
        )
        points = float(cell.metadata.nbgrader.points)
        cell.outputs = judged_outputs(verdict, points)
        graded.verdicts[cell.metadata.nbgrader.grade_id] = verdict
        graded.trusted.add(self._at)
        if any(finding.code == "CHECK.did_not_finish" for finding in verdict.findings):
            told, several = "A call of {} ran too long.", "Calls of {names} ran too long."
            told = told.format(check.exercise)
            self._report(Incident(told, several, Cause.OUT_OF_TIME, name=check.exercise))

    def _ignores(self, output: Any) -> bool:
        stderr = output.output_type == "stream" and output.name == "stderr"
        return stderr and self._ignored is not None and bool(self._ignored.search(output.text))

    def _run(self, cell: Cell) -> list[Any]:
        try:
            ran = self._run_in_box(cell.source)
        except BoxEnded as reason:
            self._deadly.add(self._at)
            self._close()
            self._report_end(reason)
            return [error("BoxEnded", reason.ended.sentence)]
        except _NoBox as reason:
            self._stop(str(reason))
            return [error("BoxEnded", self._stopped)]
        outputs = [from_dict(output) for output in ran.outputs]
        shows = {output.output_type for output in outputs}
        if ran.truncated:
            lost = dropped(ran.dropped)
            self._report(lost)
            # What was lost may have been the score: a plain graded cell earns nothing by silence.
            if is_test(cell) and not shows & {"error", "execute_result"}:
                return [*outputs, error("OutputLost", lost.sentence)]
        if ran.interrupted:
            sentence = f"It ran for {ran.seconds:.0f} s, which is too long, and was interrupted."
            several = "They ran for up to {most:.0f} s, which is too long, and were interrupted."
            self._report(Incident(sentence, several, Cause.OUT_OF_TIME, ran.seconds))
            interrupt = {"output_type": "error", "ename": "KeyboardInterrupt"}  # not the learner's
            outputs = [one for one in outputs if not interrupt.items() <= one.items()]
            outputs.append(error("TimeUp", sentence))
        elif not ran.ok and "error" not in shows:
            outputs.append(error(ran.error or "CellFailed", "The cell failed."))
        for missing in missing_packages(outputs):
            self._happened.note(missing)
        return outputs

    def _report(self, incident: Incident) -> None:
        """Tell the instructor what happened in this cell."""
        if self._reports:
            self._happened.note(incident, self._at + 1)

    def _report_end(self, reason: BoxEnded) -> None:
        causes = {Ending.TIME: Cause.OUT_OF_TIME, Ending.LOST: Cause.PART_NOT_RUN}
        self._report(Incident(reason.ended.sentence, cause=causes.get(reason.ended.cause)))

    def _report_again(self, reason: BoxEnded) -> None:
        """Tell of an end that was no fault of this cell's, which did without it a second time."""
        if reason.ended.cause is not Ending.LOST:
            told = f"{reason.ended.sentence} An exercise before it had left something running."
            again, several = "It was run again by itself.", "They were run again by themselves."
            self._report(Incident(f"{told} {again}", f"{told} {several}"))

    def _ask(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Mapping[str, Any], bytes] | str]:
        """Put the judge's questions to the box: its replies, or codes that say why not."""
        said, lost = list[tuple[Mapping[str, Any], bytes] | str](), -1
        ended: BoxEnded | None = None
        while len(said) < len(questions):
            asked, self._asked = self._asked, True
            try:
                for reply in self._ready().calls(questions[len(said) :]):
                    said.append(_said(reply))
                    if self._is_late():
                        break
            except BoxEnded as reason:
                self._close()
                if reason.ended.cause is Ending.LOST and lost != len(said):
                    lost = len(said)  # the rest is asked again in a fresh box
                    continue
                if asked and reason.ended.cause in _AGAIN:
                    said, ended = [], reason  # all of it, as if no exercise had come before
                    continue
                self._report_end(reason)
                break
            except _NoBox as reason:
                self._stop(str(reason))
                break
        else:
            if ended is not None:
                self._report_again(ended)
        yield from [*said, *["CHECK.box_ended"] * (len(questions) - len(said))]

    def _stop(self, why: str) -> None:
        """Run nothing more; of all that is not run, the first is reported."""
        if not self._stopped:
            self._stopped, self._end = why, min(self._at, self._end)
            if why == _LATE:
                self._report(Incident(why, cause=Cause.OUT_OF_TIME))
            else:
                told = f"{why} Nothing below it was run."
                self._report(Incident(told, cause=Cause.PART_NOT_RUN))

    def _run_in_box(self, source: str) -> Any:
        """Run it, in a fresh box if this one is lost by no fault of the cell's."""
        asked = self._asked
        try:
            return self._ready().run_cell(source)
        except BoxEnded as reason:
            if reason.ended.cause is not Ending.LOST and not (
                asked and reason.ended.cause in _AGAIN
            ):
                raise
            ended = reason
        self._close()
        ran = self._ready().run_cell(source)
        self._report_again(ended)
        return ran

    def _ready(self) -> Box:
        """The box with every earlier cell run in it. Raises BoxEnded and _NoBox."""
        if self._stopped:
            raise _NoBox(self._stopped)
        if self._is_late():
            self._close()
            raise _NoBox(_LATE)
        if self._box is None:
            if self._used >= MOST_BOXES:
                raise _NoBox(_TOO_OFTEN)
            self._used += 1
            self._open = self._opened()
            self._box = self._open.__enter__()
            if self._deadline is None:
                self._deadline = time.monotonic() + self._seconds
            self._box.until = self._deadline
            for index, cell in enumerate(self._cells[: self._at]):
                if runs(cell) and index not in self._deadly and check_in(cell) is None:
                    self._box.run_cell(cell.source)
        return self._box

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _opened(self) -> AbstractContextManager[Box]:
        try:
            with self._pause() if self._deadline is None else nullcontext():
                if any("matplotlib" in cell.source for cell in self._cells if runs(cell)):
                    self._boxes.will_draw()
                return self._boxes.open(self._files)
        except CallFailed as failure:
            raise _NoBox("Not run: the submission's files do not fit into a box.") from failure

    def _close(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
        self._open = self._box = None
        self._asked = False


def _said(
    reply: tuple[dict[str, Any], bytes] | CallInterrupted | CallFailed,
) -> tuple[dict[str, Any], bytes] | str:
    """A reply, or the code that says why there is none."""
    if isinstance(reply, tuple):
        return reply
    late = isinstance(reply, CallInterrupted)
    return "CHECK.did_not_finish" if late else "CHECK.forged"


class _NoBox(Exception):
    """There is no box for the rest of this submission."""
