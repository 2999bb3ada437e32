"""How feedback gets to students: whether nbgrader's release_feedback can take it there."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path

from nbgrader.exchange.default import Exchange
from nbgrader.utils import check_directory

from grader.judge.batch.desk import Desk
from grader.judge.intake.printable import quote

_ASKED_FOR = ("timestamp.txt", "submission_secret.txt")
"""What nbgrader's exchange lays beside a submission, and opens beside its feedback."""
_MOST_NAMED = 5
_MOST_ENTRIES, _MOST_COPIES = 1000, 20
_LONGEST = 200  # bytes of a notebook's name


def handed_in(folder: Path) -> set[str]:
    """The names of the notebooks in a submission: `fetch_feedback` looks for feedback by these."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, _MOST_ENTRIES)]
    except OSError:
        return set()
    return {
        name.removesuffix(".ipynb")
        for name in names
        if name.endswith(".ipynb")
        and not name.startswith(".")
        and name.isprintable()
        and len(name.encode(errors="replace")) <= _LONGEST
    }


def under_their_names(pages: Mapping[str, bytes], names: Collection[str]) -> dict[str, bytes]:
    """The pages, and the one that nobody could fetch once more under each name it may be sought by.

    A notebook that was renamed, or is another chapter's, is sought under the name it was handed in
    with. Where two pages lack their notebook, nothing says which is whose.
    """
    lacking = [name for name in pages if name not in names]
    if len(lacking) != 1:
        return dict(pages)
    others = sorted(name for name in names if name not in pages)[:_MOST_COPIES]
    return {**pages, **dict.fromkeys(others, pages[lacking[0]])}


def handing_out(desk: Desk, assignment: str) -> Iterator[str]:
    """What to say of the feedback that is written: the command that works, and for whom not."""
    course = desk.course
    folder = course.format_path(course.feedback_directory, "STUDENT", assignment)
    pages = f"Feedback is written: {os.path.relpath(folder, course.root)} has the pages."
    root = Exchange(coursedir=course, config=desk.config).root
    lacking = dict(_lacking(desk, assignment))
    without = [student for student, missing in lacking.items() if missing]
    unsought = [student for student in lacking if not _is_sought(desk, assignment, student)]
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
        yield (
            f"nbgrader cannot hand it out to {_named(without)}: it asks for {files}, which the "
            "exchange lays beside a submission."
        )
    unsought = [student for student in unsought if student not in without]
    if unsought:
        yield (
            f"It cannot be fetched by {_named(unsought)}: nbgrader looks for feedback by the name "
            "of the notebook that was handed in, and none of theirs goes with a page."
        )


def _named(students: list[str]) -> str:
    left = len(students) - _MOST_NAMED
    more = f" and {left} more" if left > 0 else ""
    return ", ".join(map(quote, students[:_MOST_NAMED])) + more


def _is_sought(desk: Desk, assignment: str, student: str) -> bool:
    """Whether a student's client looks for any of the pages that there are."""
    course = desk.course
    folder = Path(course.format_path(course.feedback_directory, student, assignment))
    names = handed_in(desk.folder(assignment, student))
    return any(page.stem in names for page in folder.glob("*.html"))


def _lacking(desk: Desk, assignment: str) -> Iterator[tuple[str, list[str]]]:
    """Everybody of whom there is a page, and what nbgrader would open beside it in vain."""
    course = desk.course
    for student in desk.students(assignment, course.feedback_directory):
        folder = Path(course.format_path(course.feedback_directory, student, assignment))
        if any(folder.glob("*.html")):
            yield student, [name for name in _ASKED_FOR if not (folder / name).is_file()]
