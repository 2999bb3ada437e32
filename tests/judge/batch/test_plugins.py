"""nbgrader's own commands, judged: the same grades from all of them, and nothing that leaks."""

import os
import shutil
import stat

import nbformat
import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grader.judge.intake.course import settings_of
from tests.conftest import environment, run
from tests.fixtures import classroom
from tests.fixtures.commands import forked

CLASS = classroom.one_of_each_kind()


def nbgrader(course, *argv, status=0, how=forked):
    said = how("nbgrader", *argv, cwd=course, timeout=900)
    assert said.returncode == status, said.stdout
    return said.stdout


@pytest.fixture(scope="module")
def by_nbgrader(tmp_path_factory):
    """The class, graded by the commands an instructor of nbgrader's types."""

    def make(folder):
        classroom.course(folder, CLASS)
        said = nbgrader(folder, "autograde", classroom.ASSIGNMENT, how=run)
        nbgrader(folder, "generate_feedback", classroom.ASSIGNMENT)
        (folder / "said.txt").write_text(said)

    return classroom.shared(tmp_path_factory, "by_nbgrader", make)


@pytest.fixture(scope="module")
def by_the_pool(graded_class):
    """The same class, graded by ours with two jobs."""
    return graded_class


def test_nbgrader_and_the_pool_agree_on_every_cell_of_every_kind(rows, by_the_pool):
    theirs, ours = rows, classroom.rows(by_the_pool)
    assert len(theirs) == len(CLASS) > len(classroom.KINDS)
    assert theirs == ours


def test_both_leave_the_same_notebooks_and_the_same_feedback(by_nbgrader, by_the_pool):
    for student in CLASS:
        for look in (classroom.notebook, classroom.page):
            assert look(by_nbgrader, student) == look(by_the_pool, student)


FULL = classroom.POINTS
DESERVED = {
    "honest-00": FULL,
    "noisy-0": FULL,
    "renamed-0": FULL,
    "deleted_cells-0": FULL,
    "copied_cells-0": FULL,
    "linked-0": FULL,
    "solved_copy-0": FULL,
    "saved_as_text-0": FULL,
    "in_own_cell-0": FULL,
    "left_in-0": FULL | {"two_path_grad": 0, "triple": 0},
    "no_time-0": FULL,
    "first_path_only-0": FULL | {"two_path_grad": 0},
    "swapped-0": FULL | {"two_path_grad": 0},
    "raising-0": FULL | {"two_path_grad": 0},
    "broken_syntax-0": FULL | {"two_path_grad": 0},
    "exits-0": FULL | {"two_path_grad": 0},
    "endless-0": FULL | {"edge_products": 0},
    # One of five cases fails, all of one weight.
    "wrong_where_w_is_zero-0": FULL | {"two_path_grad": 8 * 3 / 4},
    "partly-0": FULL | {"edge_products": 0, "triple": 0, "count": 1.5},
    "prints_a_score-0": FULL | {"triple": 0, "count": 0},
    "edited_tests-0": FULL | {"triple": 0},
    "untouched-0": dict.fromkeys(FULL, 0),
    "broken_json-0": dict.fromkeys(FULL, 0),
    "empty-0": dict.fromkeys(FULL, 0),
    "nothing-0": dict.fromkeys(FULL, 0),
}


@pytest.fixture(scope="module")
def rows(by_nbgrader):
    """What its gradebook says of everybody, read once."""
    return classroom.rows(by_nbgrader)


@pytest.mark.parametrize("student", DESERVED)
def test_every_submission_scores_what_it_deserves(rows, student):
    earned = {name: auto for name, (auto, _, _) in rows[student]["grades"].items()}
    assert {name: earned[name] for name in FULL} == DESERVED[student]


def test_what_a_person_grades_waits_for_one_and_an_untouched_answer_does_not(rows):
    def waiting(student):
        return {name for name, (_, _, waits) in rows[student]["grades"].items() if waits}

    assert waiting("honest-00") == set(classroom.BY_HAND)
    assert waiting("renamed-0") == set(classroom.BY_HAND)
    assert waiting("in_own_cell-0") == set(classroom.BY_HAND)
    said = "Nothing is written in this cell. The answer may stand in a cell that the learner added"
    assert rows["in_own_cell-0"]["comments"]["explain"].startswith(said)
    assert waiting("untouched-0") == {"sketch"}
    assert waiting("nothing-0") == set()
    assert rows["untouched-0"]["comments"]["explain"] == "No response."


def test_a_late_submission_pays_what_nbgraders_plugin_says(by_nbgrader, rows):
    assert rows["late-0"]["late"] == 5 * 86400 - 3 * 3600
    assert rows["late-0"]["penalty"] == rows["late-0"]["score"] == 25
    assert "(Score: 0.0 / 38.0)" in classroom.page(by_nbgrader, "late-0")
    assert rows["honest-00"]["penalty"] is None


def test_what_a_link_points_to_is_copied_nowhere(by_nbgrader, by_the_pool):
    for course in (by_nbgrader, by_the_pool):
        for step in ("autograded", "feedback"):
            folder = course / step / "linked-0" / classroom.ASSIGNMENT
            files = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
            assert files <= {"mixed.ipynb", "mixed.html", "timestamp.txt", "mine.txt"}
            assert all(path.is_file() and not path.is_symlink() for path in folder.iterdir())
    kept = (by_the_pool / "autograded" / "linked-0" / classroom.ASSIGNMENT / "mine.txt").read_text()
    assert kept == "kept"


