"""Lays a class's folder: settings, solutions, releases, a gradebook with its list, an exchange."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.authoring import releases
from grader.classroom.roster import Learner, Roster
from grader.engine.refusal import Refusal
from grader.judge.books.gradebook import listed_as
from grader.judge.books.reading import reading
from grader.judge.intake.course import course_directory
from grader.judge.intake.naming import require_folder
from grader.notebook.files import put_in_place

_SETTINGS = """
# --- This class ---
c.CourseDirectory.course_id = {course_id!r}
# A gradebook and a verdict log of its own, in this folder, whatever stands above.
c.CourseDirectory.pop("db_url", None)
c.Grading.pop("ledger_url", None)
# Where assignments go out and submissions come in. It belongs to the class in:
# {folder}
c.Exchange.root = {exchange!r}
# A submission is its owner's, and came when the exchange's file system says.
c.ExchangeFactory.collect = "grader.classroom.collecting.Collect"
# Ids are the names of accounts. Where they are not, owners say nothing:
{check_owner}c.ExchangeCollect.check_owner = False
"""

_STUDENTS = '''"""What a class's students keep as ~/.jupyter/nbgrader_config.py."""

c = get_config()

c.CourseDirectory.course_id = {course_id!r}
c.Exchange.root = {exchange!r}
'''
_COURSE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class CannotMake(Refusal):
    """A class cannot be laid where it was asked for, or with what was asked for."""


@dataclass(frozen=True)
class Wanted:
    """What a class is to have. `owners` says whether ids are the names of accounts."""

    folder: Path
    exchange: Path
    course_id: str
    assignments: tuple[str, ...] = ()
    owners: bool = True


def make(course: Path, wanted: Wanted, roster: Roster) -> list[str]:
    """Lay a class with the assignments of a course, all if none is named; give their names.

    It is made beside its place and put there once it is whole. Raises CannotMake, BadName, and what
    releases.generate raises.
    """
    texts = _texts(course, wanted.assignments)
    _refuse(wanted)
    try:
        wanted.folder.parent.mkdir(parents=True, exist_ok=True)
        kept = tempfile.TemporaryDirectory(
            dir=wanted.folder.parent, prefix=f".{wanted.folder.name}-"
        )
        with kept as beside:
            made = Path(beside) / wanted.folder.name
            _lay(course, texts, made, wanted)
            for _ in releases.generate(made):
                pass
            enrol_all(made, roster.learners)
            lay_exchange(wanted.exchange, wanted.course_id)
            put_in_place(made, wanted.folder)
    except OSError as error:
        raise CannotMake(
            f"{error.filename or wanted.folder} cannot be written: {error.strerror or error}.",
            "Make room, or name folders that you may write: --exchange names the other one.",
        ) from error
    return [text.stem for text in texts]


@dataclass(frozen=True)
class Enrolled:
    """What a list changed: how many are new, how many have other details than before, and whose
    address stands in the class under another id too: (new id, id before)."""

    new: int
    changed: int
    twice: tuple[tuple[str, str], ...]


def enrol_all(folder: Path, learners: Sequence[Learner]) -> Enrolled:
    """Put learners on a class's list, in one transaction. Nobody is taken off.

    Raises NoGradebook and Unreachable.
    """
    from nbgrader.api import Student

    new = changed = 0
    twice: list[tuple[str, str]] = []
    with reading(course_directory(folder)) as gradebook:
        session = gradebook.db
        known = {row.id: row for row in session.query(Student)}
        addressed = {row.email.casefold(): row.id for row in known.values() if row.email}
        for one in learners:
            details = _details(one)
            row = known.get(one.id)
            if row is None:
                if (before := addressed.get(one.email.casefold())) is not None:
                    twice.append((one.id, before))
                session.add(Student(id=one.id, **listed_as(one.id, one.first, one.last), **details))
                new += 1
                continue
            details |= {} if not (one.first or one.last) else listed_as(one.id, one.first, one.last)
            fresh = {name: value for name, value in details.items() if getattr(row, name) != value}
            for name, value in fresh.items():
                setattr(row, name, value)
            changed += bool(fresh)
        session.commit()
    return Enrolled(new, changed, tuple(twice))


def _texts(course: Path, names: Sequence[str]) -> list[Path]:
    known = {text.stem: text for text in releases.texts(course)}
    missing = [name for name in names if name not in known]
    if missing or not known:
        raise CannotMake(
            f"The course in {course} has no assignment {', '.join(missing) or 'at all'}.",
            f"These are there: {', '.join(known) or 'none'}.",
        )
    return [known[name] for name in dict.fromkeys(names)] or list(known.values())


def _refuse(wanted: Wanted) -> None:
    """Raises CannotMake, or BadName, before anything is written."""
    for place in (wanted.folder, wanted.exchange):
        require_folder(place)
        if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()):
            raise CannotMake(f"{place} is no folder.", "Name another.")
    if wanted.folder.is_dir() and any(wanted.folder.iterdir()):
        raise CannotMake(
            f"{wanted.folder} holds something already.",
            "Name a folder that is empty or does not exist yet. To put learners on the list of a "
            "class that is there: autograd-course class enrol LIST.csv, in its folder.",
        )
    if not _COURSE_ID.fullmatch(wanted.course_id):
        raise CannotMake(
            f"A course cannot have the id {wanted.course_id!r}.",
            "Letters, digits, dots, hyphens and underscores: --course-id autumn-2026",
        )
    theirs = wanted.exchange / wanted.course_id
    if os.path.lexists(theirs):
        raise CannotMake(
            f"The exchange holds a course of that id already: {theirs}.",
            "Give this class another, with --course-id, or another --exchange.",
        )
    if wanted.folder.resolve() in (wanted.exchange.resolve(), *wanted.exchange.resolve().parents):
        raise CannotMake(
            f"The exchange {wanted.exchange} would lie inside the class's folder, which is closed "
            "to students.",
            "Name a folder that students can reach: --exchange FOLDER",
        )


def _lay(course: Path, texts: Sequence[Path], made: Path, wanted: Wanted) -> None:
    """What is there before the first release: settings and solutions, closed to others."""
    made.mkdir(mode=0o700)
    no_notebooks = shutil.ignore_patterns("*.ipynb", ".*", "__pycache__")
    for text in texts:
        shutil.copytree(text.parent, made / "solutions" / text.stem, ignore=no_notebooks)
    settings = (course / "nbgrader_config.py").read_text(encoding="utf-8")
    own = _SETTINGS.format(
        course_id=wanted.course_id,
        exchange=str(wanted.exchange),
        folder=wanted.folder.resolve(),
        check_owner="# " * wanted.owners,
    )
    (made / "nbgrader_config.py").write_text(settings + own, encoding="utf-8")
    # It will hold hidden tests and grades.
    os.close(os.open(made / "gradebook.db", os.O_CREAT | os.O_WRONLY, 0o600))


def lay_exchange(exchange: Path, course_id: str) -> None:
    """nbgrader's exchange on a shared folder, with the settings that students need beside it.

    A student hands in by making a folder in `inbound`, which nobody but the owner can list, and
    whose sticky bit keeps others' submissions where they are. Raises OSError.
    """
    modes = {
        exchange: 0o1777,  # nbgrader asks that everybody may write into it
        exchange / course_id: 0o755,
        exchange / course_id / "outbound": 0o755,
        exchange / course_id / "inbound": 0o1733,
        exchange / course_id / "feedback": 0o711,
    }
    for folder, mode in modes.items():
        if not folder.is_dir():
            folder.mkdir(parents=folder == exchange)
            folder.chmod(mode)
    about = _STUDENTS.format(course_id=course_id, exchange=str(exchange))
    (exchange / course_id / "nbgrader_config.py").write_text(about, encoding="utf-8")


def _details(one: Learner) -> dict[str, str]:
    found = {"email": one.email, "lms_user_id": one.lms_user_id}
    return {name: value for name, value in found.items() if value}
