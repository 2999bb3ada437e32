"""Scores for other gradebooks: the right cell of the right learner, and nobody left out unsaid."""

import csv
import io
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.export import canvas, moodle
from grader.export.sheet import CannotExport, Wanted, remark_on
from grader.judge.books.register import Handed, Mark, Person, Register
from tests.fixtures import classroom, graded
from tests.fixtures.classroom import ASSIGNMENT

command_of_export = import_module("grader.cli.export")  # the package has a function of its name
DONE = {"two_path_grad": Mark(8.0, None, 8.0, False)}


def register(assignment="01-graphs", points=40.0, people=(), **rows):
    """A gradebook's rows: a score, or a score and its late penalty."""
    handed = {
        name: Handed(*(row if isinstance(row, tuple) else (row,)), marks=DONE)
        for name, row in rows.items()
    }
    names = (*rows, *people)
    listed = {name: Person(name, email=f"{name}@uni.example") for name in names}
    return Register(assignment, points, {}, listed, handed)


EXPORTED = """\
Student,ID,SIS User ID,SIS Login ID,Section,Notes,01-graphs (911),Essay (912),Final Score
,,,,,,Manual Posting,,
    Points Possible,,,,,,40.00,10.00,(read only)
"Lovelace, Ada",17,S-17,ada,Section 1,,,7.50,75.0
"Babbage, Bob",18,S-18,bob,"Section 1, Section 2",,12.00,,
"=Ex, Cleo",19,S-19,cleo,Section 1,,EX,,
"Doe, Zoe",21,S-21,0f3c,Section 1,,,,
"Student, Test",20,,5b1d9a,Section 1,,,,
"""


def fill(exported=EXPORTED, every=None, by="login", **wanted):
    every = every or [register(ada=31.5, bob=(30.0, 10.0), cleo=5, dan=2)]
    wanted.setdefault("columns", {})
    sheet = canvas.fill(exported.encode(), every, Wanted(**wanted), by)
    return sheet, list(csv.reader(io.StringIO(sheet.content.decode())))


def test_canvas_gets_its_own_columns_back_with_scores_after_penalties():
    sheet, lines = fill()
    assert lines[0] == [
        "Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01-graphs (911)",
    ]  # fmt: skip
    assert lines[1] == ["    Points Possible", "", "", "", "", "40.00"]
    assert lines[2] == ["Lovelace, Ada", "17", "S-17", "ada", "Section 1", "31.5"]
    assert lines[3][-1] == "20"
    assert sheet.learners == 3


def test_canvas_keeps_who_is_excused():
    sheet, lines = fill()
    assert lines[4][-1] == "EX"
    assert "1 of 01-graphs is excused there and stays so: cleo." in sheet.remarks


def test_names_that_one_side_alone_has_are_told():
    sheet, _ = fill()
    assert "1 is not in Canvas's file and is left out: dan." in sheet.remarks
    missing = "1 is in Canvas and has no score here: their rows are left out: 0f3c."
    assert missing in sheet.remarks


def test_no_name_in_canvas_is_a_formula_and_the_id_it_is_found_by_stays():
    _, lines = fill()
    assert lines[4][:2] == ["'=Ex, Cleo", "19"]


def test_a_column_is_found_by_its_title_and_must_be_one():
    sheet, lines = fill(columns={"01-graphs": "essay"})
    assert lines[0][-1] == "Essay (912)"
    assert any("40 points here and 10 in Canvas" in said for said in sheet.remarks)
    for name in ("Final Score", "Notes (1)", "Section"):
        with pytest.raises(CannotExport, match="Canvas's file has no column"):
            fill(columns={"01-graphs": name})
    twice = EXPORTED.replace("Essay (912)", "01-graphs (912)")
    with pytest.raises(CannotExport, match="2 columns for 01-graphs"):
        fill(twice)
    assert fill(twice, columns={"01-graphs": "01-graphs (912)"})[1][0][-1] == "01-graphs (912)"


def test_scores_can_be_converted_to_canvas_points():
    _, lines = fill(columns={"01-graphs": "Essay"}, scale=True)
    assert [line[-1] for line in lines[2:]] == ["7.875", "5", "1.25"]


