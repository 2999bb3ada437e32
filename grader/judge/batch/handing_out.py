"""How feedback gets to students: whether nbgrader's release_feedback can take it there."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from nbgrader.exchange.default import Exchange
from nbgrader.utils import check_directory

from grader.judge.batch.desk import Desk
from grader.judge.intake.printable import quote

_ASKED_FOR = ("timestamp.txt", "submission_secret.txt")
"""What nbgrader's exchange lays beside a submission, and opens beside its feedback."""
_MOST_NAMED = 5


def handing_out(desk: Desk, assignment: str) -> Iterator[str]:
    """What to say of the feedback that is written: the command that works, and for whom not."""
    course = desk.course
    folder = course.format_path(course.feedback_directory, "STUDENT", assignment)
    pages = f"Feedback is written: {os.path.relpath(folder, course.root)} has the pages."
    root = Exchange(coursedir=course, config=desk.config).root
    lacking = dict(_lacking(desk, assignment))
    without = [student for student, missing in lacking.items() if missing]
    command = f"nbgrader release_feedback {shlex.quote(assignment)}"
    if not (course.course_id and check_directory(root, write=True, execute=True)):
        yield f"{pages} nbgrader cannot hand them out: {root} is no exchange that you may write to."
        return
    if without and len(without) < len(lacking):
        left_out = f"--CourseDirectory.student_id_exclude={','.join(without)}"
        command = f"{command} {shlex.quote(left_out)}"
    if len(without) == len(lacking):
        yield pages
    else:
        yield f"Feedback is written: {command} hands it out."
    if without:
        missing = {name for names in lacking.values() for name in names}
        files = " and ".join(name for name in _ASKED_FOR if name in missing)
        names = ", ".join(map(quote, without[:_MOST_NAMED]))
        left = len(without) - _MOST_NAMED
        more = f" and {left} more" if left > 0 else ""
        yield (
            f"nbgrader cannot hand it out to {names}{more}: it asks for {files}, which the "
            "exchange lays beside a submission."
        )


def _lacking(desk: Desk, assignment: str) -> Iterator[tuple[str, list[str]]]:
    """Everybody of whom there is a page, and what nbgrader would open beside it in vain."""
    course = desk.course
    for student in desk.students(assignment, course.feedback_directory):
        folder = Path(course.format_path(course.feedback_directory, student, assignment))
        if any(folder.glob("*.html")):
            yield student, [name for name in _ASKED_FOR if not (folder / name).is_file()]
