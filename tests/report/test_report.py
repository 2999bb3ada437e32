"""An instructor's report: counts that are right, a page that opens anywhere, nothing mixed up."""

import csv
import html
import io
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import nbformat
import pytest
from nbclient import NotebookClient

from grader.judge.books.ledger import Notes
from grader.judge.books.needs import Cause, Need
from grader.report import charts, figures, rows
from grader.report.counted import Kind, State
from grader.report.page import page
from grader.report.tables import as_csv
from tests.fixtures import classroom, graded, kernels
from tests.fixtures.classroom import ASSIGNMENT
from tests.fixtures.graded import FOLLOWED, NOTES, ONE, TWO, judge, right, untouched, wrong

PATH_ONLY = f"{ONE}.first_path_only"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return classroom.shared(tmp_path_factory, "graded", graded.lay)


@pytest.fixture(scope="module")
def found(course):
    return figures.of(course, ASSIGNMENT)


@pytest.fixture
def fresh(tmp_path):
    """A released assignment of which nothing was graded yet."""
    return classroom.course(tmp_path / "course", [])


def counts(folder):
    return {made.code: made.count for made in figures.of(folder, ASSIGNMENT).mistakes}


def test_every_learner_stands_in_one_state(found):
    by_state = {state: {one.name for one in found.of_state(state)} for state in State}
    assert by_state == {
        State.JUDGED: {"ada", "bob", "cleo", "dan", "fay"},
        State.UNREAD: {"eve"},
        State.WAITING: {"gus"},
        State.MISSING: {"hal"},
    }


def test_an_exercise_counts_right_partly_wrong_and_not_attempted(found):
    one, two = found.exercises
    assert (one.id, one.title, one.points) == (ONE, "Two paths", 8)
    assert (one.judged, one.attempted) == (5, 5)
    assert (one.right, one.partly, one.wrong, one.not_attempted) == (2, 0, 3, 0)
    assert (two.right, two.partly, two.wrong, two.not_attempted) == (3, 1, 0, 1)
    assert (one.mean_credit, two.mean_credit) == (2 / 5, 3.5 / 5)
    assert [hard.id for hard in found.hardest] == [ONE, TWO]


def test_named_mistakes_are_counted_with_the_sentence_that_learners_read(found):
    (mistake,) = found.mistakes
    assert (mistake.code, mistake.message) == (PATH_ONLY, FOLLOWED)
    assert mistake.learners == ("bob", "cleo")


def test_signatures_and_errors_are_never_among_the_named_mistakes(found):
    others = {made.code: made.kind for made in found.made if made not in found.mistakes}
    assert others == {"RATIO.twice": Kind.SIGN, "ERROR.raised": Kind.ERROR}
    text = page(found)
    named, _, rest = text.partition("What else went wrong")
    assert PATH_ONLY in named
    assert "RATIO.twice" not in named
    assert rest.index("What the values show") < rest.index("RATIO.twice")
    assert rest.index("Errors raised") < rest.index("ERROR.raised")


def test_the_newest_grading_counts_however_often_and_however_one_was_graded(fresh):
    judge(fresh, "ada", wrong(ONE, PATH_ONLY), wrong(TWO, f"{TWO}.swapped"))
    judge(fresh, "bob", right(ONE), right(TWO))
    assert counts(fresh) == {PATH_ONLY: 1, f"{TWO}.swapped": 1}
    judge(fresh, "ada", right(ONE), wrong(TWO, f"{TWO}.swapped"), secret_version=2)
    assert counts(fresh) == {f"{TWO}.swapped": 1}
    assert figures.of(fresh, ASSIGNMENT).older_cases == ("bob",)
    judge(fresh, "ada", wrong(ONE, PATH_ONLY), right(TWO), secret_version=2, isolation="none")
    assert counts(fresh) == {PATH_ONLY: 1}
    ada, _ = figures.of(fresh, ASSIGNMENT).learners
    assert (ada.isolation, ada.outcomes) == ("none", {ONE: "wrong", TWO: "right"})


