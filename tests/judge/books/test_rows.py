"""The gradebook's rows of one submission: those that nbgrader makes, and what is changed."""

from datetime import UTC, datetime

import pytest
from nbgrader.api import Gradebook

from grader.judge.books.gradebook import quietly
from grader.judge.books.rows import Rows, add_submission, find_submission

RECEIVED = datetime(2026, 1, 10, 9, tzinfo=UTC)


@pytest.fixture
def gradebook(tmp_path):
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as opened:
        opened.add_assignment("01-graphs")
        for notebook in ("one", "two"):
            opened.add_notebook(notebook, "01-graphs")
            place = notebook, "01-graphs"
            opened.add_grade_cell("judged", *place, max_score=3, cell_type="code")
            opened.add_grade_cell("written", *place, max_score=2, cell_type="markdown")
            opened.add_solution_cell("written", *place)
            opened.add_solution_cell("answer", *place)
            opened.add_task_cell("drawing", *place, max_score=4, cell_type="markdown")
            opened.add_source_cell("judged", *place, source="check()", cell_type="code")
        for student in ("theirs", "ours"):
            opened.add_student(student)
        yield opened


def rows_of(gradebook, student):
    submission = gradebook.find_submission("01-graphs", student)
    return submission.timestamp, {
        notebook.name: (
            notebook.flagged,
            notebook.late_submission_penalty,
            {(g.name, g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades},
            {(c.name, c.auto_comment, c.manual_comment) for c in notebook.comments},
        )
        for notebook in submission.notebooks
    }


def test_a_new_submission_has_the_rows_that_nbgrader_gives_it(gradebook):
    with quietly():  # nbgrader's way makes SQLAlchemy warn of it
        gradebook.add_submission("01-graphs", "theirs", timestamp=RECEIVED)
    add_submission(gradebook, "01-graphs", "ours", RECEIVED)
    ours = rows_of(gradebook, "ours")
    assert ours == rows_of(gradebook, "theirs")
    assert {name for name, *_ in ours[1]["one"][2]} == {"judged", "written", "drawing"}
    assert {name for name, *_ in ours[1]["two"][3]} == {"written", "answer", "drawing"}


def test_an_assignment_without_graded_cells_has_a_submission_without_grades(gradebook):
    gradebook.add_assignment("02-empty")
    gradebook.add_notebook("empty", "02-empty")
    add_submission(gradebook, "02-empty", "ours", None)
    (notebook,) = gradebook.find_submission("02-empty", "ours").notebooks
    assert (notebook.grades, notebook.comments) == ([], [])


def test_only_what_was_changed_is_sent(gradebook):
    add_submission(gradebook, "01-graphs", "ours", RECEIVED)
    submission = find_submission(gradebook.db, "01-graphs", "ours")
    rows = {notebook.name: Rows(gradebook.db, notebook) for notebook in submission.notebooks}
    rows["one"].find_grade("judged").auto_score = 2.5
    rows["one"].find_comment("answer").auto_comment = "No response."
    by_hand = gradebook.find_grade("written", "two", "01-graphs", "ours")
    by_hand.manual_score, by_hand.needs_manual_grade = 1.0, False  # meanwhile, in formgrader
    gradebook.db.commit()
    for one in rows.values():
        one.save()
    gradebook.db.commit()
    recorded = {name: one.recorded(0.0, 0.0) for name, one in rows.items()}
    assert recorded["one"].scores["judged"].score == 2.5
    assert recorded["one"].scores["judged"].points == 3.0
    assert recorded["one"].scores["drawing"].needs_grading
    assert recorded["one"].comments == {"answer": "No response."}
    written = recorded["two"].scores["written"]
    assert (written.score, written.needs_grading) == (1.0, False)
    assert recorded["two"].comments == {}
