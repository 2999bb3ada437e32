"""The judge's own record: the assignments' secrets, and every verdict, never changed.

It is only ever added to. The one exception is a person who is erased, by `autograd-course class
erase-person`; when that was is added, and not who.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Select, create_engine, delete, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from grader.diagnosis.verdict import Verdict
from grader.judge.books.databases import PATIENCE, alone, reaching, wait_for, without_traces
from grader.judge.books.needs import Need
from grader.judge.books.revisions import cannot_upgrade, readable, upgrade
from grader.judge.books.tables import ErasureRow, SecretRow, SittingRow, VerdictRow

Row = TypeVar("Row", SecretRow, VerdictRow, SittingRow)


@dataclass(frozen=True)
class Secret:
    """A secret of 32 bytes and its version, counted from 1."""

    version: int
    value: bytes


@dataclass(frozen=True)
class Circumstances:
    """What a verdict depended on besides the submission."""

    assignment: str
    student: str
    submission: str
    secret_version: int
    device: str
    isolation: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Notes:
    """What there is to say of one grading besides its verdicts.

    It graded `notebooks`; `repairs` were made before it, `incidents` happened in it, and `plain`
    names the graded cells that ran inside the box, where a submission can forge them. `needs` are
    for a person to see to.
    """

    notebooks: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    token: str = ""
    needs: tuple[Need, ...] = ()


class Ledger:
    """The record of one course, in SQLite or in any other database of SQLAlchemy's.

    What only reads makes no file and leaves a log of an older course as it is; `secret` and
    `append` make the log, or upgrade it. All raise NewerLog and Unreachable.
    """

    def __init__(self, url: str | URL) -> None:
        self._address = make_url(url)
        sqlite = self._address.get_backend_name() == "sqlite"
        self._file = Path(self._address.database) if sqlite and self._address.database else None
        self._readable = self._upgraded = False
        with reaching(self._address):
            self._engine = create_engine(self._address, pool_pre_ping=True)
            wait_for(self._engine, PATIENCE)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def alone(self, assignment: str, student: str) -> Iterator[None]:
        """Keep others who grade from filing this submission meanwhile.

        This holds on PostgreSQL, for all machines. An SQLite class has one grader at a time.
        """
        if self._engine.dialect.name != "postgresql":
            yield
            return
        with alone(self._engine, f"submission {assignment}/{student}"):
            yield

    def _can_read(self) -> bool:
        """Whether there is a log yet. Raises OlderLog."""
        if not self._readable and (self._file is None or self._file.is_file()):
            with reaching(self._address), self._engine.connect() as connection:
                self._readable = readable(connection)
        return self._readable

    def _to_write(self) -> None:
        """See that there is a log, and one of this course. Raises CannotUpgrade."""
        if self._upgraded:
            return
        if self._file is not None:
            try:
                _only_mine(self._file)
            except OSError as error:
                raise cannot_upgrade(str(self._file), error.strerror or str(error)) from error
        upgrade(self._engine)
        self._readable = self._upgraded = True

    def _rows(self, query: Select[Row]) -> list[Row]:
        if not self._can_read():
            return []
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(query))

    def drawn(self, assignment: str) -> Secret | None:
        """The assignment's newest secret, if one was ever drawn."""
        query = select(SecretRow).where(SecretRow.assignment == assignment)
        newest = self._rows(query.order_by(SecretRow.version.desc()).limit(1))
        return _secret(newest[0]) if newest else None

    def secret(self, assignment: str, *, reseed: bool = False) -> Secret:
        """The assignment's newest secret, drawn now if there is none or `reseed` asks for one."""
        self._to_write()
        newest = self.drawn(assignment)
        if newest is not None and not reseed:
            return newest
        version = 1 if newest is None else newest.version + 1
        row = SecretRow(
            assignment=assignment,
            version=version,
            secret=secrets.token_hex(32),
            created=datetime.now(UTC),
        )
        # Somebody else who grades may have been first: theirs counts.
        with suppress(IntegrityError), Session(self._engine) as session, session.begin():
            session.add(row)
        return self.secret_of_version(assignment, version)

    def secret_of_version(self, assignment: str, version: int) -> Secret:
        """An older secret, to repeat a verdict with. Raises KeyError."""
        query = select(SecretRow).where(SecretRow.assignment == assignment)
        found = self._rows(query.where(SecretRow.version == version))
        if not found:
            raise KeyError(f"{assignment} has no secret of version {version}")
        return _secret(found[0])

    def append(
        self, circumstances: Circumstances, verdicts: Sequence[Verdict], notes: Notes | None = None
    ) -> None:
        """Add one grading of one submission with all its verdicts, or nothing."""
        self._to_write()
        now = datetime.now(UTC)
        notes = notes or Notes()
        with Session(self._engine) as session:
            session.add(
                SittingRow(
                    at=now,
                    assignment=circumstances.assignment,
                    student=circumstances.student,
                    submission=circumstances.submission,
                    secret_version=circumstances.secret_version,
                    isolation=circumstances.isolation,
                    token=notes.token,
                    notebooks=list(notes.notebooks),
                    repairs=list(notes.repairs),
                    incidents=[*notes.incidents, *map(str, notes.needs)],
                    plain=list(notes.plain),
                )
            )
            session.add_all(
                VerdictRow(
                    at=now,
                    **vars(circumstances),
                    exercise=verdict.exercise,
                    outcome=verdict.outcome.value,
                    credit=verdict.credit,
                    findings=[
                        {"code": f.code, "message": f.message, "case": f.case}
                        for f in verdict.findings
                    ],
                    cases=[
                        {"name": c.name, "passed": c.passed, "weight": c.weight}
                        for c in verdict.cases
                    ],
                )
                for verdict in verdicts
            )
            session.commit()

    def sittings(self, assignment: str, student: str | None = None) -> list[SittingRow]:
        """Every grading of an assignment, in the order they were made."""
        query = select(SittingRow).where(SittingRow.assignment == assignment)
        if student is not None:
            query = query.where(SittingRow.student == student)
        return self._rows(query.order_by(SittingRow.id))

    def verdicts(
        self, student: str, exercise: str, assignment: str | None = None
    ) -> list[VerdictRow]:
        """Every verdict on one exercise by one student, in the order they were made."""
        query = select(VerdictRow).where(
            VerdictRow.student == student, VerdictRow.exercise == exercise
        )
        if assignment is not None:
            query = query.where(VerdictRow.assignment == assignment)
        return self._rows(query.order_by(VerdictRow.id))

    def people(self) -> set[str]:
        """Everybody of whom anything was judged."""
        if not self._can_read():
            return set()
        with Session(self._engine) as session:
            kinds = (SittingRow.student, VerdictRow.student)
            return {name for kind in kinds for name in session.scalars(select(kind).distinct())}

    def of_person(self, student: str) -> tuple[list[SittingRow], list[VerdictRow]]:
        """Every grading and every verdict of one person, in the order they were made."""
        sittings = select(SittingRow).where(SittingRow.student == student)
        verdicts = select(VerdictRow).where(VerdictRow.student == student)
        return (
            self._rows(sittings.order_by(SittingRow.id)),
            self._rows(verdicts.order_by(VerdictRow.id)),
        )

    def erase(self, student: str) -> int:
        """Take out every row of one person, and add when that was; how many rows there were.

        All of it or nothing. Raises CannotUpgrade.
        """
        self._to_write()
        with Session(self._engine) as session, session.begin():
            count = 0
            for kind in (VerdictRow, SittingRow):
                done = session.execute(delete(kind).where(kind.student == student))
                count += cast("CursorResult[Any]", done).rowcount
            session.add(ErasureRow(at=datetime.now(UTC), rows=count))
        return count

    def without_traces(self) -> None:
        """See that nothing of what was erased stays in the log's file. Raises OperationalError."""
        without_traces(self._engine)

    def latest(self, assignment: str, student: str | None = None) -> list[VerdictRow]:
        """The newest verdict on each exercise of each student, in the order they were made."""
        chosen = select(func.max(VerdictRow.id)).where(VerdictRow.assignment == assignment)
        if student is not None:
            chosen = chosen.where(VerdictRow.student == student)
        chosen = chosen.group_by(VerdictRow.student, VerdictRow.exercise)
        return self._rows(
            select(VerdictRow).where(VerdictRow.id.in_(chosen)).order_by(VerdictRow.id)
        )


def _secret(row: SecretRow) -> Secret:
    return Secret(row.version, bytes.fromhex(row.secret))


def _only_mine(database: Path) -> None:
    """Make the file if it is missing, readable by its owner alone: it holds the secrets."""
    database.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
