"""One person of a class: who is meant, and every file and row that is stored about them."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Base, Student
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default.exchange import Exchange
from nbgrader.utils import full_split, notebook_hash
from sqlalchemy import create_engine, select
from sqlalchemy.engine import Engine

from grader.classroom.settings import settings_of
from grader.engine.refusal import Refusal
from grader.judge.batch.desk import Desk
from grader.judge.books.reading import reading
from grader.judge.intake.printable import quote
from grader.judge.sitting.tidying import SET_ASIDE
from grader.notebook.files import read_plain

_SECRET = "submission_secret.txt"
_MOST = 1000  # bytes of a submission's secret
_MOST_SEARCHED = 64 * 1024 * 1024  # bytes of a file that is looked through for a name
_SQLITE = b"SQLite format 3\0"
_ARCHIVES = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst", ".7z")


_ANY = "\0"
"""Stands for any assignment in a path: no file system allows it in a name."""


class CannotLook(Refusal):
    """A place that may hold something about a person cannot be looked into."""


class NobodyOfThatId(Refusal):
    """The class knows nobody by an id."""

    def __init__(self, student: str, like: list[str]) -> None:
        meant = f"Did you mean {' or '.join(map(quote, like))}? " if like else ""
        super().__init__(
            f"The class knows nobody called {quote(student)}. Nothing was done.",
            f"{meant}nbgrader db student list shows the class's list, and autograd-course class "
            "enrol LIST.csv puts somebody on it.",
        )


@dataclass(frozen=True)
class Stored:
    """Where things about one person lie, besides the two databases.

    `places` are the files and folders that are theirs, below the class's folder or in its exchange.
    `named` are others in which they may stand: copies of a database, archives, reports.
    """

    places: tuple[Path, ...]
    named: tuple[Path, ...]


class Class:
    """A class's folder with its two databases, opened to look for people. Close it when done."""

    def __init__(self, folder: Path) -> None:
        """Raises NoGradebook and Unreachable."""
        self.desk = Desk.at(folder)
        self.course: CourseDirectory = self.desk.course
        with reading(self.course):
            pass
        self.engine: Engine = create_engine(self.course.db_url)
        config = settings_of(folder)  # a classroom says above where its exchange is
        course = Path(Exchange(config=config).root) / self.course.course_id
        self.inbound, self.released = course / "inbound", course / "feedback"

    def close(self) -> None:
        """Let go of both databases."""
        self.engine.dispose()
        self.desk.close()

    def require(self, student: str) -> None:
        """Raises NobodyOfThatId unless the class knows the person, be it by a submission alone."""
        known = self.everybody()
        if student not in known:
            raise NobodyOfThatId(student, nearest(student, known))

    def everybody(self) -> set[str]:
        """Everybody of whom anything is stored."""
        with self.engine.connect() as connection:
            listed = set(connection.scalars(select(Student.id)))
        steps = self._steps()
        lying = {name for step in steps for name in _names_in(self.course, step)}
        return listed | self.desk.ledger.people() | lying | set(_senders(self.inbound))

    def stored(self, student: str) -> Stored:
        """Every place with something of one person. Raises CannotLook."""
        folders = [path for step in self._steps() for path in _places(self.course, step, student)]
        handed_in = sorted(_handed_in(self.inbound, student))
        pages = sorted(self._pages(student, [*folders, *handed_in]))
        places = (*handed_in, *pages, *folders)
        return Stored(places, tuple(self._elsewhere(student, places)))

    def _steps(self) -> tuple[str, ...]:
        course = self.course
        steps = (course.submitted_directory, course.autograded_directory, course.feedback_directory)
        return (*steps, *(f"{SET_ASIDE}/{step}" for step in steps))

    def _pages(self, student: str, folders: Iterable[Path]) -> Iterator[Path]:
        """Released feedback: its name is drawn from a submission's secret."""
        with self.engine.connect() as connection:
            table = Base.metadata.tables["notebook"]
            notebooks = set(connection.scalars(select(table.c.name)))
        secrets = set()
        for folder in folders:
            for path in (folder / _SECRET, *sorted(folder.glob(f"*/{_SECRET}"))):
                try:
                    content = read_plain(path, _MOST)
                    secrets.add((content or b"").decode())
                except (OSError, UnicodeDecodeError):
                    continue
        for secret in secrets - {""}:
            for name in notebooks:
                page = self.released / f"{notebook_hash(secret=secret, notebook_id=name)}.html"
                if page.is_file():
                    yield page

    def _elsewhere(self, student: str, places: Iterable[Path]) -> Iterator[Path]:
        """Files of the class's folder that are not theirs, and in which they may stand."""
        root = Path(self.course.root)
        skipped = {root / step for step in self._steps()}
        skipped |= {root / self.course.source_directory, root / self.course.release_directory}
        skipped |= {self.inbound.parent, *places}
        own = {root / "gradebook.db", root / "verdicts.db", Path(self.engine.url.database or "")}
        word = re.compile(rb"(?<![\w-])" + re.escape(os.fsencode(student)) + rb"(?![\w-])")
        for here, folders, names in os.walk(root):
            folders[:] = sorted(one for one in folders if Path(here, one) not in skipped)
            for name in sorted(names):
                path = Path(here, name)
                if path not in own and not path.is_symlink() and _may_name(path, word):
                    yield path