def test_notebooks_that_were_graded_one_by_one_count_together(fresh):
    judge(fresh, "ada", wrong(ONE, PATH_ONLY), notes=Notes(("first",)))
    judge(fresh, "ada", wrong(TWO, f"{TWO}.swapped"), notes=Notes(("second",)))
    judge(fresh, "ada", right(ONE), notes=Notes(("first",)))
    assert counts(fresh) == {f"{TWO}.swapped": 1}


def test_an_exercise_that_was_taken_out_of_the_assignment_counts_no_more(fresh):
    judge(fresh, "ada", wrong(ONE, PATH_ONLY), right(TWO))
    judge(fresh, "ada", right(TWO))
    assert [one.id for one in figures.of(fresh, ASSIGNMENT).exercises] == [TWO]


def test_a_finding_in_several_cases_counts_a_learner_once(fresh):
    verdict = wrong(ONE, PATH_ONLY)
    judge(fresh, "ada", replace(verdict, findings=verdict.findings * 3))
    assert counts(fresh) == {PATH_ONLY: 1}


def test_who_needs_a_hand_is_told_with_the_reasons(found):
    assert [one.name for one in found.need_a_hand] == ["cleo", "dan"]
    cleo, dan = found.need_a_hand
    assert cleo.reasons == (
        "earned 0 of 18 points",
        f"did not attempt {TWO}",
        f"made {PATH_ONLY}",
    )
    assert dan.reasons == ("earned 5 of 18 points",)


def test_late_forgeable_and_waiting_answers_are_told(found):
    assert [(one.name, one.penalty, one.seconds_late) for one in found.late] == [
        ("cleo", 1.0, 5 * 3600)
    ]
    assert {one.name: one.mean_score for one in found.plain} == {
        "triple": (3 * 4 + 4) / 5,
        "count": (2 * 3 + 1.5) / 5,
    }
    assert {one.name: one.waiting for one in found.by_hand} == {
        "explain": 1,
        "sketch": 1,
        "own_code": 0,
    }
    text = page(found)
    assert "A submission can read them and forge their results." in text
    assert "Graded without isolation: fay." in text
    assert "eve: The notebook cannot be read" in text


def raise_in(folder, student, cell, name, text=""):
    """Lay a graded notebook in which one cell has an error."""
    about = {"nbgrader": {"grade_id": cell, "grade": True}}
    error = nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[])
    graded_cell = nbformat.v4.new_code_cell("", metadata=about, outputs=[error])
    place = folder / "autograded" / student / ASSIGNMENT
    place.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[graded_cell]), place / f"{ASSIGNMENT}.ipynb")


@pytest.fixture
def own_tests(fresh):
    """A class of an instructor's own tests alone: two lack a package, one wrote nothing."""
    for student, lacks in (("ada", True), ("bob", True), ("cleo", False), ("dan", False)):
        missing = Need(Cause.MISSING_PACKAGE, "There is no package pandas where submissions run.")
        judge(fresh, student, notes=replace(NOTES, needs=(missing,) * lacks))
        graded.grade(fresh, student, {"triple": 0, "count": 1.5} if lacks else {"triple": 4})
        if lacks:
            raise_in(fresh, student, "triple", "NameError", "name 'triple' is not defined\x1b[1m")
    empty = Need(Cause.NOTHING_RAN, "There is no mixed.ipynb: nothing was run.")
    judge(fresh, "eve", notes=replace(NOTES, needs=(empty,)))
    graded.grade(fresh, "eve")
    return fresh


