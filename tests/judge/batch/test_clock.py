"""One clock runs for all that is done with one submission, whichever command grades it."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from grader.cli.grade import NEED_A_PERSON
from grader.judge.batch import plugins
from grader.judge.batch.errands import ErrandFailed, Judge, OutOfTime, ReadAndTidy
from grader.judge.intake.course import course_directory
from tests.conftest import environment
from tests.fixtures import classroom
from tests.fixtures.crew import done

SETTINGS = """
c.Grading.submission_seconds = 10.0
c.Grading.cell_seconds = 8.0
"""


def with_cells(course, student, *sources):
    """Hand in right answers, with cells of one's own at the end."""
    classroom.hand_in(course, student)
    path = course / "submitted" / student / classroom.ASSIGNMENT / f"{classroom.ASSIGNMENT}.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells += [new_code_cell(source) for source in sources]
    nbformat.write(notebook, path)


def test_sleeping_dying_and_being_run_again_take_no_longer_than_a_submission_may(
    tmp_path, command, here
):
    course = classroom.course(tmp_path / "course", [])
    with (course / "nbgrader_config.py").open("a") as settings:
        settings.write(SETTINGS)
    sleeps = "import time; time.sleep(4); print('slept')"
    with_cells(course, "honest-00", sleeps, "import os; os._exit(1)", sleeps, "print('last')")
    status, said = command("grade", classroom.ASSIGNMENT, "--course", course)
    assert status == NEED_A_PERSON, said
    assert "honest-00 · out of time: " in said
    assert "The time for this submission was up" in said or "ran for more than" in said, said
    earned = classroom.scores(course, "honest-00")
    assert earned["two_path_grad"] == 8
    page = classroom.page(course, "honest-00")
    assert "The time for this submission was up" in page or "ran for more than" in page


class Failing:
    """A crew that cannot read one student, and has not enough time to judge another."""

    slots = 1

    def __init__(self, crew):
        self.crew = crew

    def submit(self, errand, round_, clock):
        if isinstance(errand, ReadAndTidy) and errand.student == "unreadable":
            return done(lambda: self.fail(ErrandFailed("MemoryError: \x1b[31m")))
        if isinstance(errand, Judge) and errand.student == "endless":
            return done(lambda: self.fail(OutOfTime(360.0)))
        return self.crew.submit(errand, round_, clock)

    def fail(self, error):
        raise error

    def close(self):
        pass


def test_nbgraders_own_command_grades_all_but_those_that_fail_and_names_them(
    tmp_path, here, monkeypatch, caplog
):
    course = classroom.course(tmp_path / "course", ["honest-00", "honest-01"])
    for student in ("unreadable", "endless"):
        (course / "submitted" / student / classroom.ASSIGNMENT).mkdir(parents=True)
        theirs = course / "submitted" / "honest-00" / classroom.ASSIGNMENT
        name = f"{classroom.ASSIGNMENT}.ipynb"
        to = course / "submitted" / student / classroom.ASSIGNMENT / name
        to.write_bytes((theirs / name).read_bytes())
    (course / "submitted" / "nl\nx" / classroom.ASSIGNMENT).mkdir(parents=True)
    odd = course / "submitted" / "honest-01" / classroom.ASSIGNMENT / "timestamp.txt"
    odd.write_text("2026-01-01 00:00:00 ../../etc/passwd")
    monkeypatch.setenv("PATH", environment()["PATH"])
    monkeypatch.setattr(plugins, "crew", lambda: Failing(here))
    settings = course_directory(course).config.copy()
    settings.CourseDirectory.assignment_id = classroom.ASSIGNMENT
    with pytest.raises(NbGraderException):  # as nbgrader does where anybody could not be graded
        Autograde(coursedir=CourseDirectory(config=settings), config=settings).start()
    rows = classroom.rows(course)
    for student in ("honest-00", "honest-01"):
        assert rows[student]["grades"]["two_path_grad"][0] == 8
    for student in ("unreadable", "endless"):
        assert not (course / "autograded" / student / classroom.ASSIGNMENT).exists()
    assert "unreadable was not graded: MemoryError: �[31m" in caplog.text
    assert "endless was not graded: it took longer than the 360 s" in caplog.text
    assert "nl�x was not graded: the name of its folder" in caplog.text
