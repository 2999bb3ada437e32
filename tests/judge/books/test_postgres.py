"""Several people grade one class at once, into gradebook and verdicts on a PostgreSQL server."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import ExportApp
from nbgrader.apps.api import NbGraderAPI
from nbgrader.apps.dbapp import DbUpgradeApp
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

import grader.cli.grade
import grader.judge.batch.starting
from grader.authoring import releases
from grader.cli import app
from grader.cli.grade import NEED_A_PERSON
from grader.diagnosis.verdict import Finding, Outcome, Verdict
from grader.judge.batch.desk import Desk
from grader.judge.batch.errands import Fetch
from grader.judge.batch.filing import Filing
from grader.judge.batch.pool import Batch
from grader.judge.books.databases import Unreachable
from grader.judge.books.gradebook import Book, GradebookRefused
from grader.judge.books.ledger import Circumstances, Ledger, Notes, Secret
from grader.judge.intake.course import settings_of
from grader.judge.intake.form import read_forms
from grader.judge.sitting.examiner import Examiner
from grader.judge.sitting.papers import Round
from tests.conftest import ROOT, environment
from tests.fixtures import classroom
from tests.fixtures.crew import Known
from tests.judge.books.server import until

ASSIGNMENT = classroom.ASSIGNMENT
FEW = ["honest-00", "first_path_only-0", "late-0", "nothing-0"]


def settle(course, address):
    """Put both databases of a course on the server."""
    with (course / "nbgrader_config.py").open("a") as settings:
        settings.write(f"c.CourseDirectory.db_url = {address!r}\n")
        settings.write(f"c.Grading.ledger_url = {address!r}\n")


@pytest.fixture(scope="module")
def released(server, tmp_path_factory):
    """A class released and handed in, of whom nobody is graded."""
    course = tmp_path_factory.mktemp("class") / "course"
    text = course / "solutions" / ASSIGNMENT / f"{ASSIGNMENT}.md"
    text.parent.mkdir(parents=True)
    text.write_text(classroom.assignment_text())
    shutil.copy(ROOT / "nbgrader_config.py", course)
    address = server.database("book")
    with (course / "nbgrader_config.py").open("a") as settings:
        settings.write(classroom.SETTINGS)
    settle(course, address)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", environment()["PATH"])
        list(releases.generate(course))
    with Gradebook(address, "autograd-course") as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=classroom.DUE)
    for student in FEW:
        classroom.hand_in(course, student)
    return course


@pytest.fixture(scope="module")
def results(released):
    """What the judge makes of everybody, found once."""
    desk, examiner = Desk.at(released), Examiner()
    forms = read_forms(desk.course, ASSIGNMENT)
    round_ = Round(ASSIGNMENT, forms, Secret(1, bytes(32)), desk.grading.limits())
    try:
        return {one: examiner.examine(round_, desk.paper(round_, one)) for one in FEW}
    finally:
        examiner.close()


@pytest.fixture(scope="module")
def graded(released, results):
    """The class after two people graded it at the same time: both looked at the same submission
    before either had its result."""
    fork = multiprocessing.get_context("fork")
    together = fork.Barrier(2)

    def types():
        crew = Judging(results, first=lambda: together.wait(300))
        grader.cli.grade.crew_of = lambda *asked: crew
        grader.judge.batch.starting.begin = lambda isolation: None  # its crew judges nothing
        typed = ["grade", ASSIGNMENT, "--course", str(released), "--isolation", "full"]
        sys.exit(app(typed, standalone_mode=False))

    # An empty folder is among the submissions: whoever graded it is told that it needs a person.
    ends = ends_of([fork.Process(target=types) for _ in range(2)])
    assert set(ends) <= {0, NEED_A_PERSON}
    assert NEED_A_PERSON in ends
    return released


def ends_of(processes):
    """How they ended that ran side by side."""
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    return [process.exitcode for process in processes]


def at_desk(course, work):
    desk = Desk.at(course)
    try:
        return work(desk)
    finally:
        desk.close()


def graded_with(course, version):
    """How often each student was graded with a version of the secret."""
    found = at_desk(course, lambda desk: desk.ledger.sittings(ASSIGNMENT))
    return Counter(row.student for row in found if row.secret_version == version)


def judged_with(course, version, student):
    """How often each exercise of a student was judged with a version of the secret."""

    def found(desk):
        return [
            row
            for name in classroom.EXERCISES
            for row in desk.ledger.verdicts(student, name)
            if row.secret_version == version
        ]

    return Counter(row.exercise for row in at_desk(course, found))


def points(course):
    """What every student has, and what being late cost."""
    rows = classroom.rows(course)
    return {student: (row["score"], row["penalty"]) for student, row in rows.items()}


def test_two_who_grade_at_once_lose_nothing_and_grade_nobody_twice(graded, server):
    assert graded_with(graded, 1) == dict.fromkeys(FEW, 1)
    for student in FEW:
        assert judged_with(graded, 1, student) == dict.fromkeys(classroom.EXERCISES, 1)
        assert (graded / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html").is_file()
        assert [path.name for path in (graded / "autograded" / student).iterdir()] == [ASSIGNMENT]
    assert server.ask("select version from secrets", "book") == [(1,)]
    full = classroom.POINTS
    deserved = {
        "honest-00": full,
        "first_path_only-0": full | {"two_path_grad": 0},
        "late-0": full,
        "nothing-0": dict.fromkeys(full, 0),
    }
    for student, points in deserved.items():
        earned = classroom.scores(graded, student)
        assert {name: earned[name] for name in full} == points


def test_times_are_those_of_the_class_whatever_the_servers_time_zone(graded):
    rows = classroom.rows(graded)
    assert rows["honest-00"]["received"].isoformat() == "2026-01-10T09:00:00"
    assert rows["honest-00"]["late"] == 0
    assert rows["late-0"]["late"] == 5 * 86400 - 3 * 3600
    (row,) = at_desk(graded, lambda desk: desk.ledger.sittings(ASSIGNMENT, "late-0"))
    assert row.at.utcoffset().total_seconds() == 0


def test_nbgraders_own_commands_work_on_it(graded, server, monkeypatch):
    monkeypatch.chdir(graded)
    monkeypatch.setenv("PATH", environment()["PATH"])
    monkeypatch.syspath_prepend(str(graded))
    before = server.ask("select * from alembic_version", "book")
    for command in (DbUpgradeApp(), ExportApp()):
        command.initialize([])
        command.start()
        command.reset()
    assert server.ask("select * from alembic_version", "book") == before
    assert (graded / "grades.csv").read_text().count(f"\n{ASSIGNMENT},") == len(FEW)


def test_formgrader_shows_and_changes_it(graded):
    settings = Config(settings_of(graded))
    settings.CourseDirectory.root = str(graded)
    desk = NbGraderAPI(CourseDirectory(config=settings), config=settings)
    (assignment,) = desk.get_assignments()
    assert (assignment["name"], assignment["num_submissions"]) == (ASSIGNMENT, len(FEW))
    shown = {one["student"]: one for one in desk.get_submissions(ASSIGNMENT)}
    assert shown["honest-00"]["score"] == 25
    assert shown["honest-00"]["needs_manual_grade"]
    assert {one["id"] for one in desk.get_students()} == set(FEW)
    (notebook,) = desk.get_notebooks(ASSIGNMENT)
    assert notebook["average_code_score"] > 0
    submitted = desk.get_notebook_submissions(ASSIGNMENT, ASSIGNMENT)
    assert {one["student"] for one in submitted} == set(FEW)
    with desk.gradebook as gradebook:
        grade = gradebook.find_grade("explain", ASSIGNMENT, ASSIGNMENT, "honest-00")
        grade.manual_score, grade.needs_manual_grade = 5, False
        gradebook.db.commit()
    assert points(graded)["honest-00"] == (30, None)


class Judging(Known):
    """A crew that knows every result already; `first` is done before the first one is given."""

    slots = 1

    def __init__(self, results, first=lambda: None):
        super().__init__(results)
        self.first = first

    def judge(self, student):
        if self.asked == [student]:
            self.first()
        return super().judge(student)


def grade(course, crew, *, force=False):
    """Grade the class as one of several who do: a state per student."""
    desk = Desk.at(course)
    round_ = desk.round(ASSIGNMENT)
    book = Book(desk.course)
    try:
        batch = Batch(desk, Filing(desk, book, round_), round_, crew, force=force)
        return {line.student: line.state for line in batch.lines(FEW)}
    finally:
        book.close()
        desk.close()


def reseed(course):
    """New hidden cases: everybody is to be graded anew. The version of the secret."""
    return at_desk(course, lambda desk: desk.ledger.secret(ASSIGNMENT, reseed=True).version)


def test_what_somebody_else_graded_meanwhile_is_not_filed_again(graded, results):
    version = reseed(graded)
    theirs = {}

    def somebody_else():
        theirs.update(grade(graded, Judging(results)))

    ours = grade(graded, Judging(results, first=somebody_else))
    assert theirs == dict.fromkeys(FEW, "graded") | {"nothing-0": "not run"}
    assert ours == dict.fromkeys(FEW, "as before")
    assert graded_with(graded, version) == dict.fromkeys(FEW, 1)


MOMENTS = {"after the ledger": (Desk, "record"), "after the gradebook": (Book, "record")}


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_one_of_two_was_killed_at_the_other_finishes(graded, results, moment):
    before, version = points(graded), reseed(graded)
    place, name = MOMENTS[moment]
    fork = multiprocessing.get_context("fork")
    dying = fork.Event()

    def killed():
        work, calls = getattr(place, name), []

        def call(*args, **kwargs):
            result = work(*args, **kwargs)
            calls.append(result)
            if len(calls) == 2:
                dying.set()
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(place, name, call)
        grade(graded, Judging(results))

    def goes_on():  # it has looked at the first submission, and then the other grades
        grade(graded, Judging(results, first=lambda: dying.wait(300)))

    both = [fork.Process(target=work) for work in (killed, goes_on)]
    assert ends_of(both) == [-signal.SIGKILL, 0]
    assert grade(graded, Judging({})) == dict.fromkeys(FEW, "as before")
    assert graded_with(graded, version) == dict.fromkeys(FEW, 1)
    assert points(graded) == before
    for student in FEW:
        assert [path.name for path in (graded / "autograded" / student).iterdir()] == [ASSIGNMENT]


class Fetching(Judging):
    """A crew that does `first` before it fetches the first notebooks that were graded before."""

    def submit(self, errand, round_, clock):
        if isinstance(errand, Fetch):
            first, self.first = self.first, lambda: None
            first()
        return super().submit(errand, round_, clock)

    def judge(self, student):
        return self.judged[student]


def test_what_a_third_puts_in_place_and_is_killed_at_the_second_finishes(
    graded, results, monkeypatch
):
    before, version = points(graded), reseed(graded)

    def killed_at(place, name):
        def dies(*args, **kwargs):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(place, name, dies)
            with pytest.raises(KeyboardInterrupt):
                grade(graded, Judging(results))

    killed_at(Book, "record")
    grade(graded, Fetching(results, first=lambda: killed_at(Filing, "show")))
    assert grade(graded, Judging({})) == dict.fromkeys(FEW, "as before")
    assert graded_with(graded, version) == dict.fromkeys(FEW, 1)
    assert points(graded) == before


def test_who_files_a_submission_waits_for_who_files_the_same_and_for_nobody_else(server):
    address, order = server.database("waiting"), []
    one, other = Ledger(address), Ledger(address)

    def waits():
        with other.alone(ASSIGNMENT, "ada"):
            order.append("the other")

    with one.alone(ASSIGNMENT, "ada"):
        with other.alone(ASSIGNMENT, "grace"):
            order.append("somebody else's")
        thread = threading.Thread(target=waits)
        thread.start()
        until(lambda: server.ask("select 1 from pg_locks where not granted"), "waiting")
        order.append("the first")
    thread.join()
    assert order == ["somebody else's", "the first", "the other"]
    one.close()
    other.close()


def test_a_secret_is_drawn_once_however_many_begin_at_the_same_time(server):
    address, many = server.database("beginning"), 8
    together = threading.Barrier(many)

    def begin(_):
        together.wait()
        ledger = Ledger(address)
        secret = ledger.secret(ASSIGNMENT)
        ledger.close()
        return secret

    with ThreadPoolExecutor(many) as people:
        drawn = set(people.map(begin, range(many)))
    assert len(drawn) == 1
    assert server.ask("select count(*) from secrets", "beginning") == [(1,)]


@pytest.mark.parametrize("text", ["\x00", "\udc80", "∂ ✗ 👩‍🏫", "x" * 100_000])
def test_a_learners_text_is_kept_as_it_is(server, text):
    ledger = Ledger(server.address("postgres"))
    when = Circumstances("texts", "ada", "a" * 64, 1, "cpu", "full", {})
    wrong = Verdict("two_path_grad", Outcome.WRONG, 0.0, (Finding("raised", text),))
    ledger.append(when, [wrong], Notes(("texts",), (text,)))
    assert ledger.latest("texts")[-1].findings[0]["message"] == text
    assert ledger.sittings("texts")[-1].repairs == [text]
    ledger.close()


def test_a_server_that_does_not_answer_is_refused_with_the_cure(tmp_path, command):
    course = tmp_path / "course"
    (course / "submitted" / "ada" / ASSIGNMENT).mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    settle(course, f"postgresql+psycopg://ada:hunter2@/book?host={tmp_path}")
    status, said = command("grade", ASSIGNMENT, "--course", course)
    assert status == 1
    assert "postgresql+psycopg://ada:***@/book" in said
    assert "cannot be reached" in said
    assert "nbgrader_config.py" in said
    assert "Traceback" not in said
    assert "hunter2" not in said


def test_a_missing_driver_is_refused_with_the_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Unreachable, match=r"needs the Python package psycopg(.|\n)*\[scale\]"):
        Ledger("postgresql+psycopg://ada@/book")


def test_a_gradebook_somebody_holds_on_to_is_waited_for_and_then_refused(graded, server):
    desk = Desk.at(graded)
    notebook = classroom.notebook(graded, "first_path_only-0")  # other marks than stand there
    book = Book(desk.course, patience=0.2)
    with (
        psycopg.connect(host=server.folder, user="class", dbname="book") as somebody,
        contextlib.closing(book),
    ):
        somebody.execute("select * from submitted_assignment for update")
        somebody.execute("select * from grade for update")
        with pytest.raises(GradebookRefused, match="lock timeout") as refused:
            book.record(ASSIGNMENT, "honest-00", {ASSIGNMENT: notebook}, None)
    assert "Somebody else" in refused.value.cure
    desk.close()
