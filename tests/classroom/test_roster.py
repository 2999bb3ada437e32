"""A class's list is taken as a whole or not at all, and every line that cannot be is named."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.classroom.roster import BadRoster, Learner, read_roster
from grader.judge.intake.naming import why_no_student

NBGRADER = "id,first_name,last_name,email,lms_user_id\nada,Ada,Lovelace,ada@uni.example,17\n"
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,01-graphs (911),Final Score
,,,,,Manual Posting,
    Points Possible,,,,,40.00,(read only)
"Lovelace, Ada",17,S-17,ada,Section 1,,
"King, Martin, Jr.",18,S-18,martin,"Section 1, Section 2",,
"Student, Test",20,,5b1d9a,Section 1,,
"""
CANVAS_NAMES = """\
LastName,FirstName,ID,SIS User ID,SIS Login ID,Section
Points Possible,,,,,
Lovelace,Ada,17,S-17,ada,Section 1
Student,Test,20,,5b1d9a,Section 1
"""
MOODLE = "First name;Surname;ID number;Email address\nAda;Lovelace;S-17;ada@uni.example\n"
ADA = Learner("ada", "Ada", "Lovelace")


def read(text, by=None):
    return read_roster(text.encode(), "list.csv", by)


def refused(text, by=None):
    with pytest.raises(BadRoster) as refusal:
        read(text, by)
    assert "nothing was written" in refusal.value.what.lower()
    return refusal.value.what


@pytest.mark.parametrize(
    ("text", "kind", "column", "learner"),
    [
        (NBGRADER, "nbgrader", "id", Learner("ada", "Ada", "Lovelace", "ada@uni.example", "17")),
        ("ID\nada\n", "nbgrader", "ID", Learner("ada")),
        (CANVAS_NAMES, "Canvas", "SIS Login ID", Learner("ada", "Ada", "Lovelace", "", "17")),
        (MOODLE, "Moodle", "ID number", Learner("S-17", "Ada", "Lovelace", "ada@uni.example")),
        ("\ufeffUsername,First name\nada,Ada\n", "Moodle", "Username", Learner("ada", "Ada")),
    ],
)
def test_a_list_is_known_by_its_head(text, kind, column, learner):
    found = read(text)
    assert (found.kind, found.column, found.learners) == (kind, column, (learner,))


def test_of_canvass_lines_those_about_learners_alone_are_taken():
    found = read(CANVAS)
    assert [(one.id, one.first, one.last) for one in found.learners] == [
        ("ada", "Ada", "Lovelace"),
        ("martin", "Martin, Jr.", "King"),
    ]


def test_a_test_student_is_a_learner_where_the_university_knows_one_of_that_name():
    assert len(read(CANVAS.replace('Test",20,,', 'Test",20,S-20,')).learners) == 3


def test_the_column_of_the_ids_can_be_chosen():
    assert [one.id for one in read(CANVAS, "sis").learners] == ["S-17", "S-18"]
    assert read(MOODLE, "email").learners[0].id == "ada@uni.example"
    assert "names no column" in read_error(CANVAS, "username")


def test_an_id_with_a_comma_is_refused_for_nbgraders_options_would_take_it_for_two():
    assert "comma in the id" in refused('id,first_name\n"a,b",Ada\n')


def read_error(text, by):
    with pytest.raises(BadRoster) as refusal:
        read(text, by)
    return refusal.value.what


def test_moodle_and_excel_write_utf_16_as_well():
    found = read_roster("First name\tUsername\nÆsa\tasa\n".encode("utf-16"), "list.csv")
    assert found.learners == (Learner("asa", "Æsa"),)


@pytest.mark.parametrize(
    "text", ["name_of,mail\nada,a@b\n", "ada,Ada\nbob,Bob\n", "id,id\nada,bob\n"]
)
def test_another_head_is_refused_with_what_it_is(text):
    assert text.partition(",")[0] in refused(text)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"id\n", "Æ,id\n".encode("latin-1"), b'"' * 5])
def test_what_lists_nobody_is_refused(content):
    with pytest.raises(BadRoster):
        read_roster(content, "list.csv")


def test_every_line_that_cannot_be_taken_is_named():
    said = refused(
        'id,first_name,last_name\nada,Ada,L\n,Bob,"B\nC"\nada,Eve,E\n../x,Mal,M\nADA,,\n.hidden,,\n'
        f"{'x' * 129},,\nwhat?,,\n"
    )
    for told in (
        "7 lines",
        "line 3 (Bob B C): no id",
        "line 5 (Eve E): the id ada stands in line 2, too",
        "line 6 (Mal M): the id holds a character that no folder's name should: ../x",
        "line 7: the id ADA differs from ada, in line 2, by upper and lower case alone",
        "line 8: the id begins with a dot",
        "line 9: the id is longer than 128 characters",
        "line 10: nbgrader reads ? in the id as a pattern: what?",
    ):
        assert told in said


@given(
    st.lists(
        st.tuples(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12)), max_size=8
    )
)
def test_whatever_the_lines_hold_they_are_taken_or_the_list_is_refused(rows):
    file = io.StringIO()
    csv.writer(file).writerows([("id", "first_name", "last_name"), *rows])
    try:
        found = read_roster(file.getvalue().encode(errors="surrogatepass"), "list.csv")
    except BadRoster:
        return
    ids = [one.id for one in found.learners]
    assert len({name.casefold() for name in ids}) == len(ids)
    assert not any(map(why_no_student, ids))
    assert all(f"{one.first}{one.last}".isprintable() for one in found.learners)


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_list_or_a_refusal(content):
    try:
        found = read_roster(content, "list.csv")
    except BadRoster:
        return
    assert found.learners


def test_a_list_without_a_column_that_moodle_has_is_not_called_moodles():
    said = read_error("Name,Grade\nAda,1\n", None)
    assert "is headed Name, Grade, as no list of" in said
