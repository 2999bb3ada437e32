"""A submission of nobody in the class is told, with whom it may be, and makes nobody a student."""

import shutil

import pytest

from grader.judge.books.strangers import ClassList, class_list, strangers
from grader.judge.intake.course import course_directory
from tests.fixtures import classroom, graded

ENTERED = ClassList(frozenset({"ada", "grace", "s101", "s102"}), is_entered=True)
GREW = ClassList(ENTERED.students, is_entered=False)


def test_in_a_class_that_was_entered_an_unknown_id_is_nobody_and_the_nearest_is_named():
    found = strangers(ENTERED, ["ada", "garce", "zoe"])
    assert found.keys() == {"garce", "zoe"}
    assert "Is it grace? Then give the folder that name." in found["garce"]
    assert "Is it" not in found["zoe"]
    assert all("--new-students" in sentence for sentence in found.values())


def test_a_slip_of_somebody_who_has_handed_in_is_not_told_to_take_their_place():
    told = strangers(ENTERED, ["ada", "grace", "s101", "s102", "adaa"])["adaa"]
    assert "Is it ada? ada has handed in already: see which one counts." in told
    assert "give the folder that name" not in told


@pytest.mark.parametrize("slip", ["Grace", "garce", "grcae", "gracee", "grac"])
def test_a_slip_is_near_whoever_it_is_of(slip):
    assert "Is it grace?" in strangers(ENTERED, [slip, "ada"])[slip]


def test_in_a_class_that_grew_by_itself_only_what_is_like_a_missing_id_is_told():
    assert strangers(GREW, ["ada", "zoe", "garce"]).keys() == {"garce"}
    assert strangers(GREW, ["ada", "grace", "garce"]) == {}
    assert strangers(GREW, ["s101", "s102", "s103"]) == {}
    assert strangers(ClassList(frozenset(), False), ["ada", "adda"]) == {}


def test_who_was_graded_or_has_an_extension_was_not_entered_and_who_has_a_name_was(tmp_path):
    course = classroom.course(tmp_path / "course", [])
    shutil.copy(course / "gradebook.db", tmp_path / "empty.db")
    graded.grade(course, "ada")
    with graded.opened(course) as gradebook:  # as docs/desk.md grants an extension
        gradebook.update_or_create_student("ill")
        gradebook.update_or_create_submission(classroom.ASSIGNMENT, "ill")
        gradebook.grant_extension(classroom.ASSIGNMENT, "ill", days=4)
    assert class_list(course_directory(course)) == ClassList(frozenset({"ada", "ill"}), False)
    with graded.opened(course) as gradebook:
        gradebook.update_or_create_student("ada", first_name="Ada")
    assert class_list(course_directory(course)).is_entered
    shutil.copy(tmp_path / "empty.db", course / "gradebook.db")
    with graded.opened(course) as gradebook:
        gradebook.add_student("bob")
    assert class_list(course_directory(course)) == ClassList(frozenset({"bob"}), True)
