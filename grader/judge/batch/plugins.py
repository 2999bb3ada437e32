"""How nbgrader's own commands reach the judge: the classes that nbgrader_config.py names.

`nbgrader autograde` and the formgrader's button run nbgrader's Autograde. Its exporter reads a
submission as the judge does instead of trusting the file, and its preprocessors have the judge in
the place of Execute; everything else stays nbgrader's.
"""

from __future__ import annotations

import atexit
import fnmatch
import functools
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from nbconvert.exporters import NotebookExporter
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.config import Config

from grader.box.both.ended import BoxRefused
from grader.box.both.limits import MIB
from grader.engine.refusal import Refusal
from grader.judge.batch.desk import Desk
from grader.judge.batch.errands import (
    Clock,
    Errand,
    ErrandFailed,
    Judge,
    OutOfTime,
    Read,
    ReadAndTidy,
)
from grader.judge.batch.pool import Crew
from grader.judge.batch.starting import begin
from grader.judge.batch.workers import Workers
from grader.judge.books.gradebook import Notebook
from grader.judge.intake.printable import printable, quote, quote_name
from grader.judge.sitting.papers import Marked, Paper, Round

MOST_HELD = 256 * MIB
"""How much of a class is held in memory between listing its submissions and grading them."""

T = TypeVar("T")

_desks: dict[str, Desk] = {}


@functools.cache
def crew() -> Crew:
    """Who judges for this process, until it ends."""
    workers = Workers(1)
    atexit.register(workers.close)
    return workers


def desk_of(course: CourseDirectory, config: Config) -> Desk:
    """This process's desk for a course: formgrader grades one submission after another at it."""
    desk = _desks.get(course.root)
    if desk is None or desk.config != config:
        desk = _desks[course.root] = Desk(course, config)
    return desk


