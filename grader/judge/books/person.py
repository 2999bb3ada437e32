"""What the gradebook holds of one person: read as plain data, and erased."""

from __future__ import annotations

from typing import Any

from nbgrader.api import Base
from sqlalchemy import Connection, Select, delete, select

_TABLES = Base.metadata.tables
_STUDENT, _SUBMISSION = _TABLES["student"], _TABLES["submitted_assignment"]
_NOTEBOOK, _ASSIGNMENT = _TABLES["submitted_notebook"], _TABLES["assignment"]
_GRADE, _COMMENT, _CELL = _TABLES["grade"], _TABLES["comment"], _TABLES["base_cell"]

Rows = dict[str, list[dict[str, Any]]]


def rows_of(connection: Connection, student: str) -> Rows:
    """Every row about a student, by the name of its table; assignments and cells by their names."""
    of_them = _SUBMISSION.c.student_id == student
    submissions = select(_ASSIGNMENT.c.name.label("assignment"), _SUBMISSION).join_from(
        _SUBMISSION, _ASSIGNMENT, _SUBMISSION.c.assignment_id == _ASSIGNMENT.c.id
    )
    notebooks = select(_NOTEBOOK).where(_NOTEBOOK.c.assignment_id.in_(_submissions(student)))
    found: dict[str, Select[Any]] = {
        "student": select(_STUDENT).where(_STUDENT.c.id == student),
        "submitted_assignment": submissions.where(of_them),
        "submitted_notebook": notebooks,
    }
    for table in (_GRADE, _COMMENT):
        cells = select(_CELL.c.name.label("cell"), table).join_from(
            table, _CELL, table.c.cell_id == _CELL.c.id
        )
        found[table.name] = cells.where(table.c.notebook_id.in_(_notebooks(student)))
    return {
        name: [dict(row) for row in connection.execute(query).mappings()]
        for name, query in found.items()
    }


def erase(connection: Connection, student: str) -> int:
    """Delete every row about a student, in the connection's transaction; how many there were."""
    notebooks, submissions = _notebooks(student), _submissions(student)
    steps = (
        delete(_GRADE).where(_GRADE.c.notebook_id.in_(notebooks)),
        delete(_COMMENT).where(_COMMENT.c.notebook_id.in_(notebooks)),
        delete(_NOTEBOOK).where(_NOTEBOOK.c.assignment_id.in_(submissions)),
        delete(_SUBMISSION).where(_SUBMISSION.c.student_id == student),
        delete(_STUDENT).where(_STUDENT.c.id == student),
    )
    return sum(connection.execute(step).rowcount for step in steps)


def _submissions(student: str) -> Select[Any]:
    return select(_SUBMISSION.c.id).where(_SUBMISSION.c.student_id == student)


def _notebooks(student: str) -> Select[Any]:
    return select(_NOTEBOOK.c.id).where(_NOTEBOOK.c.assignment_id.in_(_submissions(student)))
