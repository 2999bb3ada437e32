"""An appeal: one answer judged again exactly as it was judged, with every number."""

import pytest

from grader.judge.batch.desk import Desk
from grader.judge.batch.replay import NothingToReplay, replay
from tests.fixtures import classroom

STUDENTS = ["wrong_where_w_is_zero-0", "honest-00"]


@pytest.fixture
def graded(graded_class, tmp_path, here):
    """Submissions that were graded, and then the assignment's secret drawn anew."""
    course = classroom.copy(graded_class, tmp_path / "graded", STUDENTS)
    desk = Desk.at(course)
    desk.ledger.secret(classroom.ASSIGNMENT, reseed=True)
    desk.close()
    return course


def test_a_replay_meets_the_same_cases_with_the_old_secret_and_shows_every_number(graded, command):
    status, said = command("replay", STUDENTS[0], "two_path_grad", "--course", graded)
    assert status == 0, said
    assert "75%, wrong" in said
    assert "expected" in said
    assert "✗ w = 0" in said
    assert "✓ 5 numbers" in said
    assert "The same verdict as then." in said
    assert "changed" not in said


def test_a_replay_records_nothing(graded):
    desk = Desk.at(graded)
    found = replay(desk, STUDENTS[1], "edge_products")
    assert found.agrees
    assert found.changes == ()
    assert found.recorded.secret_version == 1
    assert len(desk.ledger.verdicts(STUDENTS[1], "edge_products")) == 1
    desk.close()


def test_a_replay_says_that_the_submission_or_a_version_changed(graded, tmp_path, monkeypatch):
    course = classroom.course(tmp_path / "course", STUDENTS[1:])
    (course / "verdicts.db").write_bytes((graded / "verdicts.db").read_bytes())
    notebook = course / "submitted" / STUDENTS[1] / "mixed" / "mixed.ipynb"
    notebook.write_text(notebook.read_text().replace("x + 2 * w + 1", "x + 2 * w"))
    monkeypatch.setattr("grader.judge.batch.replay.versions", lambda: {"torch": "1.0"})
    desk = Desk.at(course)
    found = replay(desk, STUDENTS[1], "two_path_grad")
    desk.close()
    assert not found.agrees
    assert found.changes[0].startswith("The submission is not the one that was judged")
    assert any("now with torch 1.0" in change for change in found.changes)


@pytest.mark.parametrize(
    ("student", "exercise"), [("nobody", "two_path_grad"), ("honest-00", "walk_graph")]
)
def test_a_verdict_that_was_never_given_cannot_be_replayed(graded, student, exercise):
    desk = Desk.at(graded)
    with pytest.raises(NothingToReplay, match=f"no verdict on {exercise} by {student}"):
        replay(desk, student, exercise)
    desk.close()
