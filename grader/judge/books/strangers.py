"""Tells which submissions are of nobody in the class: a folder's name may be a slip."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nbgrader.api import SubmittedAssignment
from nbgrader.coursedir import CourseDirectory

from grader.judge.books.reading import reading

_NEAR = 0.75
"""How alike two ids are, from 0 to 1, of which one may be a slip of the other."""


@dataclass(frozen=True)
class ClassList:
    """The students in the gradebook, and whether somebody entered them.

    Where nobody did, grading makes each who hands in a student, as nbgrader does. A student was
    entered who has a name other than the id, an address, or never had a submission.
    """

    students: frozenset[str]
    is_entered: bool


def class_list(course: CourseDirectory) -> ClassList:
    """Who is in the class. Raises NoGradebook and Unreachable."""
    with reading(course) as gradebook:
        people = gradebook.students
        query = gradebook.db.query(SubmittedAssignment.student_id).distinct()
        with_rows = {student for (student,) in query}
        entered = any(
            row.first_name
            or row.last_name not in (None, "", row.id)  # whom grading made is listed by id
            or row.email
            or row.id not in with_rows
            for row in people
        )
        return ClassList(frozenset(row.id for row in people), entered)


def strangers(known: ClassList, handed_in: Iterable[str]) -> Mapping[str, str]:
    """Who handed in and is nobody of the class: what to say, by the submission's id.

    In a class that nobody entered, that is an id like that of somebody who has not handed in.
    """
    everybody = list(handed_in)
    without = sorted(known.students - set(everybody))
    found = {}
    for student in everybody:
        if student in known.students:
            continue
        near = nearest(student, without) or (
            nearest(student, sorted(known.students)) if known.is_entered else None
        )
        if known.is_entered or near:
            found[student] = _sentence(near, has_handed_in=near in everybody)
    return found


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The id most like another, if any is like it."""
    folded = {one.casefold(): one for one in names}
    near = difflib.get_close_matches(name.casefold(), folded, 1, _NEAR)
    return folded[near[0]] if near else None


def _sentence(near: str | None, *, has_handed_in: bool) -> str:
    guess = f" Is it {near}? Then give the folder that name." if near else ""
    if has_handed_in:
        guess = f" Is it {near}? {near} has handed in already: see which one counts."
    return (
        f"No student of the class is called so.{guess} Whoever joined is entered with nbgrader db "
        "student add, or with --new-students."
    )
