"""Puts graded submissions in their places, so that a run killed anywhere can be taken up again.

A submission is graded once its verdicts stand in the ledger; its files were written before, under a
hidden name that ends in the ledger's token. Then follow the gradebook, the files' own name, and the
feedback: each can be repeated, and the hidden name says that something is left to do.
"""

from __future__ import annotations

import contextlib
import enum
import glob
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from sqlalchemy.exc import DBAPIError

from grader.engine.refusal import Refusal
from grader.judge.batch.desk import Desk
from grader.judge.batch.handing_out import handed_in, under_their_names
from grader.judge.books.databases import first_line
from grader.judge.books.gradebook import Book, Notebook
from grader.judge.books.ledger import Notes
from grader.judge.books.needs import Need
from grader.judge.books.rows import Recorded
from grader.judge.books.standing import newest
from grader.judge.books.tables import SittingRow
from grader.judge.sitting.papers import Marked, Paper, Round
from grader.notebook import files


class FilingRefused(Refusal):
    """A graded submission could not be written to its places."""


class FilingState(enum.Enum):
    """How far a submission has come."""

    NEW = "to be graded"
    STAGED = "graded, and not yet in the gradebook"
    UNRECORDED = "graded, and missing from the gradebook"
    NO_FEEDBACK = "graded, and without feedback"
    DONE = "graded before"


@dataclass(frozen=True)
class Entered:
    """A submission that is in all its places but its feedback: its notebooks, and what the
    gradebook says of each."""

    notebooks: Mapping[str, Notebook]
    recorded: Mapping[str, Recorded]
    notes: Notes
    isolation: str


