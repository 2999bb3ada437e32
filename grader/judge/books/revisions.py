"""Which revision a verdict log is of, and the one way to bring an older one up to date.

Alembic runs the migrations, and is imported only where there is one to run.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, column, inspect, select, table
from sqlalchemy.exc import DBAPIError

from grader.engine.refusal import Refusal
from grader.judge.books import migrations
from grader.judge.books.databases import alone, first_line, reaching

REVISIONS = ("0.1.0", "0.3.0")
"""Every revision that this copy of the course knows, oldest first."""

READABLE = "0.1.0"
"""The oldest of them that holds all that is read: later ones add what only writers use."""

SCRIPTS = tuple(migrations.__path__)
"""The folders that hold them."""

STAMP = "verdict_log_version"
"""The table that says which revision a log is of. nbgrader's gradebook, which may lie in the same
database, has the table that Alembic would take by itself."""


class NewerLog(Refusal):
    """A newer course wrote the verdict log."""


class OlderLog(Refusal):
    """The verdict log has other tables than this course reads, until a grading upgrades it."""


class CannotUpgrade(Refusal):
    """The verdict log could not be made or upgraded. It is as it was."""


def stamp(connection: Connection) -> str | None:
    """The revision that is written down in a log: none in a new one, or one of version 0.1.0.

    Raises NewerLog.
    """
    if not inspect(connection).has_table(STAMP):
        return None
    found = connection.scalar(select(column("version_num")).select_from(table(STAMP)))
    if found is not None and found not in REVISIONS:
        raise NewerLog(
            f"Version {found} of the course wrote the verdict log {_name(connection.engine)}; this "
            f"copy of the course knows such logs up to version {REVISIONS[-1]}.",
            f"Bring this copy up to version {found} at least: git pull, and then python -m pip "
            "install -e . -c constraints.txt. Nothing was changed.",
        )
    return found


def readable(connection: Connection) -> bool:
    """Whether there is a log to read. Raises OlderLog and NewerLog."""
    revision = stamp(connection)
    if revision is None:
        if not inspect(connection).has_table("verdicts"):
            return False
        revision = REVISIONS[0]
    if REVISIONS.index(revision) < REVISIONS.index(READABLE):
        raise OlderLog(
            f"The verdict log {_name(connection.engine)} is still that of version {revision} of "
            "the course, and only grading changes it.",
            "Keep a copy of it, and then: autograd-course grade ASSIGNMENT. What is graded stays "
            "graded.",
        )
    return True


def upgrade(engine: Engine) -> None:
    """Make the tables, or bring those of an older log up to date: all of it, or nothing.

    Whoever else begins this meanwhile waits, and finds it done. Raises NewerLog, CannotUpgrade and
    Unreachable.
    """
    with reaching(engine.url):
        engine.connect().close()
    try:
        with engine.connect() as connection:
            if stamp(connection) == REVISIONS[-1]:
                return
        with alone(engine, "tables") as connection:
            stamp(connection)  # a newer course may have been first
            _migrate(connection)
    except DBAPIError as error:
        raise cannot_upgrade(_name(engine), first_line(error.orig)) from error


def cannot_upgrade(log: str, reason: str) -> CannotUpgrade:
    """The refusal for a reason that the database or the system gave."""
    cure = next((text for word, text in _CURES.items() if word in reason.lower()), _LOOK)
    return CannotUpgrade(f"The verdict log {log} cannot be made or upgraded: {reason}.", cure)


def _migrate(connection: Connection) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(SCRIPTS[0], version_locations=list(SCRIPTS))
    options = {
        "version_table": STAMP,
        "fn": lambda revision, context: scripts._upgrade_revs("head", revision),
    }
    context = MigrationContext.configure(connection, opts=options)
    with Operations.context(context):
        context.run_migrations()


def _name(engine: Engine) -> str:
    return engine.url.database or "in memory"


_LOOK = "Look at the database. What is graded already stays graded."
_CURES = {
    "lock": "Somebody else has been writing it for a minute: see that they finish, and start this "
    "again. What is graded already stays graded.",
    "permission denied": "Make the folder and the file writable for you. On PostgreSQL, let the "
    "owner of the tables start this once: docs/postgres.md says what others need.",
    "must be owner": "Let the owner of the tables start this once: docs/postgres.md says what "
    "others need.",
    "readonly": "Make the folder and the file writable for you, and start this again.",
    "full": "Free some space, and start this again.",
}