def test_what_was_set_aside_can_still_be_looked_at(by_nbgrader):
    course, said = by_nbgrader, (by_nbgrader / "said.txt").read_text()
    aside = course / "set_aside" / "submitted" / "linked-0" / classroom.ASSIGNMENT
    assert os.readlink(aside / "solution").endswith("solutions")
    assert stat.S_ISFIFO((aside / "pipe").stat().st_mode)
    assert "data.csv" in said
    assert "data.csv is a link" in said


def test_a_linked_folder_hands_in_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", environment()["PATH"])
    course = classroom.course(tmp_path / "course", ["honest-00"])
    (course / "submitted" / "thief").mkdir()
    theirs = course / "submitted" / "thief" / classroom.ASSIGNMENT
    theirs.symlink_to(course / "submitted" / "honest-00" / classroom.ASSIGNMENT)
    buttons = api(course)
    for student in ("honest-00", "thief"):
        done = buttons.autograde(classroom.ASSIGNMENT, student)
        assert done["success"], done
    assert set(classroom.scores(course, "thief").values()) == {0}
    assert classroom.scores(course, "honest-00")["two_path_grad"] == 8


def api(course):
    """What formgrader's buttons call."""
    settings = Config(settings_of(course))
    settings.CourseDirectory.root = str(course)
    return NbGraderAPI(CourseDirectory(config=settings), config=settings)


def test_formgraders_buttons_give_the_same_grades_and_the_same_feedback(
    tmp_path, by_the_pool, monkeypatch, command, here
):
    monkeypatch.setenv("PATH", environment()["PATH"])
    course = classroom.course(tmp_path / "course", CLASS)
    buttons = api(course)
    for student in CLASS:
        done = buttons.autograde(classroom.ASSIGNMENT, student)
        # Without an .ipynb nbgrader ends before it asks anything of ours.
        if student in ("nothing-0", "saved_as_text-0"):
            assert "No notebooks were matched" in done["log"]
        else:
            assert done["success"], done
    _, said = command("grade", classroom.ASSIGNMENT, "--course", course)
    assert f"1 graded, {len(CLASS) - 4} finished, 3 not run" in said
    assert classroom.rows(course) == classroom.rows(by_the_pool)
    for student in ("wrong_where_w_is_zero-0", "renamed-0"):
        done = buttons.generate_feedback(classroom.ASSIGNMENT, student)
        assert done["success"], done
        assert classroom.page(course, student) == classroom.page(by_the_pool, student)


def test_scores_given_by_hand_survive_grading_again(tmp_path, by_nbgrader, command, here):
    course = classroom.copy(by_nbgrader, tmp_path / "course", ["honest-00"])
    by_hand(course, "honest-00", "explain", 5)
    by_hand(course, "honest-00", "two_path_grad", 2)

    def is_kept():
        row = classroom.rows(course)["honest-00"]
        assert row["grades"]["explain"] == (None, 5, True)
        assert row["grades"]["two_path_grad"] == (8, 2, True)
        assert row["score"] == 5 + 2 + 10 + 4 + 3

    nbgrader(course, "autograde", classroom.ASSIGNMENT, "--force")
    is_kept()
    status, said = command("grade", classroom.ASSIGNMENT, "--force", "--course", course)
    assert status == 0, said
    assert here.judged == ["honest-00"]
    is_kept()


def by_hand(course, student, name, score):
    with classroom.Gradebook(f"sqlite:///{course}/gradebook.db", "autograd-course") as gradebook:
        assignment = classroom.ASSIGNMENT
        grade = gradebook.find_grade(name, assignment, assignment, student)
        grade.manual_score, grade.needs_manual_grade = score, False
        gradebook.db.commit()


def test_feedback_names_the_mistake_and_holds_no_hidden_input_and_no_hidden_test(by_nbgrader):
    course = by_nbgrader
    page = classroom.page(course, "first_path_only-0")
    assert "You followed only the path from w through a = x + w." in page
    raised = classroom.page(course, "raising-0")
    assert "an exception of its own" in raised
    asked = classroom.page(course, "left_in-0")
    assert "raised EOFError. A call of input() was left in" in asked
    for student in CLASS:
        page = classroom.page(course, student)
        assert classroom.HIDDEN_TEST not in page
        assert "inputs [" not in page


def test_plain_cells_are_marked_as_forgeable_for_the_instructor_alone(by_nbgrader):
    said = "can read it and forge its result"
    for student in CLASS:
        assert "forge" not in classroom.page(by_nbgrader, student)
    for student in ("honest-00", "partly-0"):
        outputs = nbformat.writes(classroom.notebook(by_nbgrader, student))
        assert outputs.count(said) == 2 * 2  # as HTML and as text


def test_an_assignment_that_was_never_released_is_refused(tmp_path):
    course = classroom.course(tmp_path / "course", ["honest-00"])
    shutil.move(
        course / "submitted" / "honest-00" / "mixed", course / "submitted" / "honest-00" / "other"
    )
    said = nbgrader(course, "autograde", "other", status=1)
    assert "The gradebook knows no notebook of the assignment other" in said
