"""Runs one submission in a box, cell by cell, and judges its checks where they stand."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from nbformat import from_dict
from nbformat.v4 import new_output
from nbgrader.utils import determine_grade, is_grade, is_solution

from grader.box.ended import BoxEnded, CallFailed, CallInterrupted, Cause
from grader.checking import tasks
from grader.judge.form import Notebook
from grader.judge.judging import Judge, Unanswered
from grader.judge.papers import Graded
from grader.verdict import Outcome, Verdict

Cell = Any
T = TypeVar("T")

MOST_BOXES = 20
"""How many boxes one submission may use up before the rest of it stays unrun."""

_CHECK = re.compile(r'check\("(\w+)"((?:, [A-Za-z_]\w*)+)\)')


class Box(Protocol):
    """One sandboxed process, as `grader.box` makes it."""

    def run_cell(self, source: str) -> Any:
        """Run a cell and return its outputs."""
        ...

    def call(self, header: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """Ask the loop inside the box and return its reply."""
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
    if cell.cell_type != "code" or not is_grade(cell) or is_solution(cell):
        return None
    found = _CHECK.fullmatch(cell.source.strip())
    if found is None or found[1] not in tasks():
        return None
    functions = tuple(name.strip() for name in found[2].split(",") if name.strip())
    wanted = len(tasks()[found[1]].functions)
    return Check(found[1], functions) if len(functions) == wanted else None


class Sitting:
    """One submission from its first cell to its last.

    The notebook is normalised: its graded cells are the instructor's. If the box ends in a cell,
    that cell gets the reason as its error, and the next one that needs a box gets a fresh one in
    which all earlier cells but the deadly ones were run again. `ignored` is a pattern: what a
    plain graded cell writes to stderr does not cost its points if it is found there. Unless
    `hidden`, verdicts carry the numbers of hidden cases.
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
    ) -> None:
        self._boxes, self._judge, self._files = boxes, judge, files
        self._hidden = hidden
        self._ignored = re.compile(ignored) if ignored else None
        self._deadline = time.monotonic() + seconds
        self._box: Box | None = None
        self._open: AbstractContextManager[Box] | None = None
        self._used = 0
        self._deadly: set[int] = set()
        self._cells: Sequence[Cell] = ()
        self._incidents: list[str] = []
        self._at = 0

    def grade(self, notebook: Notebook) -> Graded:
        """Run and judge the notebook; its cells' outputs are replaced. Raises BoxRefused."""
        graded = Graded(notebook, incidents=self._incidents)
        self._cells = notebook.cells
        try:
            for self._at, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    self._take(cell, graded)
        finally:
            self._close()
        return graded

    def _take(self, cell: Cell, graded: Graded) -> None:
        check = check_in(cell)
        if check is None:
            cell.outputs = self._run(cell, graded)
            if _is_plain(cell):
                graded.plain.append(cell.metadata.nbgrader.grade_id)
                cell.outputs = [output for output in cell.outputs if not self._ignores(output)]
                _keep_in_range(cell, graded)
            return
        verdict = self._judge.verdict(
            check.exercise, check.functions, self._ask, hidden=self._hidden
        )
        points = float(cell.metadata.nbgrader.points)
        cell.outputs = judged_outputs(verdict, points)
        graded.verdicts[cell.metadata.nbgrader.grade_id] = verdict
        graded.trusted.add(self._at)

    def _ignores(self, output: Any) -> bool:
        stderr = output.output_type == "stream" and output.name == "stderr"
        return stderr and self._ignored is not None and bool(self._ignored.search(output.text))

    def _run(self, cell: Cell, graded: Graded) -> list[Any]:
        try:
            ran = self._survive(lambda box: box.run_cell(cell.source))
        except BoxEnded as reason:
            self._deadly.add(self._at)
            self._close()
            return [self._incident(graded, "BoxEnded", reason.ended.sentence)]
        except _NoBox as reason:
            return [self._incident(graded, "BoxEnded", str(reason))]
        outputs = [from_dict(output) for output in ran.outputs]
        shows = {output.output_type for output in outputs}
        if ran.truncated:
            sentence = f"{ran.dropped:,} characters of its output were not kept."
            note = self._incident(graded, "OutputLost", sentence)
            # What was lost may have been the score: a plain graded cell earns nothing by silence.
            if _is_plain(cell) and not shows & {"error", "execute_result"}:
                return [*outputs, note]
        if not ran.ok and "error" not in shows:
            sentence = "The time for this cell was up." if ran.interrupted else "The cell failed."
            outputs.append(_error(ran.error or "CellFailed", sentence))
        return outputs

    def _incident(self, graded: Graded, name: str, sentence: str) -> Any:
        graded.incidents.append(f"Cell {self._at + 1}: {sentence}")
        return _error(name, sentence)

    def _ask(self, header: dict[str, Any], body: bytes) -> tuple[Mapping[str, Any], bytes]:
        """Put the judge's question to the box. Raises Unanswered."""
        try:
            return self._survive(lambda box: box.call(header, body))
        except CallInterrupted:
            raise Unanswered("CHECK.did_not_finish") from None
        except CallFailed:
            raise Unanswered("CHECK.forged") from None
        except BoxEnded as reason:
            self._close()
            self._incidents.append(f"Cell {self._at + 1}: {reason.ended.sentence}")
            raise Unanswered("CHECK.box_ended") from None
        except _NoBox:
            raise Unanswered("CHECK.box_ended") from None

    def _survive(self, ask: Callable[[Box], T]) -> T:
        """Ask the box, and a fresh one if this one was lost by no fault of the submission's."""
        try:
            return ask(self._ready())
        except BoxEnded as reason:
            if reason.ended.cause is not Cause.LOST:
                raise
        self._close()
        return ask(self._ready())

    def _ready(self) -> Box:
        """The box with every earlier cell run in it. Raises BoxEnded and _NoBox."""
        if time.monotonic() > self._deadline:
            self._close()
            raise _NoBox("The time for this submission was up before this cell.")
        if self._box is None:
            if self._used >= MOST_BOXES:
                raise _NoBox("Not run: this submission ended its process too often.")
            self._used += 1
            self._open = self._opened()
            self._box = self._open.__enter__()
            for index, cell in enumerate(self._cells[: self._at]):
                runs = cell.cell_type == "code" and index not in self._deadly
                if runs and check_in(cell) is None:
                    self._box.run_cell(cell.source)
        return self._box

    def _opened(self) -> AbstractContextManager[Box]:
        try:
            return self._boxes.open(self._files)
        except CallFailed as error:
            self._used = MOST_BOXES
            raise _NoBox("Not run: the submission's files do not fit into a box.") from error

    def _close(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
        self._open = self._box = None


class _NoBox(Exception):
    """There is no box for the rest of this submission."""


def not_run(notebook: Notebook, why: str) -> Graded:
    """An assignment without a submission: nothing of it is run, and no cell earns a point."""
    graded = Graded(notebook)
    for index, cell in enumerate(notebook.cells):
        check = check_in(cell)
        if check is not None:
            functions = tasks()[check.exercise].functions
            verdict = Verdict(check.exercise, Outcome.NOT_ATTEMPTED, functions=functions)
            cell.outputs = judged_outputs(verdict, 0.0)
            graded.verdicts[cell.metadata.nbgrader.grade_id] = verdict
            graded.trusted.add(index)
        elif cell.cell_type == "code" and _is_plain(cell):
            cell.outputs = [_error("NotRun", why)]
    return graded


def judged_outputs(verdict: Verdict, points: float) -> list[Any]:
    """What nbgrader reads as the score, and what the learner reads: a number and the verdict."""
    page = {"text/html": verdict._repr_html_(), "text/plain": str(verdict)}
    score = {"text/plain": repr(round(points * verdict.credit, 6))}
    return [
        new_output("display_data", data=page),
        new_output("execute_result", data=score, execution_count=None),
    ]


def _keep_in_range(cell: Cell, graded: Graded) -> None:
    """A plain graded cell whose result nbgrader cannot read as a score earns nothing."""
    try:
        score, most = determine_grade(cell)
    except (ValueError, KeyError, TypeError):
        score, most = None, 0.0
    if score is None or not 0.0 <= score <= most:
        name = cell.metadata.nbgrader.grade_id
        sentence = f"The result of {name} is no score between 0 and its points."
        graded.incidents.append(sentence)
        cell.outputs = [_error("NoScore", sentence)]


def _error(name: str, sentence: str) -> Any:
    return new_output("error", ename=name, evalue=sentence, traceback=[sentence])


def _is_plain(cell: Cell) -> bool:
    return bool(is_grade(cell) and not is_solution(cell))