class Filing:
    """The places of one assignment's graded submissions.

    Several may grade into them at once where the ledger is on PostgreSQL: what somebody else did
    to a submission meanwhile is seen before it is filed.
    """

    def __init__(self, desk: Desk, book: Book, round_: Round) -> None:
        self._desk, self._book, self._round = desk, book, round_
        self._sittings: dict[str, list[SittingRow]] = defaultdict(list)
        for row in desk.ledger.sittings(round_.assignment):
            self._sittings[row.student].append(row)
        self._recorded = book.students(round_.assignment)

    def state(self, paper: Paper) -> FilingState:
        """How far this submission has come, in this version of the assignment's secret.

        This waits for whoever is filing it: what is half done afterwards, somebody was killed at.
        """
        with self._alone(paper.student):
            return self._state(paper)

    def _state(self, paper: Paper) -> FilingState:
        sitting = self._sitting(paper)
        if sitting is None:
            return FilingState.NEW
        place = self._place(paper.student)
        if sitting.token and _staged(place, sitting.token).is_dir():
            return FilingState.STAGED
        if not all((place / f"{name}.ipynb").is_file() for name in self._round.forms):
            return FilingState.NEW
        if paper.student not in self._recorded:
            return FilingState.UNRECORDED
        pages = (self._page(paper.student, name) for name in self._round.forms)
        return (
            FilingState.DONE if all(page.is_file() for page in pages) else FilingState.NO_FEEDBACK
        )

    def needs(self, paper: Paper) -> tuple[Need, ...]:
        """What was noted for a person when this submission was graded."""
        same = [row for row in self._sittings[paper.student] if row.submission == paper.digest]
        return tuple(need for row in newest(same) for need in row.needs)

    def file(self, paper: Paper, marked: Marked) -> Entered | None:
        """Put a submission that was just judged into all its places but its feedback.

        None if somebody else graded it since it was looked at: theirs stays. Raises a Refusal.
        """
        with self._alone(paper.student) as overtaken:
            if overtaken and self._state(paper) is not FilingState.NEW:
                return None
            return self._file(paper, marked)

    def left(self, paper: Paper) -> Path:
        """The folder with the graded notebooks of a submission that was judged."""
        with self._alone(paper.student):
            sitting, place = self._sitting(paper), self._place(paper.student)
            stage = _staged(place, sitting.token) if sitting and sitting.token else place
            return stage if stage.is_dir() else place

    def finish(self, paper: Paper, found: Path, graded: Mapping[str, Notebook]) -> Entered | None:
        """Do what is left of a submission whose state was neither NEW nor DONE, but its feedback.

        `graded` are its notebooks as they lie in the folder `found`. None if somebody else was at
        it meanwhile. Raises a Refusal.
        """
        with self._alone(paper.student) as overtaken:
            self._recorded = self._book.students(self._round.assignment)
            state, sitting = self._state(paper), self._sitting(paper)
            if overtaken or state is FilingState.DONE or sitting is None or not found.is_dir():
                return None
            return self._settle(paper, graded, found, sitting)

    def show(self, paper: Paper, entered: Entered, pages: Mapping[str, bytes]) -> None:
        """Write the feedback of what was entered, unless somebody else graded it since."""
        with self._alone(paper.student) as overtaken:
            if overtaken:
                return
            names = handed_in(self._desk.folder(self._round.assignment, paper.student))
            for name, page in under_their_names(pages, names).items():
                files.write(self._page(paper.student, name), page)
            for name, content in paper.receipt.items():  # nbgrader releases feedback by them
                files.write(self._page(paper.student, "").with_name(name), content)

    @contextlib.contextmanager
    def _alone(self, student: str) -> Iterator[bool]:
        """Alone with a student's submission; whether somebody graded it since the last look."""
        with (
            _refusals(self._place(student)),
            self._desk.ledger.alone(self._round.assignment, student),
        ):
            before = [row.id for row in self._sittings[student]]
            self._look(student)
            yield before != [row.id for row in self._sittings[student]]

    def _look(self, student: str) -> None:
        ledger, assignment = self._desk.ledger, self._round.assignment
        self._sittings[student] = ledger.sittings(assignment, student)

    def _file(self, paper: Paper, marked: Marked) -> Entered:
        place, token = self._place(paper.student), uuid.uuid4().hex
        self.sweep(paper.student)
        stage = _staged(place, token)
        with _refusals(stage):
            stage.mkdir(parents=True)
            try:
                self._lay(stage, paper, marked)
                self._desk.record(self._round, paper, marked, token)
            except BaseException:
                files.remove(stage)
                raise
        self._look(paper.student)
        graded = {name: one.notebook for name, one in marked.graded.items()}
        return self._settle(paper, graded, stage, self._sittings[paper.student][-1])

    def sweep(self, student: str) -> None:
        """Remove what a run that was killed left half-written."""
        place = self._place(student)
        staged = place.parent.glob(f".{glob.escape(place.name)}.grading-*")
        for left in (*staged, files.aside(place)):
            files.remove(left)

    def _settle(
        self, paper: Paper, graded: Mapping[str, Notebook], found: Path, sitting: SittingRow
    ) -> Entered:
        place, student = self._place(paper.student), paper.student
        absent = [name for name, one in paper.notebooks.items() if one.notebook is None]
        recorded = self._book.record(
            self._round.assignment, student, graded, paper.received, absent
        )
        self._recorded.add(student)
        with _refusals(place):
            # No page of an earlier grading may outlive it, under whatever name it was fetched.
            for page in self._page(student, "").parent.glob("*.html"):
                page.unlink(missing_ok=True)
            if found != place:
                files.put_in_place(found, place)  # killed halfway, the stage can still be found
        return Entered(graded, recorded, _notes(sitting), sitting.isolation)

    def _lay(self, stage: Path, paper: Paper, marked: Marked) -> None:
        """Write what nbgrader keeps of a graded submission: notebooks, and the files beside."""
        beside: dict[str, bytes] = {}
        for name, one in marked.graded.items():
            beside |= paper.notebooks[name].files
            beside[f"{name}.ipynb"] = as_bytes(one.notebook)
        for name, content in (beside | dict(paper.receipt)).items():
            target = stage / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o664 if self._desk.course.groupshared else 0o444)

    def _sitting(self, paper: Paper) -> SittingRow | None:
        """The newest grading, if it was of this very submission with this very secret."""
        rows = self._sittings[paper.student]
        if not rows:
            return None
        now = paper.digest, self._round.secret.version
        same = [row for row in rows if (row.submission, row.secret_version) == now]
        graded = {name for row in same for name in row.notebooks}
        newest = rows[-1]
        is_same = (newest.submission, newest.secret_version) == now
        return newest if is_same and graded >= set(self._round.forms) else None

    def _place(self, student: str) -> Path:
        course = self._desk.course
        step = course.autograded_directory
        return Path(course.format_path(step, student, self._round.assignment))

    def _page(self, student: str, name: str) -> Path:
        course = self._desk.course
        folder = course.format_path(course.feedback_directory, student, self._round.assignment)
        return Path(folder) / f"{name}.html"


def as_bytes(notebook: Notebook) -> bytes:
    """A notebook as nbformat writes it. Its shape is ours: it is not validated once more."""
    written: str = nbformat.v4.writes(notebook)
    return (written.rstrip("\n") + "\n").encode()


def _staged(place: Path, token: str) -> Path:
    return place.with_name(f".{place.name}.grading-{token}")


def _notes(row: SittingRow) -> Notes:
    return Notes(
        tuple(row.notebooks),
        tuple(row.repairs),
        tuple(text for text in row.incidents if Need.read(text) is None),
        tuple(row.plain),
        row.token,
        row.needs,
    )


@contextlib.contextmanager
def _refusals(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FilingRefused(
            f"{error.filename or place} cannot be written: {error.strerror or error}.",
            "Make room, or make the folder writable for you, and start this again: what is graded "
            "already stays graded.",
        ) from error
    except DBAPIError as error:
        raise FilingRefused(
            f"The ledger of verdicts cannot be written: {first_line(error.orig)}.",
            "Make room, or make the file writable for you, and start this again: what is graded "
            "already stays graded.",
        ) from error
