"""A class made and kept by commands: its folder and list, its dates, its people."""

import glob
import importlib.util
import json
import os
import shutil
import stat
import zipfile
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import notebook_hash

from grader.authoring import releases
from grader.classroom import dates
from grader.judge.books.register import read_register
from grader.judge.intake.course import course_directory
from grader.judge.intake.form import read_forms
from grader.judge.intake.naming import BadName, require_assignment
from tests.conftest import ROOT, environment, newest_gradebook, small_course
from tests.fixtures import classroom, graded
from tests.fixtures.classroom import ASSIGNMENT

LIST = "id,first_name,last_name\nada,Ada,Lovelace\n7,,\n"


@pytest.fixture
def made(course, tmp_path, command):
    """A class of two, made by the command, and what that said."""
    (tmp_path / "list.csv").write_text(LIST)
    place = tmp_path / "a class"
    typed = (
        "class",
        "make",
        course / ".." / "a class",
        "--roster",
        tmp_path / "list.csv",
        "--course",
        course,
    )
    status, said = command(*typed)
    assert status == 0, said
    return place, said


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A class of eight with grades and verdicts, and an exchange that holds what two handed in."""
    folder = graded.lay(tmp_path_factory.mktemp("class") / "course")
    exchange = folder.with_name("exchange")
    with (folder / "nbgrader_config.py").open("a") as settings:
        settings.write(f"import os.path\nc.Exchange.root = os.path.join({str(exchange)!r})\n")
    return folder


@pytest.fixture
def kept(laid, tmp_path, monkeypatch):
    """A copy of it, in which one is."""
    folder = shutil.copytree(laid, tmp_path / "course")
    course = tmp_path / "exchange" / "autograd-course"
    settings = folder / "nbgrader_config.py"
    settings.write_text(settings.read_text().replace(str(laid.parent), str(tmp_path)))
    for name in ("ada", "ada+", "bob"):
        place = course / "inbound" / f"{name}+{ASSIGNMENT}+2026-01-10 09:00:00 UTC+x1"
        place.mkdir(parents=True)
        (place / "submission_secret.txt").write_text(name)
    (course / "feedback").mkdir()
    page = f"{notebook_hash(secret='ada', notebook_id=ASSIGNMENT)}.html"
    (course / "feedback" / page).write_text("Ada's page")
    (course / "feedback" / "other.html").write_text("another's page")
    for step in ("autograded", "feedback", "set_aside/submitted"):
        (folder / step / "ada" / ASSIGNMENT).mkdir(parents=True)
        (folder / step / "ada" / ASSIGNMENT / "x.txt").write_text(step)
    shutil.copy(folder / "gradebook.db", folder / "gradebook.db.2026-01-01-000000.000000")
    (folder / "reports").mkdir()
    (folder / "reports" / "mixed.csv").write_text("name,points\nada,7\n")
    (folder / "reports" / "theirs.csv").write_text("name,points\nadam,7\n")
    monkeypatch.chdir(folder)
    return folder


def lying(folder):
    paths = (*folder.rglob("*"), *(folder.parent / "exchange").rglob("*"))
    return {str(path.relative_to(folder.parent)) for path in paths}


# Making it


def test_a_class_has_settings_releases_a_list_and_an_exchange(made):
    place, said = made
    assert "1 assignment, 2 learners from nbgrader's list, by id" in said
    exchange = place.with_name("a class-exchange")
    found = course_directory(place)
    assert found.config.Exchange.root == str(exchange)
    assert found.root == str(place)
    register = read_register(found, "01-demo")
    assert register.points == 11
    assert {name: one.full_name for name, one in register.people.items()} == {
        "ada": "Ada Lovelace",
        "7": "",
    }
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (place, place / "gradebook.db", exchange, *exchange.glob("*/*bound"))
    }
    assert modes == {
        "a class": 0o700,
        "gradebook.db": 0o600,
        "a class-exchange": 0o1777,
        "inbound": 0o1733,
        "outbound": 0o755,
    }
    assert str(exchange) in (exchange / "autograd-course" / "nbgrader_config.py").read_text()
    assert ".." not in made[1]


def test_nobody_on_the_list_is_called_none(made):
    with Gradebook(f"sqlite:///{made[0]}/gradebook.db", "autograd-course") as gradebook:
        names = {row.id: (row.last_name, row.first_name) for row in gradebook.students}
    assert names == {"ada": ("Lovelace", "Ada"), "7": ("7", "")}


def test_the_list_grows_and_names_are_brought_up_to_date(made, tmp_path, command):
    (tmp_path / "new.csv").write_text("id,first_name,last_name\n7,Sven,Seven\nbob,Bob,B\n")
    status, said = command("class", "enrol", tmp_path / "new.csv", "--course", made[0])
    assert status == 0
    assert "2 learners on nbgrader's list, by id: 1 new, 1 with other details" in said
    people = read_register(course_directory(made[0]), "01-demo").people
    assert {one.full_name for one in people.values()} == {"Ada Lovelace", "Sven Seven", "Bob B"}


def test_a_person_who_comes_again_under_another_id_is_told(made, tmp_path, command):
    lists = [("ada", "ada@example.org"), ("lovelace", "Ada@example.org"), ("bob", "")]
    for id, email in lists:
        new = tmp_path / f"{id}.csv"
        new.write_text(f"id,first_name,last_name,email\n{id},A,B,{email}\n")
        status, said = command("class", "enrol", new, "--course", made[0])
        assert status == 0
        told = "lovelace has the e-mail address of ada" in " ".join(said.split())
        assert told == (id == "lovelace"), said


def test_a_list_that_cannot_be_taken_makes_nothing(course, tmp_path, command):
    (tmp_path / "list.csv").write_text("id\nada\nada\n")
    before = sorted(tmp_path.rglob("*"))
    status, said = command(
        "class", "make", tmp_path / "new", "--roster", tmp_path / "list.csv", "--course", course
    )
    assert status == 1
    assert "line 3: the id ada stands in line 2, too" in said
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["full"], "holds something already"),
        (["in [brackets]"], "reads [ and ] in the path"),
        (["new", "--exchange", "new/exchange"], "would lie inside the class's folder"),
        (["new", "--course-id", "a/b"], "cannot have the id"),
        (["new", "--assignment", "02-none"], "has no assignment 02-none"),
        (["new", "--roster", "none.csv"], "cannot be read"),
    ],
)
def test_where_no_class_can_be_nothing_is_written(
    course, tmp_path, command, monkeypatch, options, told
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    (tmp_path / "list.csv").write_text(LIST)
    before = sorted(tmp_path.rglob("*"))
    status, said = command("class", "make", "--roster", "list.csv", "--course", course, *options)
    assert status == 1
    assert told in said.replace("\n", " ")
    assert sorted(tmp_path.rglob("*")) == before


# Dates


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-01-15", datetime(2026, 1, 15, 23, 59, 59)),
        ("2026-01-15 12:00", datetime(2026, 1, 15, 12)),
        ("2026-01-15T12:00:30 UTC", datetime(2026, 1, 15, 12, 0, 30)),
        ("2026-01-15 12:00 Europe/Berlin", datetime(2026, 1, 15, 11)),
        ("2026-07-15 12:00 Europe/Berlin", datetime(2026, 7, 15, 10)),
        ("2026-01-15 12:00 +0530", datetime(2026, 1, 15, 6, 30)),
        ("none", None),
    ],
)
def test_a_date_is_read_with_its_zone(typed, meant):
    assert dates.parse(typed) == meant


@pytest.mark.parametrize(
    "typed",
    ["", "tomorrow", "2026-13-01", "2026-01-15 12:00 Mars", "0001-01-01 00:00 +2300", "15.1."],
)
def test_what_is_no_date_is_refused_with_what_is(typed):
    with pytest.raises(dates.BadDate, match="no date") as refusal:
        dates.parse(typed)
    assert "Europe/Berlin" in refusal.value.cure


def lateness(folder, student="cleo"):
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "autograd-course") as gradebook:
        return gradebook.find_submission(ASSIGNMENT, student).total_seconds_late


def test_an_extension_moves_what_nbgrader_calls_late(kept, command):
    assert lateness(kept) == 5 * 3600  # due on the 15th at noon
    status, said = command("class", "extend", "cleo", ASSIGNMENT, "2026-01-15 16:00")
    assert status == 0
    assert "cleo has until 2026-01-15 16:00:00 UTC" in said
    assert f"autograd-course grade {ASSIGNMENT} --students cleo --force" in said
    assert lateness(kept) == 3600
    command("class", "extend", "cleo", ASSIGNMENT, "none")
    assert lateness(kept) == 5 * 3600


def test_an_extension_keeps_its_date_when_everybodys_moves(kept, command):
    command("class", "extend", "cleo", ASSIGNMENT, "2026-01-15 16:00")
    status, said = command("class", "due", ASSIGNMENT, "2026-01-15 13:00")
    assert (status, lateness(kept)) == (0, 3600)
    assert "cleo still has until 2026-01-15 16:00:00 UTC" in said
    _, said = command("class", "due", ASSIGNMENT, "2026-01-15 16:30")
    assert "cleo has no extension any more" in said
    assert lateness(kept) == 1800


def by_nbgrader(folder, student):
    settings = course_directory(folder).config
    settings.CourseDirectory.assignment_id = ASSIGNMENT
    settings.CourseDirectory.student_id = student
    converter = Autograde(coursedir=CourseDirectory(config=settings), config=settings)
    converter.force = True
    converter.start()


def test_grade_and_nbgraders_autograde_count_from_the_same_extension(
    tmp_path, command, here, monkeypatch
):
    student = "late-0"  # 4 days and 21 hours, which costs all of the points
    folder = classroom.course(tmp_path / "course", [student])
    monkeypatch.setenv("PATH", environment()["PATH"])
    by_nbgrader(folder, student)  # which puts them on the list
    with graded.opened(folder) as gradebook:
        assert gradebook.find_student(student).last_name == student
    ways = (
        lambda: command("grade", ASSIGNMENT, "--course", folder, "--force"),
        lambda: by_nbgrader(folder, student),
    )
    for date, seconds in (("2026-01-19 09:00", 86400), ("2026-01-20 10:00", 0)):
        command("class", "extend", student, ASSIGNMENT, date, "--course", folder)
        for grade in ways:
            grade()
            stands = classroom.rows(folder)[student]
            assert (stands["late"], bool(stands["penalty"])) == (seconds, seconds > 0)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("extend", "cloe", ASSIGNMENT, "2026-02-01"), "Did you mean cleo?"),
        (("extend", "cleo", ASSIGNMENT, "2026-01-01"), "which is not before"),
        (("extend", "cleo", "none", "2026-02-01"), "knows no assignment none"),
        (("due", "none", "2026-02-01"), "knows no assignment none"),
    ],
)
def test_what_cannot_be_dated_is_refused_and_nothing_changes(kept, command, typed, told):
    before = (kept / "gradebook.db").read_bytes()
    status, said = command("class", *typed)
    assert status == 1
    assert told in said.replace("\n", " ")
    assert (kept / "gradebook.db").read_bytes() == before


def test_a_date_that_extensions_are_counted_from_is_not_taken_away(kept, command):
    command("class", "extend", "cleo", ASSIGNMENT, "2026-01-15 16:00")
    status, said = command("class", "due", ASSIGNMENT, "none")
    assert status == 1
    assert "counted from its date: cleo" in said
    assert lateness(kept) == 3600


# People


def test_all_that_is_stored_about_a_person_is_written(kept, command, tmp_path):
    os.symlink("/etc/passwd", kept / "submitted" / "ada" / ASSIGNMENT / "link")
    for target in ("ada.zip", "ada"):
        status, said = command("class", "export-person", "ada", "--out", tmp_path / target)
        assert status == 0, said
    with zipfile.ZipFile(tmp_path / "ada.zip") as archive:
        names = {name.rstrip("/") for name in archive.namelist()}
        assert b"root:" not in b"".join(map(archive.read, archive.namelist()))
    whole = tmp_path / "ada"
    assert names == {path.relative_to(whole).as_posix() for path in whole.rglob("*")}
    assert json.loads((whole / "gradebook.json").read_text())["student"][0]["first_name"] == "Ada"
    log = json.loads((whole / "verdicts.json").read_text())
    assert (len(log["sittings"]), len(log["verdicts"])) == (1, 2)
    texts = [path.read_text() for path in whole.rglob("*") if path.is_file()]
    assert {"Ada's page", "autograded", "feedback", "set_aside/submitted"} <= set(texts)
    assert "another's page" not in texts
    assert (whole / "files" / "submitted" / "ada" / ASSIGNMENT / "link.link.txt").is_file()
    for target in (tmp_path / "ada.zip", whole):
        assert stat.S_IMODE(target.stat().st_mode) & 0o077 == 0


def test_an_erased_person_leaves_nothing_but_what_is_named(kept, command):
    before = lying(kept)
    status, said = command("class", "erase-person", "ada", "--yes")
    assert status == 0, said
    gone = before - lying(kept)
    inbound = "exchange/autograd-course/inbound"
    assert {path for path in gone if path.count("/") <= 3} >= {
        "course/autograded/ada",
        "course/feedback/ada",
        "course/submitted/ada",
        "course/set_aside/submitted/ada",
        f"{inbound}/ada+{ASSIGNMENT}+2026-01-10 09:00:00 UTC+x1",
    }
    assert not any("bob" in path or "/ada++" in path for path in gone)
    assert [path.name for path in kept.parent.glob("exchange/*/feedback/*")] == ["other.html"]
    assert "gradebook.db.2026-01-01" in said
    assert "mixed.csv" in said
    assert "theirs.csv" not in said
    assert (kept / "reports" / "mixed.csv").is_file()
    assert command("class", "erase-person", "ada", "--yes")[0] == 1
    assert command("report", ASSIGNMENT)[0] == 0


def test_nobody_is_erased_without_being_asked_or_by_a_name_that_is_only_like_theirs(kept, command):
    before, books = lying(kept), (kept / "gradebook.db").read_bytes()
    status, said = command("class", "erase-person", "ada")
    assert status == 1
    assert "With --yes" in said
    for name in ("adda", "..", "*", "ad"):
        status, said = command("class", "erase-person", name, "--yes")
        assert (status, "Nothing was done" in said) == (1, True)
    assert "Did you mean ada or ada+?" in said
    assert lying(kept) == before
    assert (kept / "gradebook.db").read_bytes() == books


def test_a_person_whom_only_a_folder_names_is_erased_too(kept, command):
    status, said = command("class", "erase-person", "gus", "--yes")
    assert status == 0, said
    assert not (kept / "submitted" / "gus").exists()


# Where a command works


CLASSES = [
    ("grade", ASSIGNMENT),
    ("regrade", ASSIGNMENT),
    ("replay", "ada", "two_path_grad"),
    ("report", ASSIGNMENT),
    ("export", ASSIGNMENT, "--moodle"),
    ("exercises",),
    ("seal", "side"),
    ("class", "due", ASSIGNMENT, "2026-01-15"),
    ("class", "extend", "ada", ASSIGNMENT, "2026-01-15"),
    ("class", "export-person", "ada"),
    ("class", "erase-person", "ada", "--yes"),
    ("class", "follow"),
    ("grade", ASSIGNMENT, "--follow"),
]


@pytest.mark.parametrize("typed", CLASSES, ids=" ".join)
def test_a_command_about_a_class_is_refused_outside_one(command, tmp_path, monkeypatch, typed):
    monkeypatch.chdir(tmp_path)
    status, said = command(*typed)
    assert status == 1
    assert "There is no class in" in said
    assert list(tmp_path.iterdir()) == []


def test_nor_does_one_judge_another_checkout_by_the_exercises_of_this(
    command, tmp_path, monkeypatch
):
    other = tmp_path / "other"
    (other / "grader" / "keys").mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", other)
    monkeypatch.chdir(other)
    for typed in CLASSES:
        status, said = command(*typed)
        assert status == 1
        assert "a checkout with exercises of its own" in said, typed


def test_a_class_folder_copied_by_hand_releases_its_own_solutions(course, command, monkeypatch):
    folder = course.with_name("copied")
    folder.mkdir()
    shutil.copy(course / "nbgrader_config.py", folder)
    shutil.copytree(course / "solutions", folder / "solutions")
    text = folder / "solutions" / "01-demo" / "01-demo.md"
    text.write_text(text.read_text().replace("# Demo", "# My class"))
    monkeypatch.chdir(folder)
    assert command("exercises")[0] == 0
    assert "My class" in (folder / "exercises" / "01-demo" / "01-demo.ipynb").read_text()
    assert (folder / "gradebook.db").is_file()


def test_a_path_that_nbgrader_reads_as_a_pattern_is_refused_where_it_would_find_nothing(
    course, command
):
    folder = course.rename(course.with_name("term [2026]"))
    status, said = command("exercises", "--course", folder)
    assert status == 1
    assert "reads [ and ] in the path" in said.replace("\n", " ")
    assert not (folder / "gradebook.db").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [("a+b", "no + in a name"), ("hw[1]", "as a pattern"), ("x/y", "holds"), (".x", "no dot")],
)
def test_a_name_that_no_assignment_can_have_is_refused_with_a_better_one(
    command, classroom_of_none, name, told
):
    for typed in (("grade", name), ("export", name, "--moodle"), ("class", "due", name, "none")):
        status, said = command(*typed, "--course", classroom_of_none)
        assert status == 1
        assert told in said.replace("\n", " ")
        assert "Rename its folder" in said


@pytest.fixture
def classroom_of_none(tmp_path):
    return classroom.course(tmp_path / "course", [])


def test_an_older_nbgraders_gradebook_is_refused_untouched_and_can_be_upgraded(
    classroom_of_none, command
):
    import sqlite3
    from contextlib import closing

    book = classroom_of_none / "gradebook.db"
    with closing(sqlite3.connect(book)) as database:
        database.executescript(
            "create table a2 (id varchar(32) primary key not null, name varchar(128) not null "
            "unique, duedate datetime); insert into a2 select id, name, duedate from assignment;"
            "drop table assignment; alter table a2 rename to assignment; drop table course;"
            "update alembic_version set version_num='282d30a0218e';"
        )
    before = book.read_bytes()
    classroom.hand_in(classroom_of_none, "honest-00")
    for typed in (
        ("grade", ASSIGNMENT),
        ("report", ASSIGNMENT),
        ("export", ASSIGNMENT, "--moodle"),
        ("class", "due", ASSIGNMENT, "2026-01-01"),
        ("class", "export-person", "ada"),
    ):
        status, said = command(*typed, "--course", classroom_of_none)
        assert status == 1
        assert "An older nbgrader made the gradebook" in said
        assert "nbgrader db upgrade" in said
        assert book.read_bytes() == before


# Odd names that work


@given(st.text(max_size=20))
def test_whatever_name_an_assignment_may_have_nbgrader_takes_as_it_is(name):
    try:
        require_assignment(name)
    except BadName as refusal:
        better = refusal.cure.rpartition(": ")[2]
        assert require_assignment(better) == better
        return
    assert CourseDirectory(assignment_id=name).assignment_id == name
    assert glob.escape(name) == name


def test_ids_with_commas_and_names_with_parentheses_and_brackets_are_found(tmp_path):
    from grader.cli.grade import chosen_students
    from grader.judge.batch.desk import Desk

    folder = classroom.course(tmp_path / "term [2026] (a)", [])
    for student in ("a,b", "a", "b", "c, d"):
        (folder / "submitted" / student / "hw (1)").mkdir(parents=True)
    desk = Desk.at(folder)
    assert desk.students("hw (1)") == ["a", "a,b", "b", "c, d"]
    for asked, found in (
        (["a,b"], ["a,b"]),
        (["b,a"], ["b", "a"]),
        (["a,b,a"], ["a,b", "a"]),
        (["c, d,a"], ["c, d", "a"]),
    ):
        assert chosen_students(desk, "hw (1)", asked) == found
    desk.close()


# Which file set what


def test_doctor_says_that_a_copied_class_has_the_exchange_of_another(command, made, tmp_path):
    folder, _ = made
    assert "exchange is that of" not in command("doctor", "--course", folder)[1]
    copied = shutil.copytree(folder, tmp_path / "copied")
    told = command("doctor", "--course", copied)[1]
    assert f"Its exchange is that of the class in {folder.resolve()}" in told


def test_doctor_says_which_file_sets_what_and_which_one_wins(
    command, classroom_of_none, tmp_path, monkeypatch
):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home))
    about = home / "nbgrader_config.py"
    about.write_text('c.CourseDirectory.root = "/nowhere"\nc.CourseDirectory.course_id = "old"\n')

    def said():
        text = command("doctor", "--course", classroom_of_none)[1].splitlines()
        place = next(n for n, line in enumerate(text) if " nbgrader: " in line)
        return "\n".join(text[place : place + 2])

    assert said().startswith("✓ nbgrader")  # the class's file says both, and wins
    about.write_text('c.Exchange.root = "/elsewhere"\n')
    assert "! nbgrader: " in said()
    assert f"{about}: Exchange.root" in said()
    own = classroom_of_none / "nbgrader_config.py"
    own.write_text(own.read_text().replace("c.CourseDirectory.root", "unused"))
    about.write_text('c.CourseDirectory.root = "/nowhere"\n')
    assert said().startswith("✗ nbgrader")
    assert f"Its commands work in /nowhere, since {about} says so" in said()
    about.write_text("1 / 0\n")
    assert f"{about} raises ZeroDivisionError" in said()


@pytest.fixture
def hub_class(tmp_path, monkeypatch):
    """What lays the class's folder on a hub: typed again, a newer course is offered."""
    monkeypatch.setattr("nbgrader.api.get_alembic_version", newest_gradebook)
    exchange = tmp_path / "exchange" / "autograd-course" / "outbound"
    exchange.mkdir(parents=True)
    monkeypatch.setenv("CLASSROOM_ROOT", str(tmp_path / "class"))
    monkeypatch.setenv("CLASSROOM_EXCHANGE", str(tmp_path / "exchange"))
    place = ROOT / "hub" / "settings" / "python" / "classroom" / "class_folder.py"
    spec = importlib.util.spec_from_file_location("class_folder", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def lay(version, word):
        offered = small_course(tmp_path / version)
        text = (offered / "solutions" / "01-demo" / "01-demo.md").read_text().replace("halve", word)
        for name in ("01-demo", "02-demo", "03-demo"):
            (offered / "solutions" / name).mkdir(exist_ok=True)
            (offered / "solutions" / name / f"{name}.md").write_text(text)
        list(releases.generate(offered))
        for made in offered.glob("solutions/*/*.ipynb"):
            made.unlink()
        (offered / "gradebook.db").unlink()
        module.main(offered, ["ada"])
        return tmp_path / "class"

    return lay, exchange


def test_a_hub_that_is_updated_in_a_term_can_still_grade_what_was_handed_out(hub_class, capsys):
    lay, outbound = hub_class
    folder = lay("older", "halve")
    (outbound / "01-demo").mkdir()
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "autograd-course") as gradebook:
        gradebook.add_submission("02-demo", "ada")
    lay("newer", "third")
    assert "As they were handed out stay 01-demo, 02-demo." in capsys.readouterr().out
    for name, word in (("01-demo", "halve"), ("02-demo", "halve"), ("03-demo", "third")):
        (form,) = read_forms(course_directory(folder), name).values()  # else it cannot be graded
        assert word in {cell.grade_id for cell in form.cells}