def nearest(student: str, known: Iterable[str]) -> list[str]:
    """Those whose ids are most like one that nobody has."""
    by_key = {name.casefold(): name for name in known}
    like = difflib.get_close_matches(student.casefold(), by_key, n=3, cutoff=0.6)
    return [by_key[key] for key in like]


def _may_name(path: Path, word: re.Pattern[bytes]) -> bool:
    if path.name.lower().endswith(_ARCHIVES):
        return True
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_SEARCHED)
    except OSError:
        return False
    return content.startswith(_SQLITE) or word.search(content) is not None


def _places(course: CourseDirectory, step: str, student: str) -> list[Path]:
    """A person's folder of one step; one for each assignment where those stand above people.

    With what a grading that was cut off left beside it, under a hidden name.
    """
    if student in ("", ".", "..") or "/" in student or "\0" in student:
        return []  # no folder is called so, and none but theirs may be meant
    parts = full_split(course.directory_structure)
    wanted = [
        glob.escape(part.format(nbgrader_step=step, student_id=student, assignment_id=_ANY))
        for part in parts
    ]
    theirs = next((n for n, part in enumerate(parts) if "{student_id}" in part), len(parts) - 1)
    above = os.path.join(glob.escape(course.root), *wanted[:theirs])
    last = (wanted[theirs], f".{wanted[theirs]}.*")
    found = (glob.glob(os.path.join(above, one).replace(_ANY, "*")) for one in last)
    return sorted(Path(path) for paths in found for path in paths)


def _names_in(course: CourseDirectory, step: str) -> Iterator[str]:
    """Everybody with a folder of one step."""
    between = course.format_path(step, "\1", _ANY).split("\1")
    pattern = "*".join(glob.escape(part).replace(_ANY, "*") for part in between)
    shape = re.compile(
        "(?P<student>[^/]+)".join(re.escape(part).replace("\0", "[^/]+") for part in between)
    )
    for path in glob.glob(pattern):
        match = shape.fullmatch(path)
        if match:
            yield match["student"]


def _senders(inbound: Path) -> Iterator[str]:
    """Everybody of whom something lies in the exchange."""
    names = _listed(inbound)
    yield from (name.rsplit("+", 3)[0] for name in names if name.count("+") >= 2)


def _handed_in(inbound: Path, student: str) -> Iterator[Path]:
    """What one person handed in, by nbgrader's own reading of a folder's name; in a room, too."""
    for place in (inbound, inbound / student):
        for name in _listed(place):
            if name.count("+") >= 2 and name.rsplit("+", 3)[0] == student:
                yield place / name


def _listed(folder: Path) -> list[str]:
    """What lies in a folder of the exchange, if there is one. Raises CannotLook."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise CannotLook(
            f"{folder} cannot be listed: {error.strerror}. Nothing was done.",
            "Type this as whoever owns the exchange, or as root.",
        ) from error