def test_who_handed_in_nothing_gets_a_zero_only_if_that_is_asked_for():
    every = [register(ada=31.5, people=["bob"])]
    sheet, lines = fill(every=every)
    assert [line[3] for line in lines[2:]] == ["ada"]
    assert any(
        "no score here: their rows are left out: 0f3c, bob, cleo" in s for s in sheet.remarks
    )
    _, lines = fill(every=every, zeros=True)
    assert [(line[3], line[-1]) for line in lines[2:]] == [("ada", "31.5"), ("bob", "0")]


def test_an_extension_alone_is_no_submission():
    every = [register(ada=31.5)]
    every[0].rows["bob"] = Handed(marks={"two_path_grad": Mark(None, None, 0.0, False)})
    _, lines = fill(every=every)
    assert [line[3] for line in lines[2:]] == ["ada"]


def test_several_assignments_go_into_one_file_and_other_cells_stay_as_canvas_has_them():
    essay = register("Essay", 10.0, bob=4)
    _, lines = fill(every=[register(ada=31.5), essay])
    assert lines[0][-2:] == ["01-graphs (911)", "Essay (912)"]
    assert [line[-2:] for line in lines[2:]] == [["31.5", "7.50"], ["12.00", "4"]]


def test_the_mark_and_the_separator_of_canvas_are_kept():
    european = "\ufeff" + EXPORTED.replace(", ", "~").replace(",", ";").replace("~", ", ")
    sheet, _ = fill(european)
    text = sheet.content.decode()
    assert text.startswith("\ufeffStudent;ID;")
    assert "\r\nLovelace, Ada;17;S-17;ada;Section 1;31.5\r\n" in text


def test_students_can_be_known_by_another_column():
    every = [register(**{"S-17": 8.0, "S-99": 1.0})]
    _, lines = fill(every=every, by="sis")
    assert [line[1] for line in lines[2:]] == ["17"]
    mailed = EXPORTED.replace(",ada,", ",Ada@Uni.example,")
    _, lines = fill(mailed, every=[register(ada=31.5)], by_email=True)
    assert [line[1] for line in lines[2:]] == ["17"]


def test_what_is_no_file_of_canvas_is_refused():
    for text in ("", "name,grade\nada,3\n", "Student,ID\nada,3\n"):
        with pytest.raises(CannotExport, match="no file that Canvas's gradebook exported"):
            fill(text)


def moodle_lines(every, by="username", roster=None, **wanted):
    wanted.setdefault("columns", {})
    sheet = moodle.fill(every, Wanted(**wanted), by, roster)
    return sheet, list(csv.reader(io.StringIO(sheet.content.decode())))


ROSTER = "\ufeffFirst name,Last name,ID number,Email address,Username\n" + (
    "Ada,Lovelace,17,ada@uni.example,ada\nBob,Babbage,18,bob@uni.example,bob\n"
)


def test_moodle_gets_usernames_and_scores_after_penalties():
    sheet, lines = moodle_lines([register(ada=31.5, bob=(30.0, 10.0))])
    assert lines == [["username", "01-graphs"], ["ada", "31.5"], ["bob", "20"]]
    assert (sheet.learners, sheet.remarks) == (2, ())


def test_with_moodles_list_names_on_either_side_are_told_and_only_known_ones_written():
    every = [register(ADA=31.5, dan=3)]
    sheet, lines = moodle_lines(every, roster=ROSTER.encode())
    assert lines[1:] == [["ada", "31.5"]]
    assert "1 is not on Moodle's list and is left out: dan." in sheet.remarks
    assert "1 is on Moodle's list and has no score here: bob." in sheet.remarks


def test_moodle_finds_users_by_number_or_address():
    every = [register(**{"17": 31.5})]
    assert moodle_lines(every, "idnumber", ROSTER.encode())[1][1] == ["17", "31.5"]
    every = [register(ada=31.5)]
    assert moodle_lines(every, "email", by_email=True)[1] == [
        ["email", "01-graphs"],
        ["ada@uni.example", "31.5"],
    ]
    with pytest.raises(CannotExport, match="no column username"):
        moodle_lines(every, roster=b"First name,Email address\nAda,ada@uni.example\n")


def test_a_name_that_would_be_a_formula_is_told_and_not_disguised():
    sheet, lines = moodle_lines([register(**{"ada": 1.0, "@sum": 2.0})])
    assert lines[1:] == [["ada", "1"]]
    assert any("spreadsheet would run, and is left out: @sum" in said for said in sheet.remarks)


