"""Runs one submission in a box, cell by cell, and judges its checks where they stand."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from nbformat import from_dict
from nbformat.v4 import new_markdown_cell

from grader.box.both.ended import BoxEnded, CallFailed, CallInterrupted
from grader.box.both.ended import Cause as Ending
from grader.diagnosis.verdict import Outcome, Verdict
from grader.engine.catalogue import UnknownExercise, tasks
from grader.judge.books.left import is_left, leave
from grader.judge.books.needs import Cause, Need
from grader.judge.intake.cells import Cell, is_test
from grader.judge.intake.form import Notebook
from grader.judge.sitting.judging import Judge, Question
from grader.judge.sitting.packages import missing_packages
from grader.judge.sitting.papers import Graded
from grader.judge.sitting.scores import error, judged_outputs, keep_in_range, score_alone, tells

Pause = Callable[[], AbstractContextManager[None]]

MOST_BOXES = 20
"""How many boxes one submission may use up before the rest of it stays unrun."""

MOST_NEEDS = 20
"""How many things of one submission are told to a person; more are no news."""

_UNKNOWN = "This version of the course does not have the exercise. A person grades it."
_LATE = "The time for this submission was up before this cell."
_CHECK = re.compile(r'check\("(\w+)"((?:, [A-Za-z_]\w*)+)\)')


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

    def open(self, files: Mapping[str, bytes]) -> AbstractContextManager[Box]:
        """A fresh box whose folder holds `files`."""
        ...


@dataclass(frozen=True)
class Check:
    """A cell that asks the judge: the exercise, and the functions that answer it."""

    exercise: str
    functions: tuple[str, ...]


def check_in(cell: Cell) -> Check | None:
    """The check that a graded cell consists of, if it is one of the course's exercises."""
    if not is_test(cell):
        return None
    found = _CHECK.fullmatch(cell.source.strip())
    if found is None or found[1] not in tasks():
        return None
    functions = tuple(name.strip() for name in found[2].split(",") if name.strip())
    wanted = len(tasks()[found[1]].functions)
    return Check(found[1], functions) if len(functions) == wanted else None


