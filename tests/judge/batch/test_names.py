"""What is collected lies in folders that are called like students: what is not is named."""

import os
import re
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.cli.grade import NEED_A_PERSON
from grader.judge.batch.desk import Desk
from grader.judge.batch.pool import refused
from grader.judge.intake.naming import cannot_be
from tests.fixtures import classroom

ODD = {
    b"\xff\xfebytes": "is not UTF-8",
    b"nl\nx": "characters that do not show",
    b"\x1b[31mred": "characters that do not show",
    "\u202egnp".encode(): "characters that do not show",
    b".hidden": "begins with a dot",
    b"ada ": "begins or ends with a space",
    b" ada": "begins or ends with a space",
    b"a" * 201: "longer than 200",
}
STUDENTS = ("ada", "o'brien", "zoë", "李", "Ада", "a b", "ada@uni.example", "=1+1", "x" * 200)


@pytest.fixture
def course(tmp_path):
    course = classroom.course(tmp_path / "course", [])
    for name in [*ODD, *(student.encode() for student in STUDENTS)]:
        os.makedirs(os.fsencode(course / "submitted") + b"/" + name + b"/" + b"mixed")
    return course


def test_every_folder_is_a_students_or_is_named(course):
    desk = Desk.at(course)
    assert desk.students(classroom.ASSIGNMENT) == sorted(STUDENTS)
    lines = refused(desk, classroom.ASSIGNMENT)
    desk.close()
    assert len(lines) == len(ODD)
    for line in lines:
        assert line.state == "not graded"
        assert line.student.isprintable()
    assert len({line.student for line in lines}) == len(ODD)
    assert {'"ada "', '" ada"'} <= {line.student for line in lines}
    for why in ODD.values():
        assert any(why in line.reason for line in lines)


def test_odd_folders_are_told_and_cost_nobody_a_grade(course, command, here):
    for student in STUDENTS[1:]:
        os.rmdir(course / "submitted" / student / "mixed")
    classroom.hand_in(course, "honest-00")
    status, said = command("grade", classroom.ASSIGNMENT, "--course", course)
    assert "Traceback" not in said
    assert "1 graded, 1 not run" in said
    assert f"{len(ODD)} not graded" in said
    assert re.search("nl�x.* · unknown student: the name of its folder holds characters", said)
    assert status == NEED_A_PERSON
    assert classroom.scores(course, "honest-00")["two_path_grad"] == 8


def test_what_lies_in_a_wrong_place_is_told_by_the_command_and_needs_a_person(
    tmp_path, command, here
):
    course = classroom.course(tmp_path / "course", ["honest-00"])
    (course / "submitted" / "honest-01").symlink_to("/etc")
    assignment = classroom.ASSIGNMENT
    high = course / "submitted" / "honest-02" / f"{assignment}.ipynb"
    high.parent.mkdir()
    high.write_text("{}")
    (course / "submitted" / "notes.ipynb").write_text("{}")
    status, said = command("grade", assignment, "--course", course)
    assert "1 graded, 3 not graded" in said
    assert "honest-01 · misplaced: submitted/honest-01 is a link" in said
    assert f"honest-02 · misplaced: submitted/honest-02/{assignment}.ipynb lies one" in said
    assert "notes.ipynb · misplaced: submitted/notes.ipynb is a file" in said
    assert status == NEED_A_PERSON


def test_where_all_lies_in_a_wrong_place_the_refusal_says_so(tmp_path, command, here):
    course = classroom.course(tmp_path / "course", [])
    (course / "submitted" / "ada").mkdir(parents=True)
    (course / "submitted" / "ada" / f"{classroom.ASSIGNMENT}.ipynb").write_text("{}")
    status, said = command("grade", classroom.ASSIGNMENT, "--course", course)
    assert f"submitted/ada/{classroom.ASSIGNMENT}.ipynb lies one folder too high" in said
    assert status == 1


@given(st.text(st.characters(), max_size=220))
def test_a_name_that_passes_can_be_shown_stored_and_be_a_file(name):
    if cannot_be(name) is None and name:
        assert name.isprintable()
        assert name.encode().decode() == name
        assert name.strip() == name
        assert not name.startswith(".")
        assert len(name) <= 200


@pytest.mark.parametrize(("is_shared", "mode"), [(False, 0o600), (True, 0o660)])
def test_a_gradebook_is_closed_to_others_once_anything_is_graded(tmp_path, is_shared, mode):
    course = classroom.course(tmp_path / "course", [])
    with (course / "nbgrader_config.py").open("a") as settings:
        settings.write(f"\nc.CourseDirectory.groupshared = {is_shared}\n")
    (course / "gradebook.db").chmod(0o666)
    desk = Desk.at(course)
    desk.round(classroom.ASSIGNMENT)
    desk.close()
    assert stat.S_IMODE((course / "gradebook.db").stat().st_mode) == mode
    assert stat.S_IMODE((course / "verdicts.db").stat().st_mode) == 0o600
