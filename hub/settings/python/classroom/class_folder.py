"""Lays the class's folder, as the grader: solutions, releases and the gradebook's first rows."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path, PurePosixPath

from grader.authoring import releases
from grader.engine.refusal import Refusal
from grader.judge.books.gradebook import listed_as
from grader.notebook.folder.workspace import Placement, lay

_LAID = (Placement.NEW, Placement.UPDATED, Placement.RESTORED)
_RELEASED = ("solutions", "exercises")


def main(offered: Path, students: list[str]) -> None:
    """What the instructors changed in the folder stays as it is; see `autograd-course open`.

    So does an assignment that was handed out or in: it is graded as it was released.
    """
    os.umask(0o077)
    folder = Path(os.environ["CLASSROOM_ROOT"])
    under_way = _under_way(folder)
    files = sorted(
        path
        for path in offered.rglob("*")
        if path.is_file() and not under_way & set(path.relative_to(offered).parts)
    )
    placed = lay({PurePosixPath(p.relative_to(offered)): p.read_bytes() for p in files}, folder)
    for one in placed:
        if one.outcome is Placement.BESIDE:
            print(f"{folder / one.path} holds changes of yours. The new one is {one.newest}.")
    if under_way:
        print(f"As they were handed out stay {', '.join(sorted(under_way))}.")
    is_new = not (folder / "gradebook.db").exists()
    if is_new:
        print("Making the gradebook.")
    if is_new or any(one.outcome in _LAID and one.path.parts[0] in _RELEASED for one in placed):
        try:
            for _ in releases.generate(folder, leave=under_way):
                pass
        except Refusal as failure:
            if is_new:
                raise
            print(failure.what, failure.cure, sep="\n")  # a text of the instructors' own
    _enrol(folder, students)


def _under_way(folder: Path) -> set[str]:
    """The assignments that were handed out, or of which submissions stand in the gradebook."""
    from nbgrader.api import Assignment, Gradebook, SubmittedAssignment

    outbound = Path(os.environ["CLASSROOM_EXCHANGE"], "autograd-course", "outbound")
    found = {path.name for path in outbound.glob("*/")}
    if (folder / "gradebook.db").exists():
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "autograd-course") as book:
            query = book.db.query(Assignment.name).join(SubmittedAssignment)
            found |= {name for (name,) in query.distinct()}
    return found


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
