"""Lays the class's folder, as the grader: solutions, releases and the gradebook's first rows."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path, PurePosixPath

from grader.authoring import releases
from grader.engine.refusal import Refusal
from grader.judge.books.gradebook import listed_as
from grader.notebook.workspace import Placement, lay


def main(offered: Path, students: list[str]) -> None:
    """What the instructors changed in the folder stays as it is; see `autograd-course open`."""
    os.umask(0o077)
    folder = Path(os.environ["CLASSROOM_ROOT"])
    files = sorted(path for path in offered.rglob("*") if path.is_file())
    placed = lay({PurePosixPath(p.relative_to(offered)): p.read_bytes() for p in files}, folder)
    for one in placed:
        if one.outcome is Placement.BESIDE:
            print(f"{folder / one.path} holds changes of yours. The new one is {one.newest}.")
    if not (folder / "gradebook.db").exists():
        print("Making the gradebook.")
        for _ in releases.generate(folder):
            pass
    _enrol(folder, students)


def _enrol(folder: Path, students: list[str]) -> None:
    """So that formgrader lists who has not handed anything in yet."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "autograd-course") as book:
        known = {student.id for student in book.students}
        for name in students:
            if name not in known:
                book.add_student(name, **listed_as(name))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), json.loads(sys.argv[2]))
    except Refusal as refusal:
        print(refusal.what, file=sys.stderr)
        print(refusal.cure, file=sys.stderr)
        sys.exit(1)
