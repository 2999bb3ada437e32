"""How nbgrader's own commands reach the judge: the classes that nbgrader_config.py names.

`nbgrader autograde` and the formgrader's button run nbgrader's Autograde. Its exporter reads a
submission as the judge does instead of trusting the file, and its preprocessors have the judge in
the place of Execute; everything else stays nbgrader's.
"""

from __future__ import annotations

import fnmatch
import itertools
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.config import Config

from grader.box.both.limits import MIB
from grader.engine.refusal import Refusal
from grader.judge.batch.desk import Desk
from grader.judge.books.gradebook import Notebook
from grader.judge.intake.normalise import Normalised, normalise
from grader.judge.intake.printable import quote
from grader.judge.intake.submission import is_taken
from grader.judge.sitting.examiner import examine
from grader.judge.sitting.papers import Paper, Round

SET_ASIDE = "set_aside"
"""The folder, beside the submissions, for what must not be copied out of one."""
MOST_HELD = 256 * MIB
"""How much of a class is held in memory between listing its submissions and grading them."""

_desks: dict[str, Desk] = {}


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
        self._rounds: dict[str, Round] = {}
        self._held: dict[str, Paper] = {}
        self._room = MOST_HELD
        self._set_aside: dict[str, tuple[str, ...]] = {}
        self._paper: Paper | None = None
        self._laid: dict[str, Normalised] = {}
        converter: Any = self.parent
        self.desk = desk_of(converter.coursedir, converter.config)
        self._put_right(converter)

    def from_filename(self, filename: str, resources: Any = None, **settings: Any) -> Any:
        """A submitted notebook as its form with the learner's answers in it; others as they are."""
        place = resources["nbgrader"]
        assignment, student, name = (place[key] for key in ("assignment", "student", "notebook"))
        if Path(filename).parent != self.desk.folder(assignment, student):
            return super().from_filename(filename, resources, **settings)
        round_ = self.round(assignment)
        if self._paper is None or self._paper.student != student:
            self._paper, self._laid = self._take(round_, student), {}
        laid = normalise(self._paper.notebooks[name].notebook, round_.forms[name])
        self._laid[name] = laid
        return self.from_notebook_node(  # type: ignore[no-untyped-call]
            laid.notebook, resources, **settings
        )

    def round(self, assignment: str) -> Round:
        """The assignment as it is judged this time. Raises NbGraderException."""
        if assignment not in self._rounds:
            try:
                self._rounds[assignment] = self.desk.round(assignment)
            except Refusal as refusal:
                self.log.error(str(refusal))
                raise NbGraderException(refusal.what) from refusal
        return self._rounds[assignment]

    def at_hand(self, student: str) -> tuple[Paper, Mapping[str, Normalised]]:
        """The submission that nbgrader is grading, with its notebooks normalised so far."""
        assert self._paper is not None
        assert self._paper.student == student
        return self._paper, self._laid

    def _take(self, round_: Round, student: str) -> Paper:
        """A submission as it was read when the list was put right, or read now."""
        paper = self._held.pop(student, None)
        if paper is not None:
            return paper
        paper = self.desk.paper(round_, student)
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
        for student in self.desk.students(assignment):
            if not fnmatch.fnmatchcase(student, course.student_id):
                continue
            folder = self.desk.folder(assignment, student)
            paper = self.desk.paper(round_, student)
            try:
                moved = list(set_aside(self.desk, folder, paper))
                for path in moved:
                    self.log.warning("Set aside, so that it is not copied: %s", path)
                if moved:
                    every = (repair for one in paper.notebooks.values() for repair in one.repairs)
                    self._set_aside[student] = (*map(str, every), *paper.doubts)
            except OSError as error:
                self.log.error("%s cannot be graded: %s", folder, error)
                converter.assignments.pop(str(folder), None)
            else:
                notebooks = [str(folder / f"{name}.ipynb") for name in names]
                converter.assignments[str(folder)] = notebooks
                self._hold(round_, paper)


class Judged(NbGraderPreprocessor):  # type: ignore[misc]
    """Judges a submission in the place of nbgrader's Execute: the cells' outputs are its verdicts.

    What it displays for a judged cell ends in one plain number, which nbgrader reads as the score.
    """

    def preprocess(self, nb: Notebook, resources: Any) -> tuple[Notebook, Any]:
        """The judged notebook. Raises BoxRefused where submissions cannot be walled in."""
        place = resources["nbgrader"]
        assignment, student, name = (place[key] for key in ("assignment", "student", "notebook"))
        exporter = self.parent
        whole = exporter.round(assignment)
        round_ = replace(whole, forms={name: whole.forms[name]})
        paper, laid = exporter.at_hand(student)
        marked = examine(round_, paper, laid)
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


def set_aside(desk: Desk, folder: Path, paper: Paper) -> Iterator[Path]:
    """Move out of a submission's folder what the judge did not read there, links above all.

    Nothing is lost: it comes to lie below SET_ASIDE in the course's folder. Yields the old paths;
    raises OSError.
    """
    link = desk.linked(folder)
    if link is not None:
        yield _moved(desk, link)
        return
    kept = {path for one in paper.notebooks.values() for path in one.files} | set(paper.receipt)
    for place, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(place, name)
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                if Path(place) == folder and is_taken(name):
                    folders.remove(name)
                    yield _moved(desk, path)
                continue
            inside = path.relative_to(folder).as_posix()
            if stat.S_ISREG(mode) and (path.suffix == ".ipynb" or inside in kept):
                continue
            yield _moved(desk, path)


def _moved(desk: Desk, path: Path) -> Path:
    root = Path(desk.course.root)
    target = root / SET_ASIDE / path.relative_to(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    again = (target.with_name(f"{target.name}.{number}") for number in itertools.count(2))
    names = itertools.chain([target], again)
    os.rename(path, next(name for name in names if not os.path.lexists(name)))
    return path
