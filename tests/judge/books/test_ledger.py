"""The judge's record: secrets nobody else can read, and verdicts that are never changed."""

import errno
import os
import stat
from dataclasses import replace

import pytest
from sqlalchemy import event

from grader.diagnosis.verdict import CaseOutcome, Finding, Outcome, Verdict
from grader.judge.books.ledger import Circumstances, Ledger, Notes
from grader.judge.books.revisions import CannotUpgrade

WHEN = Circumstances("mixed", "ada", "a" * 64, 1, "cpu", "full", {"torch": "2.13.0"})
WRONG = Verdict(
    "two_path_grad",
    Outcome.WRONG,
    0.5,
    (Finding("two_path_grad.swapped", "You returned (dw, dx).", "w = 0"),),
    (CaseOutcome("5 numbers", True, False), CaseOutcome("w = 0", False, False, 2.0)),
)
RIGHT = Verdict("two_path_grad", Outcome.RIGHT, 1.0)


@pytest.fixture
def ledger(tmp_path):
    found = Ledger(f"sqlite:///{tmp_path}/verdicts.db")
    yield found
    found.close()


def test_only_its_owner_can_read_the_secrets(ledger, tmp_path):
    ledger.secret("mixed")
    assert stat.S_IMODE((tmp_path / "verdicts.db").stat().st_mode) == 0o600


def test_an_assignment_keeps_its_secret_until_it_is_drawn_anew(ledger, tmp_path):
    first = ledger.secret("mixed")
    assert (first.version, len(first.value)) == (1, 32)
    assert ledger.secret("mixed") == first
    assert Ledger(f"sqlite:///{tmp_path}/verdicts.db").secret("mixed") == first
    assert ledger.secret("other").value != first.value
    second = ledger.secret("mixed", reseed=True)
    assert second.version == 2
    assert second.value != first.value
    assert ledger.secret("mixed") == second
    assert ledger.secret_of_version("mixed", 1) == first
    with pytest.raises(KeyError):
        ledger.secret_of_version("mixed", 3)


def test_a_verdict_is_kept_with_all_that_is_needed_to_repeat_it(ledger):
    ledger.append(WHEN, [WRONG])
    (row,) = ledger.latest("mixed")
    for name, value in vars(WHEN).items():
        assert getattr(row, name) == value
    assert (row.exercise, row.outcome, row.credit) == ("two_path_grad", "wrong", 0.5)
    assert row.findings == [
        {"code": "two_path_grad.swapped", "message": "You returned (dw, dx).", "case": "w = 0"}
    ]
    assert row.cases[1] == {"name": "w = 0", "passed": False, "weight": 2.0}


def test_a_new_verdict_is_added_and_the_old_one_stays(ledger):
    ledger.append(WHEN, [WRONG])
    ledger.append(replace(WHEN, submission="b" * 64), [RIGHT])
    ledger.append(replace(WHEN, student="bob"), [WRONG])
    assert [row.credit for row in ledger.verdicts("ada", "two_path_grad")] == [0.5, 1.0]
    assert [row.credit for row in ledger.latest("mixed", "ada")] == [1.0]
    assert {row.student for row in ledger.latest("mixed")} == {"ada", "bob"}
    assert ledger.verdicts("ada", "two_path_grad", "other") == []


def test_what_was_noticed_is_kept_with_the_grading(ledger):
    notes = Notes(("mixed",), ("put right",), ("happened",), ("triple",), "token")
    ledger.append(WHEN, [], notes)
    (row,) = ledger.sittings("mixed", "ada")
    assert (row.repairs, row.incidents, row.plain) == (["put right"], ["happened"], ["triple"])
    assert (row.notebooks, row.token, row.submission) == (["mixed"], "token", "a" * 64)
    assert ledger.sittings("mixed", "bob") == []


def test_a_grading_is_written_whole_or_not_at_all(ledger):
    @event.listens_for(ledger._engine, "before_cursor_execute")
    def fails(connection, cursor, statement, *rest):
        if "INTO verdicts" in statement:
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        ledger.append(WHEN, [WRONG], Notes(("mixed",)))
    assert ledger.sittings("mixed") == []


def test_a_folder_that_cannot_hold_the_log_is_refused_with_the_cure(tmp_path, monkeypatch):
    def denied(*call):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "verdicts.db")

    log = Ledger(f"sqlite:///{tmp_path}/verdicts.db")
    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(CannotUpgrade, match="Permission denied") as refused:
        log.secret("mixed")
    assert "writable for you" in refused.value.cure