def test_own_tests_have_pass_rates_and_what_they_raised(own_tests, command, tmp_path):
    found = figures.of(own_tests, ASSIGNMENT)
    triple, count = found.plain
    assert (triple.name, triple.passed, triple.partly, triple.failed) == ("triple", 2, 0, 2)
    assert (count.passed, count.partly, count.failed, count.pass_rate) == (0, 2, 2, 0)
    assert triple.pass_rate == 0.5
    (error,) = triple.errors
    assert error.sentence.startswith("NameError: name 'triple' is not defined")
    assert error.learners == ("ada", "bob")
    assert [one.name for one in found.of_state(State.UNREAD)] == ["eve"]
    assert [one.name for one in found.need_a_hand] == ["ada", "bob"]
    status, said = command("report", ASSIGNMENT, "--course", own_tests, "--out", tmp_path / "out")
    assert status == 0, said
    for text in (said, html.unescape(page(found))):
        assert "NameError: name 'triple'" in text
        assert "\x1b" not in text
        assert "There is no package pandas" in " ".join(text.split())
    assert "Exercise by exercise" not in page(found)
    table = (tmp_path / "out" / f"{ASSIGNMENT}-tests.csv").read_text(encoding="utf-8-sig")
    first, second, *_ = csv.DictReader(io.StringIO(table))
    assert (first["test"], first["pass rate"], first["failed"]) == ("triple", "0.5", "2")
    assert (second["learners"], second["who"]) == ("2", "ada; bob")


def test_what_needs_a_person_is_counted_with_everybody_it_is_about(own_tests):
    found = figures.of(own_tests, ASSIGNMENT)
    assert [(one.count, one.sentence.partition(":")[0]) for one in found.needs] == [
        (2, "missing package"),
        (1, "nothing ran"),
    ]
    hidden = found.anonymous()
    assert [one.sentence for one in hidden.needs] == ["missing package", "nothing ran"]
    assert [one.sentence for one in hidden.plain[0].errors] == ["NameError"]
    assert not set(hidden.needs[0].learners) & {"ada", "bob"}


def test_who_is_nobody_in_the_class_is_told_and_not_counted(tmp_path):
    folder = graded.lay(tmp_path / "course")
    before = figures.of(folder, ASSIGNMENT)
    (folder / "submitted" / "adaa" / ASSIGNMENT).mkdir(parents=True)
    found = figures.of(folder, ASSIGNMENT)
    assert [one.name for one in found.learners] == [one.name for one in before.learners]
    (need,) = [one for one in found.needs if one not in before.needs]
    assert need.learners == ("adaa",)
    assert need.sentence.startswith("unknown student: ")


def test_a_graded_notebook_that_cannot_be_read_raised_nothing(own_tests):
    for content in (b"", b"[]", b'{"cells": [3, {"outputs": 1}]}', b"[" * 10**5):
        for student in ("ada", "bob"):
            path = own_tests / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
            path.write_bytes(content)
        assert [cell.errors for cell in figures.of(own_tests, ASSIGNMENT).plain] == [(), ()]


def test_nothing_graded_is_refused_with_the_cure(fresh, command):
    status, said = command("report", ASSIGNMENT, "--course", fresh)
    assert status == 1
    assert f"No submission of {ASSIGNMENT} was judged yet.\nautograd-course grade" in said
    status, said = command("report", "nonesuch", "--course", fresh)
    assert "The gradebook knows no assignment nonesuch.\nIt knows mixed." in said


