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
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor

from grader.judge.desk import Desk
from grader.judge.examiner import Paper, Round, examine
from grader.judge.gradebook import Notebook
from grader.judge.normalise import normalise
from grader.refusal import Refusal

SET_ASIDE = "set_aside"
"""The folder, beside the submissions, for what must not be copied out of one."""

_desks: dict[str, Desk] = {}


def desk_of(course: CourseDirectory) -> Desk:
    """This process's desk for a course: formgrader grades one submission after another at it."""
    desk = _desks.get(course.root)
    if desk is None or desk.course.config != course.config:
        desk = _desks[course.root] = Desk(course)
    return desk


class SubmissionExporter(NotebookExporter):  # type: ignore[misc]
    """Reads what was submitted, whatever it is; `c.Autograde.exporter_class`.

    nbgrader makes it once it has listed the submissions and before it opens the first. So it puts
    the list right: every submission has the assignment's notebooks under their own names, and
    nothing but plain files beside them, since nbgrader copies what a link points to.
    """

    def __init__(self, config: Any = None, **settings: Any) -> None:
        super().__init__(config=config, **settings)
        self._rounds: dict[str, Round] = {}
        self._papers: dict[tuple[str, str], Paper] = {}
        self.desk = desk_of(self.parent.coursedir)
        self._put_right(self.parent)

    def from_filename(self, filename: str, resources: Any = None, **settings: Any) -> Any:
        """A submitted notebook as its form with the learner's answers in it; others as they are."""
        place = resources["nbgrader"]
        assignment, student, name = (place[key] for key in ("assignment", "student", "notebook"))
        if Path(filename).parent != self.desk.folder(assignment, student):
            return super().from_filename(filename, resources, **settings)
        paper = self.desk.paper(self.round(assignment), student)
        self._papers[assignment, student] = paper
        form = self.round(assignment).forms[name]
        laid = normalise(paper.notebooks[name].notebook, form)
        return self.from_notebook_node(laid.notebook, resources, **settings)

    def round(self, assignment: str) -> Round:
        """What is the same for every submission of an assignment. Raises NbGraderException."""
        if assignment not in self._rounds:
            try:
                self._rounds[assignment] = self.desk.round(assignment)
            except Refusal as refusal:
                self.log.error(str(refusal))
                raise NbGraderException(refusal.what) from refusal
        return self._rounds[assignment]

    def paper(self, assignment: str, student: str) -> Paper:
        """The submission that was read last for this student."""
        return self._papers[assignment, student]

    def _put_right(self, converter: BaseConverter) -> None:
        course = self.desk.course
        for assignment in {*self._named(converter), course.assignment_id} - {"", "*"}:
            forms = self.round(assignment).forms
            names = [name for name in forms if fnmatch.fnmatchcase(name, course.notebook_id)]
            for student in self.desk.students(assignment):
                folder = self.desk.folder(assignment, student)
                if not fnmatch.fnmatchcase(student, course.student_id):
                    continue
                paper = self.desk.paper(self.round(assignment), student)
                try:
                    for path in set_aside(course, folder, _kept(paper)):
                        self.log.warning("%s was set aside: it is no plain file", path)
                except OSError as error:
                    self.log.error("%s cannot be graded: %s", folder, error)
                    converter.assignments.pop(str(folder), None)
                else:
                    converter.assignments[str(folder)] = [
                        str(folder / f"{name}.ipynb") for name in names
                    ]
