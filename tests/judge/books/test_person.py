"""What is stored about one person can be read whole and erased whole, in both databases."""

import shutil
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import create_engine, text

from grader.classroom.erasing import erase
from grader.classroom.people import Class
from grader.judge.books import person
from grader.judge.books.ledger import Ledger
from tests.conftest import newest_gradebook
from tests.fixtures import graded
from tests.fixtures.classroom import ASSIGNMENT

ROWS = ("student", "submitted_assignment", "submitted_notebook", "grade", "comment")


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    return graded.lay(tmp_path_factory.mktemp("people") / "course")


@pytest.fixture
def folder(laid, tmp_path):
    return shutil.copytree(laid, tmp_path / "course")


@pytest.fixture
def of(folder):
    opened = Class(folder)
    yield opened
    opened.close()


def test_every_row_about_a_person_is_read_and_nobody_elses(of):
    with of.engine.connect() as connection:
        found = person.rows_of(connection, "ada")
        others = person.rows_of(connection, "bob")
    assert tuple(found) == ROWS
    assert [row["id"] for row in found["student"]] == ["ada"]
    assert [row["assignment"] for row in found["submitted_assignment"]] == [ASSIGNMENT]
    assert {row["cell"] for row in found["grade"]} == {row["cell"] for row in others["grade"]}
    ids = ({row["id"] for row in rows["grade"]} for rows in (found, others))
    assert not set.intersection(*ids)
    sittings, verdicts = of.desk.ledger.of_person("ada")
    assert (len(sittings), len(verdicts)) == (1, 2)


def test_an_erased_person_is_in_no_table_and_in_no_byte_of_either_file(of, folder):
    with of.engine.connect() as connection:
        kept = {name: person.rows_of(connection, name) for name in ("bob", "fay")}
    gone = erase(of, "cleo")
    assert gone.gradebook > 0
    assert gone.log == 3
    assert not gone.in_files
    for name in ("gradebook.db", "verdicts.db"):
        assert b"cleo" not in (folder / name).read_bytes()
    with of.engine.connect() as connection:
        assert not any(person.rows_of(connection, "cleo").values())
        assert kept == {name: person.rows_of(connection, name) for name in kept}
    assert of.desk.ledger.of_person("cleo") == ([], [])
    assert "cleo" not in of.everybody()


def test_an_erasure_is_recorded_with_its_time_and_without_a_name(of, folder):
    before = datetime.now(UTC)
    erase(of, "hal")  # on the list alone: nothing of theirs was ever judged
    erase(of, "bob")
    with create_engine(f"sqlite:///{folder}/verdicts.db").connect() as connection:
        rows = connection.execute(text("select at, rows from erasures order by id")).all()
        columns = connection.execute(text("select * from erasures")).keys()
    assert [count for _, count in rows] == [0, 3]
    assert datetime.fromisoformat(rows[0][0]).replace(tzinfo=UTC) >= before
    assert list(columns) == ["id", "at", "rows"]


def test_it_is_the_same_on_postgresql(server, monkeypatch, folder):
    monkeypatch.setattr("nbgrader.api.get_alembic_version", newest_gradebook)
    address = server.database("people")
    with Gradebook(address, "autograd-course") as gradebook:
        for name in ("ada", "bob"):
            gradebook.add_student(name)
    ledger = Ledger(address)
    for name in ("ada", "bob"):
        when = graded.replace(graded.WHEN, student=name)
        ledger.append(when, [graded.right(graded.ONE)], graded.NOTES)
    of = SimpleNamespace(
        engine=create_engine(address),
        desk=SimpleNamespace(ledger=ledger),
        stored=lambda student: SimpleNamespace(places=(), named=()),
    )
    gone = erase(of, "ada")
    assert (gone.gradebook, gone.log) == (1, 2)
    assert server.ask("select id from student", "people") == [("bob",)]
    assert server.ask("select distinct student from verdicts", "people") == [("bob",)]
    assert server.ask("select rows from erasures", "people") == [(2,)]
    of.engine.dispose()
    ledger.close()
