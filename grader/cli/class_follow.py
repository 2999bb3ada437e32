"""`autograd-course class follow`: the same for every assignment that was handed out."""

from __future__ import annotations

import os
from functools import partial
from typing import Annotated

import typer

from grader.cli.follow import Tries, follow_until_stopped
from grader.cli.grade import Course, Jobs, desk_for, find_isolation, judging_for
from grader.cli.place import find_class
from grader.judge.intake.naming import require_assignment


def follow(
    assignments: Annotated[
        list[str] | None,
        typer.Argument(help="Such as 01-graphs.", show_default="all that were handed out"),
    ] = None,
    course: Course = None,
    jobs: Jobs = None,
    tries: Tries = None,
) -> None:
    """Grade what arrives, and hand its feedback out, until Ctrl-C."""
    # Before torch is imported, here and in the workers: each would take every processor.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from grader.classroom.following import handed_out

    folder = find_class(course)
    named = [require_assignment(name) for name in assignments or ()]
    desk = desk_for(folder, None)
    find_isolation(desk)
    follow_until_stopped(
        desk, partial(judging_for, desk, jobs), lambda: named or handed_out(folder), tries
    )
