"""The verdict log grows by migrations: once, whole, and by one of those who begin together."""

import contextlib
import itertools
import multiprocessing
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from grader.diagnosis.verdict import Outcome, Verdict
from grader.judge.books import ledger as ledgers
from grader.judge.books import revisions
from grader.judge.books.ledger import Circumstances, Ledger
from grader.judge.books.revisions import CannotUpgrade, NewerLog, OlderLog
from grader.judge.books.tables import Base

NUMBERS = itertools.count()
HERE = Path(__file__).parent
SCRIPTS = ScriptDirectory(revisions.SCRIPTS[0], version_locations=[*revisions.SCRIPTS])
TABLES = ("secrets", "sittings", "verdicts")
WHEN = Circumstances("mixed", "new", "d" * 64, 2, "cpu", "full", {"torch": "2.13.0"})
RIGHT = Verdict("two_path_grad", Outcome.RIGHT, 1.0)


class Log:
    """A verdict log as its database has it: on SQLite, or on a PostgreSQL server."""

    def __init__(self, address, load):
        """`load` runs a script of the database's own."""
        self.address, self.engine, self._load = address, create_engine(address), load

    def load(self):
        """Lay into it the log that version 0.1.0 wrote."""
        kind = "" if self.engine.dialect.name == "sqlite" else "-postgresql"
        self._load((HERE / f"log-0.1.0{kind}.sql").read_text())

    def ask(self, question):
        with self.engine.begin() as connection:
            found = connection.execute(text(question))
            return [tuple(row) for row in found] if found.returns_rows else []

    def rows(self):
        """Every row of every table."""
        return {name: self.ask(f"select * from {name} order by 1, 2") for name in TABLES}

    def shape(self):
        """Its tables, but for the one that holds the revision."""
        seen = inspect(self.engine)
        return {
            name: (
                [(c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(name)],
                seen.get_pk_constraint(name)["constrained_columns"],
                sorted((one["name"], *one["column_names"]) for one in seen.get_indexes(name)),
            )
            for name in seen.get_table_names()
            if name != revisions.STAMP
        }

    def stamp(self):
        """The revision that is written in it, row by row; None without its table."""
        there = inspect(self.engine).has_table(revisions.STAMP)
        return [one for (one,) in self.ask(f"select * from {revisions.STAMP}")] if there else None

    def write(self, student="new"):
        """What whoever grades does with it."""
        opened = Ledger(self.address)
        try:
            opened.append(replace(WHEN, student=student), [RIGHT])
        finally:
            opened.close()

    def read(self):
        """What whoever reports does with it."""
        opened = Ledger(self.address)
        try:
            return opened.latest("mixed")
        finally:
            opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_log(request, tmp_path):
    """A function that gives a database of a name, in which there is no log."""
    logs = []

    def sqlite(name):
        def load(script):
            with contextlib.closing(sqlite3.connect(tmp_path / f"{name}.db")) as database:
                database.executescript(script)

        return Log(f"sqlite:///{tmp_path}/{name}.db", load)

    def postgresql(name):
        server = request.getfixturevalue("server")
        inside = f"{name}_{next(NUMBERS)}"
        return Log(server.database(inside), lambda script: server.ask(script, inside))

    def new(name):
        logs.append({"sqlite": sqlite, "postgresql": postgresql}[request.param](name))
        return logs[-1]

    yield new
    for log in logs:
        log.engine.dispose()


@pytest.fixture
def old(new_log):
    """A log that version 0.1.0 wrote."""
    log = new_log("old")
    log.load()
    return log


LATER = f"""
import os, pathlib, signal
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9.9.9", "{revisions.REVISIONS[-1]}"

def upgrade():
    op.add_column("verdicts", sa.Column("remark", sa.String(20)))
    op.execute("update verdicts set remark = 'seen'")
    folder = pathlib.Path(__file__).parent
    if (folder / "dies").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    with (folder / "done").open("a") as done:
        done.write("once ")
"""


@pytest.fixture
def later(tmp_path, monkeypatch):
    """A later course, which gives each verdict a remark: the folder of its revision."""
    folder = tmp_path / "later"
    folder.mkdir()
    (folder / "v9_9_9.py").write_text(LATER)
    monkeypatch.setattr(revisions, "REVISIONS", (*revisions.REVISIONS, "9.9.9"))
    monkeypatch.setattr(revisions, "READABLE", "9.9.9")
    monkeypatch.setattr(revisions, "SCRIPTS", (*revisions.SCRIPTS, str(folder)))
    return folder


def all_at_once(work, many):
    """Do it in so many processes that begin together: how each ended."""
    fork = multiprocessing.get_context("fork")
    together = fork.Barrier(many)

    def begins(number):
        together.wait(300)
        work(number)

    everybody = [fork.Process(target=begins, args=(number,)) for number in range(many)]
    for one in everybody:
        one.start()
    for one in everybody:
        one.join(300)
    return [one.exitcode for one in everybody]


def differences(log):
    """What Alembic would change to make a log's tables those of the models."""
    with log.engine.connect() as connection:
        options = {"version_table": revisions.STAMP, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, Base.metadata)


# The tables


def test_the_migrations_make_the_tables_of_the_models(new_log):
    log = new_log("fresh")
    log.write()
    assert differences(log) == []
    assert log.stamp() == [revisions.REVISIONS[-1]]


def test_the_first_revision_makes_the_tables_of_version_0_1_0(old, new_log):
    log, first = new_log("first"), revisions.REVISIONS[0]
    with log.engine.begin() as connection:
        options = {
            "version_table": revisions.STAMP,
            "fn": lambda *at: SCRIPTS._upgrade_revs(first, ()),
        }
        context = MigrationContext.configure(connection, opts=options)
        with Operations.context(context):
            context.run_migrations()
    assert log.shape() == old.shape()


def test_every_revision_is_known_by_name():
    found = [script.revision for script in SCRIPTS.walk_revisions()]
    assert tuple(reversed(found)) == revisions.REVISIONS


# A log of version 0.1.0


def test_reading_it_needs_no_upgrade_where_later_revisions_only_add_what_is_written(old):
    before = old.rows()
    assert len(old.read()) == 4
    assert (old.rows(), old.stamp()) == (before, None)


def test_it_opens_with_every_row_and_is_stamped_by_the_first_who_grades(old):
    before = old.rows()
    assert [len(before[name]) for name in TABLES] == [2, 3, 6]
    old.write()
    after = old.rows()
    assert {name: rows[: len(before[name])] for name, rows in after.items()} == before
    assert old.stamp() == [revisions.REVISIONS[-1]]
    assert differences(old) == []
    opened = Ledger(old.address)
    newest = opened.verdicts("ada", "two_path_grad")
    assert [(row.secret_version, row.outcome, row.credit) for row in newest] == [
        (1, "wrong", 0.5),
        (2, "right", 1.0),
    ]
    assert newest[0].findings[0]["code"] == "two_path_grad.first_path_only"
    assert opened.sittings("mixed", "ada")[0].repairs == ["put right: ∂ ✗ 👩‍🏫"]
    kept = {version: bytes.fromhex(secret) for _, version, secret, _ in before["secrets"]}
    assert opened.secret_of_version("mixed", 1).value == kept[1]
    assert opened.secret("mixed").value == kept[2]
    opened.close()


def test_it_is_upgraded_once_however_many_begin_together(old, later):
    before, many = old.rows(), 4
    old.engine.dispose()
    assert all_at_once(lambda number: old.write(f"new-{number}"), many) == [0] * many
    assert (later / "done").read_text() == "once "
    after = old.rows()
    assert after["secrets"] == before["secrets"]
    assert after["sittings"][:3] == before["sittings"]
    assert [row[:-1] for row in after["verdicts"][:6]] == before["verdicts"]
    assert [row[-1] for row in after["verdicts"]] == ["seen"] * 6 + [None] * many
    assert old.stamp() == ["9.9.9"]


def test_a_new_log_is_made_once_however_many_begin_together(new_log, later):
    log = new_log("fresh")
    assert all_at_once(lambda number: log.write(f"new-{number}"), 4) == [0] * 4
    assert (later / "done").read_text() == "once "
    assert len(log.rows()["verdicts"]) == 4


def test_an_upgrade_that_is_killed_leaves_the_log_as_it_was(old, later):
    rows, shape = old.rows(), old.shape()
    old.engine.dispose()
    (later / "dies").touch()
    assert all_at_once(lambda number: old.write(), 1) == [-signal.SIGKILL]
    assert (old.rows(), old.shape(), old.stamp()) == (rows, shape, None)
    (later / "dies").unlink()
    old.write()
    assert [row[:-1] for row in old.rows()["verdicts"][:6]] == rows["verdicts"]


def test_an_upgrade_that_fails_leaves_the_log_as_it_was(old, later):
    rows, shape = old.rows(), old.shape()
    (later / "v9_9_9.py").write_text(LATER.replace("'seen'", "nonsense"))
    with pytest.raises(CannotUpgrade, match="nonsense"):
        old.write()
    assert (old.rows(), old.shape(), old.stamp()) == (rows, shape, None)


def test_who_cannot_have_it_to_itself_says_so_after_a_while(old, later, monkeypatch):
    monkeypatch.setattr(ledgers, "PATIENCE", 0.2)
    hold = "begin immediate" if old.engine.dialect.name == "sqlite" else "lock table verdicts"
    with old.engine.connect() as somebody:
        somebody.execute(text(hold))
        with pytest.raises(CannotUpgrade, match="lock") as refused:
            old.write()
        somebody.rollback()
    assert "Somebody else" in refused.value.cure
    old.write()


# Reading


def test_an_older_log_with_other_tables_is_not_read_and_not_changed(old, later):
    before = old.rows(), old.shape()
    with pytest.raises(OlderLog, match=r"version 0\.1\.0") as refused:
        old.read()
    assert "autograd-course grade" in refused.value.cure
    assert (old.rows(), old.shape()) == before
    old.write()
    assert len(old.read()) == 5


def test_where_there_is_no_log_reading_finds_nothing_and_makes_none(new_log):
    log = new_log("none")
    assert log.read() == []
    opened = Ledger(log.address)
    assert opened.drawn("mixed") is None
    with pytest.raises(KeyError):
        opened.secret_of_version("mixed", 1)
    opened.close()
    if log.engine.dialect.name == "sqlite":
        assert not Path(log.engine.url.database).exists()
    assert log.shape() == {}


# A log of a newer course


def test_a_newer_log_is_refused_with_the_version_that_wrote_it_and_the_cure(new_log, later):
    log = new_log("fresh")
    log.write()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(revisions, "REVISIONS", revisions.REVISIONS[:-1])
        patched.setattr(revisions, "SCRIPTS", revisions.SCRIPTS[:-1])
        before = log.rows()
        for work in (log.read, log.write):
            with pytest.raises(NewerLog, match=r"Version 9\.9\.9 .* up to version 0\.3\.0") as end:
                work()
            assert "git pull" in end.value.cure
        assert log.rows() == before


# Who may upgrade it, on PostgreSQL


@pytest.fixture
def log_of(server):
    """A function that gives the log in a database as somebody sees it, by name."""
    logs = []

    def seen(name, database):
        address = server.address(database).replace("class@", f"{name}@")
        logs.append(Log(address, None))
        return logs[-1]

    yield seen
    for log in logs:
        log.engine.dispose()


def test_all_who_act_as_its_owner_may_upgrade_it(server, log_of, request):
    server.database("shared")
    server.ask("create role graders")
    server.ask("grant create on schema public to graders", "shared")
    for name in ("ada", "bob"):
        server.ask(f"create role {name} login in role graders")
        server.ask(f"alter role {name} set role graders")
    log_of("ada", "shared").write()
    request.getfixturevalue("later")
    log_of("bob", "shared").write()
    assert log_of("ada", "shared").stamp() == ["9.9.9"]


def test_others_may_grade_and_read_what_they_may_not_upgrade(server, log_of, request):
    server.database("granted")
    log_of("class", "granted").write()
    for name, rights in (("helper", "select, insert"), ("reader", "select")):
        server.ask(f"create role {name} login")
        server.ask(f"grant {rights} on all tables in schema public to {name}", "granted")
    server.ask("grant usage on all sequences in schema public to helper", "granted")
    log_of("helper", "granted").write("ada")
    assert len(log_of("reader", "granted").read()) == 2
    request.getfixturevalue("later")
    with pytest.raises(CannotUpgrade, match="must be owner") as refused:
        log_of("helper", "granted").write()
    assert "owner of the tables" in refused.value.cure
    log_of("class", "granted").write()
    log_of("helper", "granted").write("grace")


def test_who_may_not_make_it_is_told_who_does(server, log_of):
    server.database("closed")
    server.ask("create role stranger login")
    with pytest.raises(CannotUpgrade, match="permission denied") as refused:
        log_of("stranger", "closed").write()
    assert "owner of the tables" in refused.value.cure
