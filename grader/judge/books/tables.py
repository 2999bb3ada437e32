"""The verdict log's tables, as the newest migration leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Float, Integer, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from grader.judge.books.needs import Need


class Moment(TypeDecorator[datetime]):
    """A time, read as UTC whatever the zone of the database: SQLite forgets it, others convert."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The time as Python gets it."""
        if value is None or value.tzinfo is None:
            return value and value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class Base(DeclarativeBase):
    """The ledger's tables."""


class SecretRow(Base):
    """The secret that an assignment's hidden cases are drawn from; `--reseed` adds a version."""

    __tablename__ = "secrets"
    assignment: Mapped[str] = mapped_column(String(200), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    secret: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Moment)


class VerdictRow(Base):
    """One verdict on one exercise of one submission, with all that is needed to repeat it."""

    __tablename__ = "verdicts"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    assignment: Mapped[str] = mapped_column(String(200), index=True)
    student: Mapped[str] = mapped_column(String(200), index=True)
    exercise: Mapped[str] = mapped_column(String(200))
    submission: Mapped[str] = mapped_column(String(64))
    secret_version: Mapped[int] = mapped_column("seed", Integer)
    device: Mapped[str] = mapped_column(String(20))
    isolation: Mapped[str] = mapped_column(String(40))
    versions: Mapped[dict[str, str]] = mapped_column(JSON)
    outcome: Mapped[str] = mapped_column(String(40))
    credit: Mapped[float] = mapped_column(Float)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    cases: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class SittingRow(Base):
    """One grading of one submission: what its verdicts have in common, and what was noticed.

    `token` is also in the files that the grading leaves behind, until all of it is in place.
    """

    __tablename__ = "sittings"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    assignment: Mapped[str] = mapped_column(String(200), index=True)
    student: Mapped[str] = mapped_column(String(200), index=True)
    submission: Mapped[str] = mapped_column(String(64))
    secret_version: Mapped[int] = mapped_column("seed", Integer)
    isolation: Mapped[str] = mapped_column(String(40))
    token: Mapped[str] = mapped_column(String(32))
    notebooks: Mapped[list[str]] = mapped_column(JSON)
    repairs: Mapped[list[str]] = mapped_column(JSON)
    incidents: Mapped[list[str]] = mapped_column(JSON)
    plain: Mapped[list[str]] = mapped_column(JSON)

    @property
    def needs(self) -> tuple[Need, ...]:
        """What a person must see to: it stands among the incidents, and begins with its cause."""
        return tuple(need for text in self.incidents if (need := Need.read(text)))


class ErasureRow(Base):
    """One erasure of a person: when it was, and how many rows of the log it took. Never who."""

    __tablename__ = "erasures"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    rows: Mapped[int] = mapped_column(Integer)
