"""Opens nbgrader's gradebook, where there is one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url

from grader.engine.refusal import Refusal
from grader.judge.books.age import require_current
from grader.judge.books.databases import reaching


class NoGradebook(Refusal):
    """Nothing was released into this folder's gradebook yet, or it is another folder."""


@contextlib.contextmanager
def reading(course: CourseDirectory) -> Iterator[Gradebook]:
    """The gradebook of a course. Raises NoGradebook, OlderGradebook and Unreachable."""
    address = make_url(course.db_url)
    # nbgrader would make an empty gradebook here.
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        raise NoGradebook(
            f"There is no gradebook at {address.database}.",
            "Go to the class's folder, or name it: --course FOLDER. In a new one, release an "
            "assignment first: make exercises, or nbgrader generate_assignment.",
        )
    require_current(address)
    with reaching(address), Gradebook(course.db_url, course.course_id) as gradebook:
        yield gradebook