class Tags(HTMLParser):
    """Every start tag of a page with its attributes, and each picture's text alternative."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def test_the_page_is_one_file_that_runs_and_fetches_nothing(found):
    text = page(found)
    tags = Tags(text).tags
    assert not {"script", "link", "iframe", "img", "object", "embed"} & {tag for tag, _ in tags}
    held = [name for _, attributes in tags for name in attributes]
    assert not [name for name in held if name.startswith("on") or name in ("src", "href", "style")]
    assert not re.search(r"https?:|@import|url\((?!#)", text)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": policy}) in tags


def test_every_picture_says_in_words_what_it_shows(found):
    pictures = [attributes for tag, attributes in Tags(page(found)).tags if tag == "svg"]
    told = [one["aria-label"] for one in pictures if one.get("role") == "img"]
    assert told == [charts.outcomes(found).sentence, charts.scores(found).sentence]
    assert told[0] == (
        "By exercise: Two paths, of 5: 2 right, 3 wrong; "
        "Products along edges, of 5: 3 right, 1 partly right, 1 not attempted."
    )
    assert all(one.get("aria-hidden") == "true" for one in pictures if "role" not in one)
    assert charts.mistakes(found).sentence == f"Named mistakes: {PATH_ONLY} by 2 learners."


def test_what_a_learner_wrote_is_text_on_the_page(fresh):
    judge(fresh, "<script>alert(1)</script>", wrong(ONE, PATH_ONLY, "<b>`x`</b>"))
    text = page(figures.of(fresh, ASSIGNMENT))
    assert "<script" not in text
    assert "&lt;b&gt;<code>x</code>&lt;/b&gt;" in text


def test_without_names_no_file_holds_one(course, command, tmp_path):
    status, said = command("report", ASSIGNMENT, "--course", course, "--out", tmp_path,
                           "--anonymous")  # fmt: skip
    assert status == 0, said
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert len(files) == 5
    for text in (said.replace(str(tmp_path), ""), *files.values()):
        for name in ("ada", "bob", "cleo", "dan", "eve", "fay", "gus", "hal", "Ada", "9000"):
            assert not re.search(rf"\b{name}\b", text)
    assert "Learner 8" in files[f"{ASSIGNMENT}-anonymous-learners.csv"]


def test_the_command_writes_a_page_and_tables_closed_to_others(course, command, tmp_path):
    folder = tmp_path / "reports"
    status, said = command("report", ASSIGNMENT, "--course", course, "--out", folder)
    assert status == 0, said
    assert "7 of 8 handed in, 5 judged, 1 late." in said
    assert f"2 × {PATH_ONLY}: You followed only" in said
    assert "May need a hand: cleo, dan" in said
    assert folder.stat().st_mode & 0o077 == 0
    text = (folder / f"{ASSIGNMENT}-findings.csv").read_text(encoding="utf-8-sig")
    first = next(csv.DictReader(io.StringIO(text)))
    assert (first["kind"], first["code"], first["learners"]) == ("named mistake", PATH_ONLY, "2")


def test_no_cell_of_a_table_is_a_formula():
    evil = ("=1+1", "+1+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", " =1", "＝1")
    evil += ("\u200b=1", "\ufeff=1", "\xa0=1", "\x00=1", "\u202e=1")
    held = as_csv([{"name": name, "credit": -0.5} for name in evil])
    assert held.startswith("\ufeff".encode())
    for line in csv.DictReader(io.StringIO(held.decode("utf-8-sig"))):
        assert line["name"].startswith("'")
        assert float(line["credit"]) == -0.5
    assert as_csv([{"a": "\x1b[31m\u202egnp"}]).decode("utf-8-sig") == "a\r\n�[31m�gnp\r\n"


def test_rows_are_plain_values(found):
    for table in (rows.exercise_rows(found), rows.finding_rows(found), rows.learner_rows(found)):
        assert table
        assert all(isinstance(value, str | int | float) for row in table for value in row.values())
    assert [made.code for made in found.mistakes] == [PATH_ONLY]


def test_the_notebook_runs_and_what_an_instructor_changed_in_it_stays(course, command, tmp_path):
    copy = shutil.copytree(course, tmp_path / "course")
    typed = "report", ASSIGNMENT, "--course", copy, "--notebook"
    assert command(*typed)[0] == 0
    path = copy / "reports" / f"{ASSIGNMENT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    there = {"metadata": {"path": str(path.parent)}}
    with kernels.settings() as config:
        NotebookClient(notebook, resources=there, config=config).execute()
    shown = "".join(nbformat.writes(notebook))
    assert "aria-label" in shown
    assert "image/png" in shown
    assert "You followed only the path from w" in shown
    nbformat.write(notebook, path)
    changed = path.read_bytes()
    _, said = command(*typed)
    assert "is there already and stays as it is" in " ".join(said.split())
    assert path.read_bytes() == changed


def test_not_attempted_by_everybody_is_no_error(fresh):
    judge(fresh, "ada", untouched(ONE), untouched(TWO), notes=NOTES)
    found = figures.of(fresh, ASSIGNMENT)
    assert found.mistakes == ()
    assert "Nobody made a mistake that has a name." in page(found)
