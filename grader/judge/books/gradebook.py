"""The one writer of nbgrader's gradebook: a graded submission goes in whole, or not at all."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from nbgrader.api import (
    Assignment,
    Gradebook,
    InvalidEntry,
    Student,
    SubmittedAssignment,
)
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from nbgrader.utils import is_task, parse_utc
from sqlalchemy.exc import DBAPIError, SAWarning
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from grader.engine.refusal import Refusal
from grader.judge.books.age import require_current
from grader.judge.books.databases import PATIENCE, first_line, reaching, wait_for
from grader.judge.books.left import is_left
from grader.judge.books.rows import Recorded, Rows, add_submission, find_submission
from grader.judge.books.unanswered import elsewhere

Notebook = Any


class GradebookRefused(Refusal):
    """The gradebook could not be written. It is as it was before the submission."""


class SaveGrades(SaveAutoGrades):  # type: ignore[misc]
    """nbgrader's rules, and three more: a task that was zero for want of a notebook is to be graded
    by hand once there is one, and so is an answer that may stand in a cell of the learner's own, or
    one that this version of the course cannot judge, which keeps the points that it has.
    Whom nbgrader's autograde put on the list is listed by id."""

    elsewhere: Mapping[str, str]
    """What to say of each such answer, by grade_id."""

    def preprocess(self, nb: Notebook, resources: Any) -> tuple[Notebook, Any]:
        """Write the scores and comments of a notebook."""
        self.elsewhere = elsewhere(nb)
        nb, resources = super().preprocess(nb, resources)
        with Gradebook(self.db_url) as gradebook:
            row = gradebook.find_student(self.student_id)
            if row.first_name is None and row.last_name is None:
                row.last_name, row.first_name = self.student_id, ""
                gradebook.db.commit()
        return nb, resources

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Write one cell's score and comment."""
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        place = self.notebook_id, self.assignment_id, self.student_id
        before = self.gradebook.find_grade(name, *place).auto_score if is_left(cell) else None
        cell, resources = super().preprocess_cell(cell, resources, index)
        if is_left(cell):
            grade = self.gradebook.find_grade(name, *place)
            grade.auto_score, grade.needs_manual_grade = before, True
            self.gradebook.db.commit()
        if name in self.elsewhere:
            grade = self.gradebook.find_grade(name, *place)
            grade.auto_score, grade.needs_manual_grade = None, True
            self.gradebook.find_comment(name, *place).auto_comment = self.elsewhere[name]
            self.gradebook.db.commit()
        if is_task(cell) and resources.get("handed_in", True):
            grade = self.gradebook.find_grade(name, *place)
            if grade.auto_score is not None and grade.manual_score is None:
                grade.auto_score, grade.needs_manual_grade = None, True
                self.gradebook.db.commit()
        return cell, resources


class _OneCommit(Session):
    """A session in which nbgrader's commit after every row only sends the row; `end` commits."""

    def commit(self) -> None:
        self.flush()

    def end(self) -> None:
        super().commit()


