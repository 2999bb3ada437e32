"""What only reads leaves the verdict log as it is, whichever version wrote it, and makes none."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from grader.diagnosis.verdict import Outcome, Verdict
from grader.judge.batch import replay
from grader.judge.books import revisions
from grader.judge.books.ledger import Ledger
from grader.judge.sitting.papers import Graded, Marked
from tests.conftest import environment
from tests.fixtures import graded
from tests.fixtures.classroom import ASSIGNMENT

OLD_LOG = Path(__file__).with_name("log-0.1.0.sql")

COMMANDS = {
    "report": ("report", ASSIGNMENT, "--notebook"),
    "replay": ("replay", "ada", "two_path_grad", "--isolation", "none"),
    "regrade": ("regrade", ASSIGNMENT, "--isolation", "none"),
    "export": ("export", ASSIGNMENT, "--moodle", "--out", "moodle.csv"),
    "doctor": ("doctor",),
}
NEED_THE_LOG = ("report", "replay", "regrade")


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A class with grades in its gradebook, and with the log that version 0.1.0 wrote of it."""
    folder = graded.lay(tmp_path_factory.mktemp("reading") / "course")
    (folder / "verdicts.db").unlink()
    with closing(sqlite3.connect(folder / "verdicts.db")) as database:
        database.executescript(OLD_LOG.read_text())
    return folder


@pytest.fixture
def course(laid, tmp_path, monkeypatch):
    folder = shutil.copytree(laid, tmp_path / "course")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch):
    """Replaying asks the judge, whom nobody wants to wait for here."""

    def examine(round_, paper):
        verdict = Verdict("two_path_grad", Outcome.RIGHT, 1.0)
        marked = {ASSIGNMENT: Graded(None, {"two_path_grad": verdict})}
        return Marked(paper.student, marked, {}, "none", {})

    monkeypatch.setattr(replay, "examine", examine)


def files(course):
    """Every file whose name says that it belongs to the log, and its bytes."""
    return {path.name: path.read_bytes() for path in course.glob("*verdicts*")}


def older(monkeypatch):
    """Let the log of version 0.1.0 be one that this course would have to upgrade."""
    monkeypatch.setattr(revisions, "REVISIONS", (*revisions.REVISIONS, "9.9.9"))
    monkeypatch.setattr(revisions, "READABLE", "9.9.9")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reading_command_leaves_an_old_log_as_it_is(course, command, name):
    before = files(course)
    assert list(before) == ["verdicts.db"]
    _, said = command(*COMMANDS[name])
    assert "Traceback" not in said
    if name in NEED_THE_LOG:
        assert "judged" in said
        assert "No submission" not in said
    assert files(course) == before


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reading_command_makes_no_log(course, command, name):
    (course / "verdicts.db").unlink()
    status, said = command(*COMMANDS[name])
    assert "Traceback" not in said
    if name in NEED_THE_LOG:
        assert status == 1
    assert files(course) == {}


@pytest.mark.parametrize("name", NEED_THE_LOG)
def test_a_log_that_would_have_to_be_upgraded_is_refused_with_the_cure(
    course, command, name, monkeypatch
):
    older(monkeypatch)
    before = files(course)
    status, said = command(*COMMANDS[name])
    assert status == 1
    assert "still that of version 0.1.0" in said
    assert "autograd-course grade" in said
    assert files(course) == before


def test_a_log_of_this_version_is_opened_without_alembic(tmp_path):
    source = f"""
import sys
from grader.judge.books.ledger import Ledger

def alembic_after(work, name):
    work(Ledger("sqlite:///{tmp_path}/" + name))
    return "alembic" in sys.modules

print(alembic_after(lambda ledger: ledger.latest("mixed"), "this.db"))
print(alembic_after(lambda ledger: ledger.secret("mixed"), "this.db"))
print(alembic_after(lambda ledger: ledger.secret("mixed"), "new.db"))
"""
    Ledger(f"sqlite:///{tmp_path}/this.db").secret("mixed")
    said = subprocess.run(
        [sys.executable, "-c", source],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["False", "False", "True"]
