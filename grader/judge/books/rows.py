"""What nbgrader's gradebook keeps of one submission, read and written many rows at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from nbgrader.api import Notebook as ReleasedNotebook
from nbgrader.utils import parse_utc
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session, contains_eager, joinedload


@dataclass(frozen=True)
class CellScore:
    """What the gradebook says of one graded cell, by hand where somebody graded it by hand."""

    score: float
    points: float
    needs_grading: bool = False


@dataclass(frozen=True)
class Recorded:
    """One notebook of a submission as it stands in the gradebook.

    `scores` and `comments` are by grade_id; `penalty` is what being late costs.
    """

    scores: Mapping[str, CellScore]
    comments: Mapping[str, str]
    penalty: float = 0.0
    seconds_late: float = 0.0


_NOTEBOOK: Any = bindparam("notebook")
_GRADES = (
    select(BaseCell.name, Grade.id, Grade.auto_score, Grade.manual_score, Grade.needs_manual_grade)
    .join(Grade, Grade.cell_id == BaseCell.id)
    .where(Grade.notebook_id == _NOTEBOOK)
)
_COMMENTS = (
    select(BaseCell.name, Comment.id, Comment.auto_comment)
    .join(Comment, Comment.cell_id == BaseCell.id)
    .where(Comment.notebook_id == _NOTEBOOK)
)
_SCORED = _GRADES.with_only_columns(
    BaseCell.name, Grade.score, Grade.max_score, Grade.needs_manual_grade
)
_SAID = _COMMENTS.with_only_columns(BaseCell.name, Comment.comment)
_CELLS = (
    select(BaseCell.id, BaseCell.type, BaseCell.notebook_id)
    .join(ReleasedNotebook, ReleasedNotebook.id == BaseCell.notebook_id)
    .where(ReleasedNotebook.assignment_id == bindparam("assignment"))
)
_SUBMISSION = (
    select(SubmittedAssignment)
    .join(SubmittedAssignment.assignment)
    .where(Assignment.name == bindparam("assignment"))
    .where(SubmittedAssignment.student_id == bindparam("student"))
    .options(
        contains_eager(SubmittedAssignment.assignment),
        joinedload(SubmittedAssignment.notebooks).joinedload(SubmittedNotebook.notebook),
    )
)
_KEPT_OF = {"GradeCell": [Grade], "SolutionCell": [Comment], "TaskCell": [Comment, Grade]}
"""What nbgrader keeps of each submission for a cell of each kind."""


class Rows:
    """Answers nbgrader's SaveAutoGrades in the gradebook's place: one notebook, fetched at once."""

    def __init__(self, session: Session, notebook: Any) -> None:
        self.db, self._session, self._notebook = self, session, notebook.id
        self._before = {Grade: self._by_name(_GRADES), Comment: self._by_name(_COMMENTS)}
        self._now = {
            kind: {name: SimpleNamespace(**row) for name, row in rows.items()}
            for kind, rows in self._before.items()
        }

    def commit(self) -> None:
        """Wait: the whole submission is committed at once."""

    def _by_name(self, query: Any) -> dict[str, dict[str, Any]]:
        """What a query finds of this notebook, by the names of its cells."""
        found = self._session.execute(query, {"notebook": self._notebook}).mappings()
        return {row["name"]: dict(row) for row in found}

    def find_grade(self, name: str, *place: str) -> Any:
        """The grade of the cell of this name, to be changed. Raises MissingEntry."""
        return _found(self._now[Grade], name)

    def find_comment(self, name: str, *place: str) -> Any:
        """The comment on the cell of this name, to be changed. Raises MissingEntry."""
        return _found(self._now[Comment], name)

    def nothing_handed_in(self) -> None:
        """What nbgrader does to the grades of a notebook that is missing."""
        for grade in self._now[Grade].values():
            grade.auto_score, grade.needs_manual_grade = 0, False

    def save(self) -> None:
        """Send what was changed to the database."""
        for kind, rows in self._now.items():
            changed = []
            for name, row in rows.items():
                before = self._before[kind][name]
                new = {column: now for column, now in vars(row).items() if now != before[column]}
                changed += [{"id": row.id, **new}] if new else []
            if changed:
                self._session.execute(update(kind), changed)

    def recorded(self, penalty: float, late: float) -> Recorded:
        """What stands in the database, which computes scores and comments."""
        scores = {
            name: CellScore(
                float(row["score"]), float(row["max_score"]), bool(row["needs_manual_grade"])
            )
            for name, row in self._by_name(_SCORED).items()
        }
        said = {name: row["comment"] for name, row in self._by_name(_SAID).items()}
        comments = {name: comment for name, comment in said.items() if comment}
        return Recorded(scores, comments, penalty, late)


def _found(rows: Mapping[str, Any], name: str) -> Any:
    if name not in rows:
        raise MissingEntry(f"the gradebook has no row for the cell {name}")
    return rows[name]


def find_submission(session: Session, assignment: str, student: str) -> Any:
    """A submission's row, with all that is read off it at once; None if there is none."""
    named = {"assignment": assignment, "student": student}
    return session.scalars(_SUBMISSION, named).unique().one_or_none()


def add_submission(
    gradebook: Gradebook, assignment: str, student: str, received: datetime | None
) -> None:
    """Add what nbgrader's add_submission does, in one statement for each table.

    Objects that refer to each other take several times as long, for every submission.
    """
    session, released = gradebook.db, gradebook.find_assignment(assignment)
    cells = session.execute(_CELLS, {"assignment": released.id}).all()
    submission = new_uuid()
    notebooks = {notebook.id: new_uuid() for notebook in released.notebooks}
    rows: dict[Any, list[dict[str, Any]]] = {
        SubmittedAssignment: [
            {
                "id": submission,
                "assignment_id": released.id,
                "student_id": student,
                "timestamp": parse_utc(received),
            }
        ],
        SubmittedNotebook: [
            {"id": own, "notebook_id": notebook, "assignment_id": submission}
            for notebook, own in notebooks.items()
        ],
        Grade: [],
        Comment: [],
    }
    for cell, kind, notebook in cells:
        for table in _KEPT_OF[kind]:
            rows[table].append({"cell_id": cell, "notebook_id": notebooks[notebook]})
    for table, new in rows.items():
        if new:
            session.execute(insert(table.__table__), new)