def _unknown_in(cell: Cell) -> str | None:
    """The exercise for which a released check found none in this version of the course."""
    found = _CHECK.fullmatch(cell.source.strip())
    raised = any(output.get("ename") == UnknownExercise.__name__ for output in cell.outputs)
    return found[1] if found is not None and found[1] not in tasks() and raised else None


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
        self._incidents: list[str] = []
        self._needs: list[Need] = []
        self._reports = True
        self._stopped = ""
        self._at = 0

    def grade(self, notebook: Notebook) -> Graded:
        """Run and judge the notebook; its cells' outputs are replaced. Raises BoxRefused."""
        graded = Graded(notebook, incidents=self._incidents, needs=self._needs)
        self._cells = notebook.cells
        codes = [index for index, cell in enumerate(self._cells) if _runs(cell)]
        self._go_through(codes, lambda cell: self._take(cell, graded))
        asked = min(graded.trusted, default=len(self._cells))
        later = {index for index in codes if index > asked} - graded.trusted
        if any(tells(self._cells[index]) for index in later):
            unasked = [index for index in codes if index not in graded.trusted | self._deadly]
            self._reports = False  # what happened is known
            self._go_through(unasked, lambda cell: self._show_again(cell, graded, later))
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

    def _show_again(self, cell: Cell, graded: Graded, later: Collection[int]) -> None:
        """Run a cell in a box that was never asked: what a `later` one shows now takes the place of
        what it showed."""
        outputs = self._run(cell)
        if self._at not in later:
            return
        if not self._is_late():
            self._keep(cell, outputs, graded)
        elif tells(cell):
            why = f"It is not shown what this cell displayed. {_LATE}"
            graded.note(f"Cell {self._at + 1}: {why}")
            cell.outputs = score_alone(cell, why)

    def _show(self, cell: Cell, graded: Graded) -> None:
        """Run a cell that is no check."""
        self._keep(cell, self._run(cell), graded)

    def _keep(self, cell: Cell, outputs: list[Any], graded: Graded) -> None:
        cell.outputs = outputs
        if not is_test(cell):
            return
        if (exercise := _unknown_in(cell)) is not None:
            leave(cell)
            cell.outputs = [error("NotJudged", _UNKNOWN)]
            graded.need(Cause.ANOTHER_VERSION, f"This version of the course has no {exercise}.")
            return
        cell.outputs = [output for output in outputs if not self._ignores(output)]
        keep_in_range(cell, graded)

    def _take(self, cell: Cell, graded: Graded) -> None:
        check = check_in(cell)
        if check is None:
            self._show(cell, graded)
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
            self._report(f"A call of {check.exercise} ran too long.", Cause.OUT_OF_TIME)

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
            sentence = f"{ran.dropped:,} characters of its output were not kept."
            self._report(sentence)
            # What was lost may have been the score: a plain graded cell earns nothing by silence.
            if is_test(cell) and not shows & {"error", "execute_result"}:
                return [*outputs, error("OutputLost", sentence)]
        if ran.interrupted:
            sentence = f"It ran for {ran.seconds:.0f} s, which is too long, and was interrupted."
            self._report(sentence, Cause.OUT_OF_TIME)
            interrupt = {"output_type": "error", "ename": "KeyboardInterrupt"}  # not the learner's
            outputs = [one for one in outputs if not interrupt.items() <= one.items()]
            outputs.append(error("TimeUp", sentence))
        elif not ran.ok and "error" not in shows:
            outputs.append(error(ran.error or "CellFailed", "The cell failed."))
        self._needs += [need for need in missing_packages(outputs) if self._is_new(need)]
        return outputs

    def _is_new(self, need: Need) -> bool:
        return need not in self._needs and len(self._needs) < MOST_NEEDS

    def _report(self, sentence: str, cause: Cause | None = None) -> None:
        """Tell the instructor what happened in this cell; with a `cause`, a person must see to it.

        Once for a cell: a check whose box ends is asked no more, and says so as well.
        """
        told = f"Cell {self._at + 1}: {sentence}"
        if self._reports and told not in self._incidents:
            self._incidents.append(told)
            if cause is not None and self._is_new(Need(cause, told)):
                self._needs.append(Need(cause, told))

    def _report_end(self, reason: BoxEnded) -> None:
        is_late = reason.ended.cause is Ending.TIME
        self._report(reason.ended.sentence, Cause.OUT_OF_TIME if is_late else None)

    def _ask(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Mapping[str, Any], bytes] | str]:
        """Put the judge's questions to the box: its replies, or codes that say why not."""
        answered, lost = 0, -1  # `lost`: how many were answered when a box was lost
        while answered < len(questions):
            try:
                for reply in self._ready().calls(questions[answered:]):
                    answered += 1
                    yield _said(reply)
                    if self._is_late():
                        break
            except BoxEnded as reason:
                self._close()
                if reason.ended.cause is Ending.LOST and lost != answered:
                    lost = answered  # the rest is asked again in a fresh box
                    continue
                self._report_end(reason)
                break
            except _NoBox as reason:
                self._stop(str(reason))
                break
        yield from ["CHECK.box_ended"] * (len(questions) - answered)

    def _stop(self, why: str) -> None:
        """Run nothing more; of all that is not run, the first is reported."""
        if not self._stopped:
            self._stopped = why
            self._report(why, Cause.OUT_OF_TIME if why == _LATE else None)

    def _run_in_box(self, source: str) -> Any:
        """Run it, in a fresh box if this one is lost by no fault of the submission's."""
        try:
            return self._ready().run_cell(source)
        except BoxEnded as reason:
            if reason.ended.cause is not Ending.LOST:
                raise
        self._close()
        return self._ready().run_cell(source)

    def _ready(self) -> Box:
        """The box with every earlier cell run in it. Raises BoxEnded and _NoBox."""
        if self._stopped:
            raise _NoBox(self._stopped)
        if self._is_late():
            self._close()
            raise _NoBox(_LATE)
        if self._box is None:
            if self._used >= MOST_BOXES:
                raise _NoBox("Not run: this submission ended its process too often.")
            self._used += 1
            self._open = self._opened()
            self._box = self._open.__enter__()
            if self._deadline is None:
                self._deadline = time.monotonic() + self._seconds
            self._box.until = self._deadline
            for index, cell in enumerate(self._cells[: self._at]):
                if _runs(cell) and index not in self._deadly and check_in(cell) is None:
                    self._box.run_cell(cell.source)
        return self._box

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _opened(self) -> AbstractContextManager[Box]:
        try:
            with self._pause() if self._deadline is None else nullcontext():
                return self._boxes.open(self._files)
        except CallFailed as failure:
            raise _NoBox("Not run: the submission's files do not fit into a box.") from failure

    def _close(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
        self._open = self._box = None


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


def _runs(cell: Cell) -> bool:
    """Whether a cell is run: code, but for the release's own `progress()`, which in a box knows of
    nothing that the learner has done."""
    is_at_home = cell.source.strip() == "progress()" and not cell.id.startswith("own-")
    return bool(cell.cell_type == "code" and not is_at_home)


class NotRun(Verdict):
    """The verdict on an exercise of a notebook of which nothing was run."""

    @property
    def headline(self) -> str:
        """The outcome in one sentence."""
        return "Not run: the notebook begins with the reason."


def not_run(notebook: Notebook, why: str) -> Graded:
    """An assignment without a submission: nothing of it is run, and no cell earns a point.

    It begins with the reason, for whoever reads its page.
    """
    notebook.cells.insert(0, new_markdown_cell(f"**{why}**", id="not-run"))
    graded = Graded(notebook, ran=False)
    for index, cell in enumerate(notebook.cells):
        check = check_in(cell)
        if check is not None:
            functions = tasks()[check.exercise].functions
            verdict = NotRun(check.exercise, Outcome.NOT_ATTEMPTED, functions=functions)
            cell.outputs = judged_outputs(verdict, 0.0)
            graded.verdicts[cell.metadata.nbgrader.grade_id] = verdict
            graded.trusted.add(index)
        elif is_test(cell):
            cell.outputs = [error("NotRun", why)]
    return graded
