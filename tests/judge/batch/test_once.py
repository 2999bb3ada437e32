"""A submission is read, normalised and cleaned once, whichever command grades it."""

from collections import Counter

import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory

import grader.cli.grade
from grader.judge.batch import plugins
from grader.judge.batch.desk import Desk
from grader.judge.intake import normalise, submission
from grader.judge.intake.course import course_directory
from grader.judge.pages import clean
from tests.conftest import environment
from tests.fixtures import classroom

STUDENTS = ("honest-00", "first_path_only-0", "linked-0", "renamed-0")
ONCE = dict.fromkeys(("read", "normalised", "cleaned"), len(STUDENTS))


@pytest.fixture
def counted(monkeypatch, here):
    """How often a notebook was read from a submission, normalised, and cleaned."""
    done = Counter()

    def count(what, place, name):
        work = getattr(place, name)

        def counting(*args, **kwargs):
            done[what] += 1
            return work(*args, **kwargs)

        monkeypatch.setattr(place, name, counting)

    count("read", submission._Reader, "read")
    count("normalised", normalise, "read")
    count("cleaned", clean, "from_dict")
    monkeypatch.setattr(plugins, "crew", lambda: here)
    monkeypatch.setenv("PATH", environment()["PATH"])
    return done


def by_ours(course, command, here, monkeypatch):
    monkeypatch.setattr(grader.cli.grade, "crew_of", lambda *asked: here)
    status, text = command("grade", classroom.ASSIGNMENT, "--course", course)
    assert status == 0, text


def settings_for(course):
    directory = course_directory(course)
    settings = directory.config.copy()
    settings.CourseDirectory.assignment_id = classroom.ASSIGNMENT
    return settings


def by_nbgrader(course, *unused):
    settings = settings_for(course)
    Autograde(coursedir=CourseDirectory(config=settings), config=settings).start()


def by_the_button(course, *unused):
    settings = settings_for(course)
    buttons = NbGraderAPI(CourseDirectory(config=settings), config=settings)
    for student in STUDENTS:
        done = buttons.autograde(classroom.ASSIGNMENT, student)
        assert done["success"], done


def notes(course):
    """By student, what was put right or noticed, and whose very submission it was."""
    desk = Desk.at(course)
    try:
        rows = desk.ledger.sittings(classroom.ASSIGNMENT)
        return {row.student: (sorted(row.repairs), row.submission) for row in rows}
    finally:
        desk.close()


def test_every_command_reads_normalises_and_cleans_once_and_leaves_the_same(
    tmp_path, counted, command, here, monkeypatch
):
    left = []
    for grade in (by_ours, by_nbgrader, by_the_button):
        course = classroom.course(tmp_path / grade.__name__, STUDENTS)
        counted.clear()
        grade(course, command, here, monkeypatch)
        assert counted == ONCE, grade
        left.append((classroom.rows(course), notes(course)))
    assert left[0] == left[1] == left[2]
    repairs, _ = left[0][1]["linked-0"]
    assert any("data.csv is a link" in repair for repair in repairs)


def test_what_a_class_hands_in_beyond_what_is_held_is_read_again_and_graded_the_same(
    tmp_path, counted, monkeypatch
):
    monkeypatch.setattr(plugins, "MOST_HELD", 0)
    course = classroom.course(tmp_path / "course", STUDENTS)
    by_nbgrader(course)
    assert counted == ONCE | {"read": 2 * len(STUDENTS)}
    repairs, digest = notes(course)["linked-0"]
    assert any("data.csv is a link" in repair for repair in repairs)
    desk = Desk.at(course)
    paper = desk.paper(desk.round(classroom.ASSIGNMENT), "linked-0")
    desk.close()
    assert paper.digest == digest
