"""When an assignment is due: for everybody, and for one learner who has longer.

nbgrader keeps a due date for the assignment and, beside a learner's submission, an extension: how
much later it is due for this one. Lateness is counted from the sum, by nbgrader and here. So an
extension to a date is kept as the time between the two, and worked out anew when the assignment's
date moves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nbgrader.api import Assignment, Gradebook, MissingEntry, SubmittedAssignment

from grader.classroom.people import NobodyOfThatId, nearest
from grader.engine.refusal import Refusal
from grader.judge.books.gradebook import listed_as, quietly
from grader.judge.books.reading import reading
from grader.judge.books.register import NotReleased
from grader.judge.intake.course import course_directory
from grader.judge.intake.naming import why_no_student

_END_OF_DAY = time(23, 59, 59)
_DATE = re.compile(r"(?P<when>\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?)\s*(?P<zone>.*)")
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")


class BadDate(Refusal):
    """A date that cannot be read, or that does not go with the others."""


@dataclass(frozen=True)
class Extended:
    """One learner's own due date (naive UTC), and whether it is still later than everybody's."""

    student: str
    until: datetime
    kept: bool


@dataclass(frozen=True)
class Moved:
    """What a new due date means for those who have longer; whether anybody is graded already."""

    extended: tuple[Extended, ...]
    graded: bool


def parse(text: str) -> datetime | None:
    """A date as it is typed, as naive UTC; None for `none`. Raises BadDate.

    A day alone means its last second. Without a zone it is UTC, as everywhere in nbgrader.
    """
    asked = text.strip()
    if asked.casefold() == "none":
        return None
    match = _DATE.fullmatch(asked)
    try:
        if match is None:
            raise ValueError
        found = datetime.fromisoformat(match["when"])
        if len(match["when"]) == len("2026-01-15"):
            found = datetime.combine(found, _END_OF_DAY)
        zone = match["zone"].strip()
        if _OFFSET.fullmatch(zone):
            aware = datetime.fromisoformat(f"{found.isoformat()}{zone}")
        else:
            named = "UTC" if zone.upper() in ("", "UTC", "Z") else zone
            aware = found.replace(tzinfo=ZoneInfo(named))
        return aware.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError) as error:
        raise BadDate(
            f"{text!r} is no date.",
            'Such as 2026-01-15, "2026-01-15 12:00", "2026-01-15 12:00 Europe/Berlin" or '
            '"2026-01-15 12:00 +01:00"; none takes it away. Without a zone it is UTC.',
        ) from error


def set_due(folder: Path, assignment: str, due: datetime | None) -> Moved:
    """Say when an assignment is due.

    Whoever has longer than the new date keeps their own date; of the others an extension is taken
    away. Raises NotReleased, NoGradebook and Unreachable; BadDate for no date beside extensions.
    """
    with reading(course_directory(folder)) as gradebook:
        row = _assignment(gradebook, assignment)
        extended = _extensions(gradebook, assignment)
        if due is None and extended:
            raise BadDate(
                f"{assignment} has extensions, which are counted from its date: "
                f"{', '.join(one.student_id for one in extended)}.",
                "Take them away first: autograd-course class extend STUDENT ASSIGNMENT none",
            )
        found = []
        for one in extended:
            until = one.duedate
            assert due is not None
            one.extension = until - due if until > due else None
            found.append(Extended(one.student_id, until, until > due))
        row.duedate = due
        gradebook.db.commit()
        return Moved(tuple(found), any(map(_is_graded, row.submissions)))


def extend(folder: Path, student: str, assignment: str, until: datetime | None) -> bool:
    """Give one learner until a date, or take that back; whether the learner was graded before.

    Raises NobodyOfThatId, NotReleased, NoGradebook and Unreachable, and BadDate where there is no
    date to be later than.
    """
    course = course_directory(folder)
    with reading(course) as gradebook:
        row = _assignment(gradebook, assignment)
        listed = [one.id for one in gradebook.students]
        handed_in = course.format_path(course.submitted_directory, student, assignment)
        if student not in listed and (why_no_student(student) or not Path(handed_in).is_dir()):
            raise NobodyOfThatId(student, nearest(student, listed))
        if until is not None and row.duedate is None:
            raise BadDate(
                f"{assignment} has no due date, so nobody can have longer.",
                f"Say it first: autograd-course class due {assignment} DATE",
            )
        if until is not None and until <= row.duedate:
            raise BadDate(
                f"{assignment} is due {shown(row.duedate)} for everybody, which is not before "
                f"{shown(until)}.",
                "Name a later date, or none to take an extension back.",
            )
        if student not in listed:  # a class without a list, of whom a submission was collected
            gradebook.add_student(student, **listed_as(student))
        submission = _submission(gradebook, assignment, student, make=until is not None)
        if submission is None:
            return False
        submission.extension = None if until is None else until - row.duedate
        graded = _is_graded(submission)
        if until is None and submission.timestamp is None and not graded:
            gradebook.db.commit()
            gradebook.remove_submission(assignment, student)  # it was made for the extension
        gradebook.db.commit()
        return graded


def shown(moment: datetime) -> str:
    """A moment (naive UTC) for people to read."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _is_graded(submission: SubmittedAssignment) -> bool:
    grades = (grade for notebook in submission.notebooks for grade in notebook.grades)
    return any(grade.auto_score is not None for grade in grades)


def _assignment(gradebook: Gradebook, name: str) -> Assignment:
    try:
        return gradebook.find_assignment(name)
    except MissingEntry:
        known = [one.name for one in gradebook.assignments]
        listed = f"It knows {', '.join(sorted(known))}." if known else "Release it: make exercises."
        raise NotReleased(f"The gradebook knows no assignment {name}.", listed) from None


def _extensions(gradebook: Gradebook, assignment: str) -> list[SubmittedAssignment]:
    rows = gradebook.db.query(SubmittedAssignment).join(Assignment)
    rows = rows.filter(Assignment.name == assignment, SubmittedAssignment.extension.is_not(None))
    # Without a date, nbgrader cannot count from it: such an extension has no end to keep.
    found = [one for one in rows if one.assignment.duedate is not None and one.extension]
    return sorted(found, key=lambda one: str(one.student_id))


def _submission(
    gradebook: Gradebook, assignment: str, student: str, *, make: bool
) -> SubmittedAssignment | None:
    try:
        return gradebook.find_submission(assignment, student)
    except MissingEntry:
        if not make:
            return None
    with quietly():
        return gradebook.add_submission(assignment, student)