class Book:
    """The gradebook of one course, open for one writer: close it when done.

    It applies nbgrader's own rules (SaveAutoGrades and AssignLatePenalties, configured as in
    nbgrader_config.py) in one transaction for a whole submission.
    """

    def __init__(self, course: CourseDirectory, patience: float = PATIENCE) -> None:
        self._course = course
        require_current(course.db_url)
        with reaching(course.db_url):
            self._gradebook = Gradebook(course.db_url, course.course_id)
        engine = self._gradebook.engine
        self._gradebook.db.remove()
        wait_for(engine, patience)
        self._gradebook.db = scoped_session(
            sessionmaker(class_=_OneCommit, bind=engine, autoflush=True)
        )
        self._saving = SaveGrades(config=course.config)
        self._lateness = AssignLatePenalties(config=course.config)
        self._lateness.init_plugin()

    def close(self) -> None:
        """Let go of the database."""
        self._gradebook.close()

    def students(self, assignment: str) -> set[str]:
        """Everybody whose submission of the assignment stands in the gradebook."""
        session = self._gradebook.db
        try:
            query = session.query(SubmittedAssignment.student_id).join(Assignment)
            return {student for (student,) in query.filter(Assignment.name == assignment)}
        finally:
            session.remove()

    def record(
        self,
        assignment: str,
        student: str,
        notebooks: Mapping[str, Notebook],
        received: datetime | None,
        absent: Collection[str] = (),
    ) -> dict[str, Recorded]:
        """Write one submission's graded notebooks, by name; return what then stands there.

        Those `absent` were not handed in. Scores given by hand are kept, and their cells marked to
        be looked at again. Raises GradebookRefused.
        """
        session = self._gradebook.db
        try:
            with quietly():
                recorded = self._write(assignment, student, notebooks, received, absent)
            session().end()
        except (DBAPIError, InvalidEntry) as error:
            session.rollback()
            cause = error.__context__ if isinstance(error, InvalidEntry) else error
            if not isinstance(cause, DBAPIError):
                raise
            raise _refusal(cause, self._gradebook.engine.url.database) from error
        finally:
            session.remove()
        return recorded

    def _write(
        self,
        assignment: str,
        student: str,
        notebooks: Mapping[str, Notebook],
        received: datetime | None,
        absent: Collection[str],
    ) -> dict[str, Recorded]:
        book = self._gradebook
        if book.db.get(Student, student) is None:
            book.add_student(student, **listed_as(student))
        submission = find_submission(book.db, assignment, student)
        if submission is None:
            add_submission(book, assignment, student, received)
            submission = find_submission(book.db, assignment, student)
        elif received is not None:
            submission.timestamp = parse_utc(received)
        recorded = {}
        for row in submission.notebooks:
            rows = Rows(book.db, row)
            if row.name in absent:
                rows.nothing_handed_in()
            if row.name in notebooks:
                resources = {"handed_in": row.name not in absent}
                self._saving.gradebook = rows
                self._saving.notebook_id, self._saving.assignment_id = row.name, assignment
                self._saving.student_id = student
                self._saving.elsewhere = elsewhere(notebooks[row.name])
                for number, cell in enumerate(notebooks[row.name].cells):
                    self._saving.preprocess_cell(cell, resources, number)
            rows.save()
            penalty = self._penalty(submission, row)
            recorded[row.name] = rows.recorded(penalty or 0.0, submission.total_seconds_late)
        return recorded

    def _penalty(self, submission: Any, row: Any) -> float | None:
        """Set what nbgrader's AssignLatePenalties sets."""
        row.late_submission_penalty = None
        if submission.total_seconds_late > 0:
            self._gradebook.db.flush()
            self._gradebook.db.refresh(row, ["score"])  # the database computes it
            plugin = self._lateness.plugin_inst
            penalty = plugin.late_submission_penalty(
                submission.student_id, row.score, submission.total_seconds_late
            )
            if penalty is not None:
                row.late_submission_penalty = self._lateness._check_late_penalty(row, penalty)
        penalty = row.late_submission_penalty
        return None if penalty is None else float(penalty)


def listed_as(student: str, first: str = "", last: str = "") -> dict[str, str]:
    """A student's name as nbgrader keeps it: its pages would call who has none None, None."""
    return {"first_name": first, "last_name": last or ("" if first else student)}


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without warnings about nbgrader's tables, and without its log of what it raises."""
    log = logging.getLogger("tornado.application")
    before = log.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        log.disabled = True
        try:
            yield
        finally:
            log.disabled = before


_CURES = {
    "locked": "Another program is writing it: end that one (a formgrader, another autograd-course "
    "grade), and start this again. What is graded already stays graded.",
    "lock timeout": "Somebody else has been writing this submission's row for a minute: see that "
    "they finish, and start this again. What is graded already stays graded.",
    "connection": "Start the server again, and then this: what is graded already stays graded.",
    "full": "Free some space and start this again. What is graded already stays graded.",
    "readonly": "Make the file and its folder writable for you, and start this again.",
}


def _refusal(error: DBAPIError, database: str | None) -> GradebookRefused:
    said = first_line(error.orig)
    cure = next((text for word, text in _CURES.items() if word in said.replace("-", "")), None)
    return GradebookRefused(
        f"The gradebook {database} cannot be written: {said}.",
        cure or "Look at the database: nbgrader db upgrade mends one of an older nbgrader.",
    )
