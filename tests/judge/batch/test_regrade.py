"""Judging a class again after a key was changed: shown first, and then written as shown."""

import pytest
from nbgrader.api import Gradebook

from grader.engine.catalogue import tasks
from grader.judge.books.ledger import Ledger
from grader.trusted.key import key_of
from tests.fixtures import classroom
from tests.fixtures.classroom import ASSIGNMENT

STUDENTS = ("honest-00", "honest-01", "first_path_only-0", "late-0")


@pytest.fixture
def typed(command, here):
    """A command of `autograd-course` that judges in this process."""
    return command


@pytest.fixture
def course(graded_class, tmp_path):
    """Four of the class, graded, with a score and a comment that a person gave."""
    course = classroom.copy(graded_class, tmp_path / "course", STUDENTS)
    by_hand(course, "honest-01", "two_path_grad", 5)
    return course


@pytest.fixture
def changed_key(monkeypatch):
    """Following the first path only has become the right answer of two_path_grad."""
    key = key_of(tasks()["two_path_grad"])
    monkeypatch.setattr(key, "reference", staticmethod(lambda x, w: (w + 1, w + 1)))
    left = [one for one in key.mistakes(("two_path_grad",)) if "first_path_only" not in one.code]
    monkeypatch.setattr(key, "mistakes", lambda functions: left)


def by_hand(course, student, name, score):
    with Gradebook(f"sqlite:///{course}/gradebook.db", "autograd-course") as gradebook:
        grade = gradebook.find_grade(name, ASSIGNMENT, ASSIGNMENT, student)
        grade.manual_score, grade.needs_manual_grade = score, False
        comment = gradebook.find_comment("two_path_grad_answer", ASSIGNMENT, ASSIGNMENT, student)
        comment.manual_comment = "Nicely put."
        gradebook.db.commit()


@pytest.fixture
def another_version(course):
    """The class was released by a version that called two_path_grad otherwise."""
    with Gradebook(f"sqlite:///{course}/gradebook.db", "autograd-course") as gradebook:
        cell = gradebook.find_source_cell("two_path_grad", ASSIGNMENT, ASSIGNMENT)
        cell.source = 'check("of_another_version", two_path_grad)'
        gradebook.db.commit()


def stands(course):
    """All that grading could change: gradebook, verdicts, graded notebooks and pages."""
    ledger = Ledger(f"sqlite:///{course}/verdicts.db")
    rows = [(row.student, row.exercise, row.credit, row.at) for row in ledger.latest(ASSIGNMENT)]
    ledger.close()
    files = {
        path.relative_to(course): path.read_bytes()
        for step in ("autograded", "feedback")
        for path in (course / step).rglob("*.*")
        if path.is_file()
    }
    return classroom.rows(course), rows, files


def test_nothing_would_change_where_no_key_did(course, typed):
    status, said = typed("regrade", ASSIGNMENT, "--course", course)
    assert status == 0, said
    assert "4 judged, nothing would change" in said


def test_what_would_change_is_shown_for_each_student_and_nothing_is_written(
    course, typed, changed_key
):
    before = stands(course)
    status, said = typed("regrade", ASSIGNMENT, "--course", course)
    assert status == 0, said
    assert "first_path_only-0 · 17 → 25 points\n  two_path_grad: 0 → 8 of 8\n" in said
    assert "was: wrong\n    was: two_path_grad.first_path_only: You followed only" in said
    assert "now: right" in said
    assert "honest-00 · 25 → 17 points\n  two_path_grad: 8 → 0 of 8\n" in said
    assert "1 gain, 2 lose, and 1 keep their points" in said
    assert "late-0 · 25 → 17 points · late: the penalty is worked out anew" in said
    assert f"Nothing was written. autograd-course regrade {ASSIGNMENT} --write does." in said
    assert stands(course) == before


def test_what_was_shown_is_written_and_nobody_is_judged_twice(course, here, typed, changed_key):
    status, said = typed("regrade", ASSIGNMENT, "--course", course, "--write")
    assert status == 0, said
    assert sorted(here.judged) == sorted(STUDENTS)
    assert "Written: 4, with new feedback." in said
    assert classroom.scores(course, "first_path_only-0")["two_path_grad"] == 8
    assert classroom.scores(course, "honest-00")["two_path_grad"] == 0
    late = classroom.rows(course)["late-0"]
    assert late["penalty"] == late["score"] == 17
    assert "Right: two_path_grad" in classroom.page(course, "first_path_only-0")
    status, said = typed("regrade", ASSIGNMENT, "--course", course)
    assert "nothing would change" in said


@pytest.mark.parametrize("answer", [True, False])
def test_at_a_terminal_it_is_written_only_if_you_say_so(
    answer, course, typed, changed_key, monkeypatch
):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda question: answer)
    status, said = typed("regrade", ASSIGNMENT, "--course", course, "--students", "honest-00")
    assert status == 0, said
    assert ("Written: 1, with new feedback." in said) is answer
    assert classroom.scores(course, "honest-00")["two_path_grad"] == (0 if answer else 8)


def test_what_people_gave_by_hand_is_kept_and_marked_to_be_looked_at(course, typed, changed_key):
    status, said = typed("regrade", ASSIGNMENT, "--course", course, "--write")
    assert status == 0, said
    assert "honest-01 · 22 → 22 points" in said
    assert "8 → 0 of 8, but 5 given by hand stay, to be looked at again" in said
    row = classroom.rows(course)["honest-01"]
    assert row["grades"]["two_path_grad"] == (0, 5, True)
    assert row["score"] == 22
    assert row["comments"]["two_path_grad_answer"] == "Nicely put."


def test_a_submission_that_was_handed_in_anew_is_not_compared(course, here, typed, changed_key):
    stamp = course / "submitted" / "honest-00" / ASSIGNMENT / "timestamp.txt"
    stamp.write_text("2026-01-11 09:00:00.000000 UTC")
    _, said = typed("regrade", ASSIGNMENT, "--course", course)
    assert "Not compared, since the submission is new" in said
    assert "honest-00" not in here.judged
    assert "honest-00 ·" not in said


def test_a_class_that_was_never_graded_is_refused(typed, tmp_path):
    course = classroom.course(tmp_path / "course", ["honest-00"])
    status, said = typed("regrade", ASSIGNMENT, "--course", course)
    assert status == 1
    assert "No submission of mixed was judged yet." in said


def test_what_another_version_gave_for_an_exercise_this_one_lacks_stays(
    course, typed, another_version
):
    before = classroom.rows(course)
    status, said = typed("regrade", ASSIGNMENT, "--course", course)
    assert (status, "nothing would change" in said) == (0, True), said
    status, said = typed("grade", ASSIGNMENT, "--course", course, "--force")
    assert status == 3, said
    assert (
        "another version's exercise: This version of the course has no of_another_version" in said
    )
    for student, row in classroom.rows(course).items():
        if student not in STUDENTS:
            continue
        auto, manual, looked_at = row["grades"].pop("two_path_grad")
        assert (auto, manual) == before[student]["grades"].pop("two_path_grad")[:2]
        assert looked_at
        assert (row["grades"], row["score"]) == (
            before[student]["grades"],
            before[student]["score"],
        )