class SubmissionExporter(NotebookExporter):
    """Reads what was submitted, whatever it is; `c.Autograde.exporter_class`.

    nbgrader makes it once it has listed the submissions and before it opens the first. So it puts
    the list right: every submission has the assignment's notebooks under their own names, and
    nothing but plain files beside them, since nbgrader copies what a link points to. What was read
    for that is what is judged; where a class hands in more than MOST_HELD, the rest of it is read
    again when its turn comes.
    """

    def __init__(self, config: Any = None, **settings: Any) -> None:
        super().__init__(config=config, **settings)  # type: ignore[no-untyped-call]
        self._rounds: dict[tuple[str, str], Round] = {}
        self._held: dict[str, Paper] = {}
        self._failed: dict[str, str] = {}
        self._room = MOST_HELD
        self._set_aside: dict[str, tuple[str, ...]] = {}
        self._student, self._clock = "", Clock(0.0, 0.0)
        self._paper: Paper | None = None
        self._marked: dict[str, Marked] = {}
        converter: Any = self.parent
        self.desk = desk_of(converter.coursedir, converter.config)
        begin(self.desk.grading.isolation)
        self._put_right(converter)

    def from_filename(self, filename: str, resources: Any = None, **settings: Any) -> Any:
        """A submitted notebook as its form with the learner's answers in it; others as they are.

        It is judged at once, in a process of its own. Raises NbGraderException if that fails.
        """
        place = resources["nbgrader"]
        assignment, student, name = (place[key] for key in ("assignment", "student", "notebook"))
        if Path(filename).parent != self.desk.folder(assignment, student):
            return super().from_filename(filename, resources, **settings)
        round_ = self._round_of(assignment, name)
        if self._student != student:
            self._student, self._clock = student, Clock.of(round_)
            self._paper, self._marked = self._take(self.round(assignment), student), {}
        assert self._paper is not None
        marked = self._done(Judge(self._paper, with_texts=True), round_, self._clock)
        self._marked[name] = marked
        return self.from_notebook_node(  # type: ignore[no-untyped-call]
            marked.texts[name], resources, **settings
        )

    def round(self, assignment: str) -> Round:
        """The assignment as it is judged this time. Raises NbGraderException."""
        whole = assignment, ""
        if whole not in self._rounds:
            try:
                self._rounds[whole] = self.desk.round(assignment)
            except Refusal as refusal:
                self.log.error(str(refusal))
                raise NbGraderException(refusal.what) from refusal
        return self._rounds[whole]

    def _round_of(self, assignment: str, name: str) -> Round:
        """The same for one notebook of the assignment: nbgrader converts one after the other."""
        whole = self.round(assignment)
        one = assignment, name
        if one not in self._rounds:
            self._rounds[one] = replace(whole, forms={name: whole.forms[name]})
        return self._rounds[one]

    def at_hand(self, student: str, name: str) -> tuple[Round, Paper, Marked]:
        """The notebook that nbgrader is grading, as it was judged."""
        assert self._paper is not None
        assert self._paper.student == student
        return self._rounds[self.desk.course.assignment_id, name], self._paper, self._marked[name]

    def _done(self, errand: Errand[T], round_: Round, clock: Clock) -> T:
        """What comes of an errand. Raises NbGraderException, which ends this submission alone."""
        try:
            return crew().submit(errand, round_, clock).result()
        except BoxRefused:
            raise
        except (BrokenExecutor, OutOfTime, ErrandFailed) as error:
            sentence = f"{quote(errand.student)} was not graded: {quote(str(error))}"
            raise NbGraderException(sentence) from error

    def _take(self, round_: Round, student: str) -> Paper:
        """A submission as it was read when the list was put right, or read now."""
        if student in self._failed:
            raise NbGraderException(self._failed[student])
        paper = self._held.pop(student, None)
        if paper is not None:
            return paper
        place = self.desk.place(round_.assignment, student)
        paper = self._done(Read(place), round_, self._clock)
        noticed = self._set_aside.get(student, ())  # of what does not lie there any more
        return replace(paper, doubts=(*paper.doubts, *noticed))

    def _hold(self, round_: Round, paper: Paper) -> None:
        """Keep what was read until its turn comes, if there is room for it."""
        size = _size(round_, paper)
        if size <= self._room:
            self._room -= size
            self._held[paper.student] = paper

    def _put_right(self, converter: BaseConverter) -> None:
        course = self.desk.course
        assignment = course.assignment_id
        round_ = self.round(assignment)
        names = [name for name in round_.forms if fnmatch.fnmatchcase(name, course.notebook_id)]
        for student, why in self.desk.refused(assignment).items():
            self.log.error("%s was not graded: %s", quote_name(student), why)
            converter.assignments.pop(str(self.desk.folder(assignment, student)), None)
        for name, told in self.desk.misplaced(assignment).items():
            self.log.error("%s was not graded: %s", quote_name(name), told)
        for student in self.desk.students(assignment):
            if not fnmatch.fnmatchcase(student, course.student_id):
                continue
            place = self.desk.place(assignment, student)
            notebooks = [str(place.folder / f"{name}.ipynb") for name in names]
            converter.assignments[str(place.folder)] = notebooks
            try:
                paper, moved = self._done(ReadAndTidy(place), round_, Clock.of(round_))
            except NbGraderException as error:  # said when its turn comes, and counted by nbgrader
                self._failed[student] = str(error)
                continue
            for path in moved:
                self.log.warning("Set aside, so that it is not copied: %s", printable(path))
            if moved:
                every = (repair for one in paper.notebooks.values() for repair in one.repairs)
                self._set_aside[student] = (*map(str, every), *paper.doubts)
            self._hold(round_, paper)


class Judged(NbGraderPreprocessor):  # type: ignore[misc]
    """Judges a submission in the place of nbgrader's Execute: the cells' outputs are its verdicts.

    What it displays for a judged cell ends in one plain number, which nbgrader reads as the score.
    """

    def preprocess(self, nb: Notebook, resources: Any) -> tuple[Notebook, Any]:
        """The judged notebook."""
        student, name = (resources["nbgrader"][key] for key in ("student", "notebook"))
        exporter = self.parent
        round_, paper, marked = exporter.at_hand(student, name)
        notes = exporter.desk.record(round_, paper, marked)
        needs = [need.sentence for need in notes.needs]
        for note in dict.fromkeys((*notes.repairs, *notes.incidents, *needs)):
            self.log.warning("%s: %s", quote(student), note)
        resources["handed_in"] = paper.notebooks[name].notebook is not None
        return marked.graded[name].notebook, resources


def _size(round_: Round, paper: Paper) -> int:
    """The bytes of a submission, without those that all have from the assignment."""
    own = 0
    for name, one in paper.notebooks.items():
        ours = round_.forms[name].files
        own += len(one.notebook or b"")
        own += sum(len(file) for path, file in one.files.items() if ours.get(path) is not file)
    return own