def test_empty_cells_high_scores_and_waiting_answers_are_told():
    waits = {"explain": Mark(None, None, 0.0, True), **DONE}
    first = register(points=200.0, ada=150.0, bob=3)
    first.rows["bob"] = Handed(3.0, marks=waits)
    sheet, lines = moodle_lines([first, register("02-leaves", ada=3)])
    assert lines[2] == ["bob", "3", ""]
    told = "\n".join(sheet.remarks)
    assert "1 has no score in 02-leaves; Moodle reads an empty cell as no grade: bob." in told
    assert "01-graphs has scores above 100" in told
    assert "1 of 01-graphs holds answers that wait for a person: bob." in told


NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True)


@given(ours=NAMES, theirs=NAMES)
def test_everybody_is_written_or_told(ours, theirs):
    """Whatever the names, no learner is lost, and nobody gets another's score."""
    every = [register(**{name: index + 1.0 for index, name in enumerate(ours)})]
    text = io.StringIO()
    csv.writer(text).writerows(
        [["Student", "ID", "SIS Login ID", "Section", "01-graphs (911)"]]
        + [[f"Student {n}", str(n), name, "1", ""] for n, name in enumerate(theirs, 1)]
    )
    try:
        sheet, lines = fill(text.getvalue(), every)
    except CannotExport:
        return
    given_to = {line[1]: line[-1] for line in lines[2:]}
    stripped = [name.strip() for name in theirs]
    for index, name in enumerate(ours):
        if stripped.count(name) == 1:
            assert given_to.get(str(stripped.index(name) + 1)) == f"{index + 1}"
    assert (
        len(given_to)
        + sum(int(said.split()[0]) for said in sheet.remarks if "no score here" in said)
        == sum(any(row) for row in csv.reader(io.StringIO(text.getvalue()))) - 1
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return classroom.shared(tmp_path_factory, "graded", graded.lay)


def test_the_command_writes_what_canvas_imports(course, command, tmp_path):
    exported = tmp_path / "from-canvas.csv"
    exported.write_text(EXPORTED.replace("01-graphs", "Homework 1"))
    typed = "export", ASSIGNMENT, "--course", course, "--canvas", exported
    status, said = command(*typed, "--out", tmp_path / "grades.csv")
    assert status == 1
    assert f'--column "{ASSIGNMENT}=NAME (NUMBER)"' in said
    named = "--column", f"{ASSIGNMENT}=Homework 1"
    status, said = command(*typed, *named, "--out", tmp_path / "grades.csv")
    assert status == 0, said
    lines = list(csv.reader((tmp_path / "grades.csv").open(newline="")))
    assert [line[-1] for line in lines[2:]] == ["25", "15.5", "EX"]
    assert "3 are not in Canvas's file and are left out: dan, eve, fay." in said
    assert "1 of mixed holds answers that wait for a person: ada." in said
    status, said = command(*typed, *named, "--out", exported)
    assert (status, "is the file that was read" in said) == (1, True)


def test_the_command_writes_what_moodle_imports(course, command, tmp_path):
    target = tmp_path / "grades.csv"
    status, said = command("export", ASSIGNMENT, "--course", course, "--moodle", "--out", target)
    assert status == 0, said
    lines = list(csv.reader(target.open(newline="")))
    assert lines[:4] == [
        ["username", ASSIGNMENT],
        ["ada", "25"],
        ["bob", "15.5"],
        ["cleo", "3"],
    ]
    status, said = command("export", ASSIGNMENT, "--course", course)
    assert "Is it for Canvas or for Moodle?" in said


def test_one_learner_is_told_in_the_singular():
    assert remark_on("are there and have no score", ["ada"]) == [
        "1 is there and has no score: ada."
    ]
    assert remark_on("are there", ["ada", "bob"]) == ["2 are there: ada, bob."]


def test_the_sheet_goes_to_standard_output_and_none_is_written_without_a_score(
    tmp_path, monkeypatch, capfdbinary
):
    monkeypatch.chdir(tmp_path)
    every = [register(ada=31.5)]
    monkeypatch.setattr(command_of_export, "_marks", lambda *unused: every)
    command_of_export.export(["01-graphs"], moodle=True, out=Path("-"))
    assert capfdbinary.readouterr().out == b"username,01-graphs\r\nada,31.5\r\n"
    every[:] = [register(people=["bob"])]
    with pytest.raises(CannotExport, match="nothing was written"):
        command_of_export.export(["01-graphs"], moodle=True)
    assert list(tmp_path.iterdir()) == []
