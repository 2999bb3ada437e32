"""A class's databases as files and servers: how long one is waited for that others use, what is
said of one that cannot be reached, and what stays in one of what was deleted."""

from __future__ import annotations

import contextlib
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from grader.engine.refusal import Refusal

PATIENCE = 60.0
"""Seconds to wait for another program that holds what is to be written."""


class Unreachable(Refusal):
    """A database server does not answer, or nothing here can speak to it."""


@contextlib.contextmanager
def reaching(address: str | URL) -> Iterator[None]:
    """Whatever opens a database. A server that cannot be reached is Unreachable."""
    url = make_url(address)
    try:
        yield
    except ModuleNotFoundError as error:
        raise Unreachable(
            f"The database {_shown(url)} needs the Python package {error.name}.",
            "For PostgreSQL: python -m pip install -e '.[scale]' -c constraints.txt, and an "
            "address that begins with postgresql+psycopg://",
        ) from error
    except OperationalError as error:
        if url.get_backend_name() == "sqlite":
            raise
        raise Unreachable(
            f"The database {_shown(url)} cannot be reached: {first_line(error.orig)}.",
            "Start it, or put its address right in nbgrader_config.py. Then start this again: what "
            "is graded already stays graded.",
        ) from error


def close_to_others(address: str | URL, *, shared: bool = False) -> None:
    """Take the rights of others off a database that is a file: hidden tests and grades are in it.

    Where several people grade as one group, it is `shared` with that.
    """
    url = make_url(address)
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    file = Path(url.database)
    with contextlib.suppress(OSError):  # somebody else's, or not there yet
        mode = stat.S_IMODE(file.stat().st_mode)
        wanted = mode & (0o660 if shared else 0o600)
        if wanted != mode:
            file.chmod(wanted)


def wait_for(engine: Engine, seconds: float) -> None:
    """Have every connection wait so long, and no longer, for what another program holds."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_waits(seconds))
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _postgresql_waits(seconds))
    engine.dispose()  # connections made before would not wait


@contextlib.contextmanager
def alone(engine: Engine, what: str) -> Iterator[Connection]:
    """A transaction in which nobody else writes: on SQLite anything, on PostgreSQL the same `what`.

    Others wait for its end, be it that its process was killed.
    """
    sqlite = engine.dialect.name == "sqlite"
    # Python's sqlite3 would begin late and, before a table is made, not at all.
    options = {"isolation_level": "AUTOCOMMIT"} if sqlite else {}
    with engine.execution_options(**options).begin() as connection:
        if sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif engine.dialect.name == "postgresql":
            name = f"autograd-course {what}".encode(errors="surrogateescape")
            number = int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
            connection.execute(select(func.pg_advisory_xact_lock(number)))
        yield connection


def without_traces(engine: Engine) -> None:
    """Write an SQLite file anew, since what is deleted in one stays in it until it is overwritten.

    Raises OperationalError while somebody else writes it.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM")


def first_line(error: object) -> str:
    """What a driver says, without the hints below it and without a full stop."""
    return next(iter(str(error).splitlines()), "").rstrip(".:")


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _sqlite_waits(seconds: float) -> Any:
    def connected(connection: Any, record: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")

    return connected


def _postgresql_waits(seconds: float) -> Any:
    def connected(connection: Any, record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {int(seconds * 1000)}")
        connection.commit()  # or the next rollback would take it back

    return connected
