"""What nbgrader's gradebook says of one assignment, read at once and as plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    MissingEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.coursedir import CourseDirectory

from grader.engine.refusal import Refusal
from grader.judge.books.reading import reading


class NotReleased(Refusal):
    """The gradebook does not know the assignment."""


@dataclass(frozen=True)
class Cell:
    """One cell that earns points; `by_hand` if only a person can grade it."""

    name: str
    notebook: str
    points: float
    by_hand: bool


@dataclass(frozen=True)
class Mark:
    """The points of one cell of one learner: by the judge or a test, and by a person.

    `score` is what counts, extra credit included; `waits` if a person is to look at it.
    """

    auto: float | None
    manual: float | None
    score: float
    waits: bool

    @property
    def given(self) -> bool:
        """Whether anything gave points yet, be it zero."""
        return self.auto is not None or self.manual is not None


@dataclass(frozen=True)
class Person:
    """One student of the gradebook's list."""

    name: str
    full_name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Handed:
    """One learner's row: `score` before the `penalty` for being late, and the marks by cell.

    nbgrader makes such a row for an extension, too: then it is not `graded`.
    """

    score: float = 0.0
    penalty: float = 0.0
    seconds_late: float = 0.0
    marks: Mapping[str, Mark] = field(default_factory=dict)

    @property
    def graded(self) -> bool:
        """Whether any cell has points."""
        return any(mark.given for mark in self.marks.values())

    @property
    def final(self) -> float:
        """What the learner gets, by the rule of nbgrader's own export."""
        return max(0.0, self.score - self.penalty)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The cells that a person is to look at."""
        return tuple(name for name, mark in self.marks.items() if mark.waits)


@dataclass(frozen=True)
class Register:
    """One assignment in the gradebook: its cells, everybody on the list, and the rows by name."""

    assignment: str
    points: float
    cells: Mapping[str, Cell]
    people: Mapping[str, Person]
    rows: Mapping[str, Handed]


def read_register(course: CourseDirectory, assignment: str) -> Register:
    """What stands in the gradebook. Raises NotReleased, NoGradebook and Unreachable."""
    with reading(course) as gradebook:
        try:
            found = gradebook.find_assignment(assignment)
        except MissingEntry:
            known = ", ".join(sorted(one.name for one in gradebook.assignments))
            raise NotReleased(
                f"The gradebook knows no assignment {assignment}.",
                f"It knows {known}." if known else "Release it first: make exercises.",
            ) from None
        cells = {
            cell.name: Cell(cell.name, notebook.name, float(cell.max_score), by_hand)
            for notebook in found.notebooks
            for cell, by_hand in _cells(notebook)
        }
        people = {
            row.id: Person(row.id, _full_name(row), row.email or "") for row in gradebook.students
        }
        return Register(
            assignment, float(found.max_score), cells, people, _rows(gradebook, assignment)
        )


def _cells(notebook: Any) -> list[tuple[Any, bool]]:
    """The cells that earn points. A person grades tasks, texts, and answers that earn points."""
    solutions = {cell.name for cell in notebook.solution_cells}
    graded = [
        (cell, cell.cell_type != "code" or cell.name in solutions) for cell in notebook.grade_cells
    ]
    return [*graded, *((cell, True) for cell in notebook.task_cells)]


def _full_name(row: Student) -> str:
    """The student's name, if the list has another one than the id."""
    parts = (row.first_name, row.last_name)
    name = " ".join(part.strip() for part in parts if part and part.strip())
    return "" if name == row.id else name


def _rows(gradebook: Gradebook, assignment: str) -> dict[str, Handed]:
    """Every learner's row, in two questions to the database instead of one for each cell."""
    session = gradebook.db
    marks: dict[str, dict[str, Mark]] = defaultdict(dict)
    cells = (
        session.query(SubmittedAssignment.student_id, BaseCell.name, Grade)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
        .filter(Assignment.name == assignment)
    )
    for student, name, grade in cells:
        marks[student][name] = Mark(
            grade.auto_score,
            grade.manual_score,
            float(grade.score),
            bool(grade.needs_manual_grade),
        )
    rows = {}
    for row in (
        session.query(SubmittedAssignment).join(Assignment).filter(Assignment.name == assignment)
    ):
        rows[row.student_id] = Handed(
            float(row.score or 0.0),
            float(row.late_submission_penalty or 0.0),
            float(row.total_seconds_late),
            marks[row.student_id],
        )
    return rows
