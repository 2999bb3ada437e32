"""A class is graded whole: killed, locked out or out of room, grading is taken up again."""

import contextlib
import errno
import functools
import itertools
import json
import multiprocessing
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
import pytest
from sqlalchemy import event

from grader.box.both.ended import BoxRefused
from grader.box.outside import probe as probing
from grader.cli import app
from grader.cli.grade import NEED_A_PERSON, CannotGrade
from grader.judge.batch import filing as filings
from grader.judge.batch.desk import Desk
from grader.judge.batch.errands import Draw, ErrandFailed, OutOfTime, Read
from grader.judge.batch.filing import Filing, FilingRefused
from grader.judge.batch.handing_out import handing_out
from grader.judge.batch.pool import MOST_LOST, Batch, WorkersLost
from grader.judge.batch.workers import WorkerLost
from grader.judge.books.gradebook import Book, GradebookRefused
from grader.judge.pages import feedback
from grader.judge.sitting.examiner import examine
from grader.notebook import files
from tests.conftest import environment
from tests.fixtures import classroom, held
from tests.fixtures.commands import forked
from tests.fixtures.crew import Known, done

ASSIGNMENT = classroom.ASSIGNMENT
FEW = [f"honest-{number:02}" for number in range(4)] + ["first_path_only-0", "nothing-0", "late-0"]
MANY = [*FEW, "noisy-0", "partly-0", "raising-0", "swapped-0", "wrong_where_w_is_zero-0"]


def start(course, *argv, **how):
    """Begin to grade, and go on with the test; one submission is filed, and then whom it lets."""
    let_file(course, 1)
    command = [sys.executable, "-m", "tests.fixtures.held", "grade", ASSIGNMENT, *map(str, argv)]
    return subprocess.Popen(
        command,
        cwd=course,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **how,
    )


def let_file(course, number):
    """So many submissions may be filed in all by what was started."""
    (course / held.ROOM).write_text(str(number))


def graded(course):
    return [path.parts[-2] for path in course.glob(f"autograded/*/{ASSIGNMENT}")]


def until(condition, what, seconds=300):
    """Wait for something another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)


def until_graded(running, course, number):
    """Wait until so many are graded, by what is not done."""
    until(lambda: len(graded(course)) >= number or running.poll() is not None, "a grade")
    assert running.poll() is None, running.stdout.read()


def sittings(course, students=MANY):
    desk = Desk.at(course)
    try:
        rows = desk.ledger.sittings(ASSIGNMENT)
        return [(row.student, row.secret_version) for row in rows if row.student in students]
    finally:
        desk.close()


@pytest.fixture
def typed(command, here):
    """Type `autograd-course grade`, which judges in this process; what it said."""

    def grade_here(course, *argv, status=0):
        got, said = command("grade", ASSIGNMENT, "--course", course, *argv)
        assert got == status, said
        return said

    return grade_here


@pytest.fixture(scope="module")
def uninterrupted(graded_class):
    """Those few, graded in one go, among others."""
    return graded_class


@pytest.fixture(scope="module")
def judged(uninterrupted):
    """What the judge made of each of them: enough to file it again without a box."""
    desk = Desk.at(uninterrupted)
    round_ = desk.round(ASSIGNMENT)
    made = {student: examine(round_, desk.paper(round_, student)) for student in FEW}
    desk.close()
    return made


@contextlib.contextmanager
def at_work(course, crew, *, force=False, patience=1.0, strangers=None):
    desk = Desk.at(course)
    round_ = desk.round(ASSIGNMENT)
    book = Book(desk.course, patience)
    try:
        filing = Filing(desk, book, round_)
        yield Batch(desk, filing, round_, crew, force=force, strangers=strangers)
    finally:
        book.close()
        desk.close()


def lines(course, crew, students=FEW, **settings):
    with at_work(course, crew, **settings) as batch:
        return {line.student: line for line in batch.lines(students)}


def is_whole(course, uninterrupted, students=FEW):
    """Whether everything of these students is in place, once, and nothing else is."""
    assert classroom.rows(course) == {
        student: row
        for student, row in classroom.rows(uninterrupted).items()
        if student in students
    }
    assert sorted(sittings(course)) == sorted((student, 1) for student in students)
    for student in students:
        assert classroom.page(course, student) == classroom.page(uninterrupted, student)
        assert [path.name for path in (course / "autograded" / student).iterdir()] == [ASSIGNMENT]
    return True


class Counting(Known):
    """A crew of one that counts whose submissions were opened."""

    slots = 1
    opened = 0

    def submit(self, errand, round_, clock):
        self.opened += isinstance(errand, Read)
        return super().submit(errand, round_, clock)


def test_a_class_of_any_size_holds_no_more_than_a_few_submissions_in_memory(
    tmp_path, uninterrupted, judged
):
    crew = Counting(judged)
    with at_work(classroom.course(tmp_path / "course", FEW), crew) as batch:
        held = [crew.opened - ended for ended, _ in enumerate(batch.lines(FEW))]
    assert crew.opened == len(FEW)
    assert max(held) == 3 * crew.slots


def test_killed_in_mid_batch_and_started_again_leaves_the_same_gradebook(
    tmp_path, uninterrupted, typed
):
    course = classroom.course(tmp_path / "course", MANY)
    first = start(course, "--jobs", 2)
    until_graded(first, course, 1)
    family = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.wait()
    assert len(graded(course)) == 1
    _, alive = psutil.wait_procs(family, timeout=300)
    assert not alive, "a process outlived the one that graded"
    before = set(sittings(course))
    said = typed(course, status=NEED_A_PERSON)
    assert before
    assert f"{len(MANY)} graded" not in said
    assert is_whole(course, uninterrupted, MANY)


def test_ctrl_c_says_that_nothing_is_lost_and_the_same_command_goes_on(
    tmp_path, uninterrupted, typed
):
    course = classroom.course(tmp_path / "course", MANY)
    # Whoever started these tests in the background has had SIGINT ignored in all that they start.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    first = start(course, "--jobs", 1, start_new_session=True, preexec_fn=heard)
    until_graded(first, course, 1)
    os.killpg(first.pid, signal.SIGINT)
    said, _ = first.communicate(timeout=300)
    assert first.returncode in (130, -signal.SIGINT), said.decode()  # a shell says 130 of both
    assert b"What is graded already stays graded." in said
    assert b"Traceback" not in said
    assert len(graded(course)) == 1
    typed(course, status=NEED_A_PERSON)
    assert is_whole(course, uninterrupted, MANY)


_KILL = """
import contextlib, ctypes, glob, os, subprocess, sys, time

PR_SET_CHILD_SUBREAPER = 36  # whoever outlives its parent becomes a child of this process
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def generations(pid):
    below = [0]
    for thread in glob.glob(f"/proc/{pid}/task/*/children"):
        with contextlib.suppress(OSError), open(thread) as children:
            below += [1 + generations(child) for child in children.read().split()]
    return max(below)


wanted, deepest = int(sys.argv[1]), 0
batch = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
while deepest < wanted and batch.poll() is None:
    time.sleep(0.002)  # a look at them takes less
    deepest = max(deepest, generations(batch.pid))
batch.kill()
print(deepest)
try:
    while True:
        os.waitpid(-1, 0)
except ChildProcessError:
    print("nobody is left")
"""


# The command starts bubblewrap and a fork server, these a zygote and workers, and the zygote boxes.
@pytest.mark.parametrize("generations", [1, 2, 3])
def test_whatever_moment_a_batch_is_killed_at_no_process_outlives_it(tmp_path, generations):
    course = classroom.course(tmp_path / "course", ["endless-0"])
    batch = [sys.executable, "-m", "grader.cli", "grade", ASSIGNMENT, "--jobs", "1"]
    batch += ["--isolation", "auto"]
    done = subprocess.run(
        [sys.executable, "-c", _KILL, str(generations), *batch],
        cwd=course,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    deepest, end = done.stdout.split("\n", 1)
    assert int(deepest) >= generations
    assert end == "nobody is left\n"
    assert graded(course) == []


CRASHES = {
    "before anything is written": (Filing, "_lay", False),
    "before the ledger": (Desk, "record", False),
    "after the ledger": (Desk, "record", True),
    "before the gradebook": (Book, "record", False),
    "after the gradebook": (Book, "record", True),
    "before the files have their names": (files, "put_in_place", False),
    "after the files have their names": (files, "put_in_place", True),
    "before the feedback": (feedback, "feedback_page", False),
}


def killed_when(place, name, *, after=False, time=2):
    """Make the process die by SIGKILL at the second call of a function, or right after it."""
    work, calls = getattr(place, name), itertools.count(1)

    def call(*args, **kwargs):
        now = next(calls) == time
        if now and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = work(*args, **kwargs)
        if now:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(place, name, call)


def run_and_be_killed(work, *moment, **when):
    """Do `work` in a process that is killed at the moment."""

    def doomed():
        killed_when(*moment, **when)
        work()

    child = multiprocessing.get_context("fork").Process(target=doomed)
    child.start()
    child.join(300)
    assert child.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("moment", CRASHES)
def test_killed_at_any_moment_it_loses_nothing_and_grades_nothing_twice(
    tmp_path, uninterrupted, judged, moment
):
    three = FEW[:3]
    course = classroom.course(tmp_path / "course", three)
    place, name, after = CRASHES[moment]
    run_and_be_killed(lambda: lines(course, Known(judged), three), place, name, after=after)
    recorded = {student for student, _ in sittings(course)}
    assert 1 <= len(recorded) <= 2
    crew = Known(judged)
    lines(course, crew, three)
    assert set(crew.asked) == set(three) - recorded
    assert is_whole(course, uninterrupted, three)


def test_killed_while_one_grading_replaces_another_it_keeps_the_new_one(
    tmp_path, uninterrupted, judged
):
    course = classroom.copy(uninterrupted, tmp_path / "course", FEW)
    again = lambda: lines(course, Known(judged), FEW[:1], force=True)  # noqa: E731
    run_and_be_killed(again, os, "rename", time=2)  # the old one is away already
    assert not (course / "autograded" / FEW[0] / ASSIGNMENT).exists()
    crew = Known(judged)
    assert lines(course, crew)[FEW[0]].state == "finished"
    assert crew.asked == []
    assert classroom.rows(course) == classroom.rows(uninterrupted)
    assert classroom.page(course, FEW[0]) == classroom.page(uninterrupted, FEW[0])
    assert sittings(course).count((FEW[0], 1)) == 2


def test_what_was_graded_stays_and_what_was_handed_in_anew_is_graded_anew(tmp_path, judged):
    three = FEW[:3]
    course = classroom.course(tmp_path / "course", three)
    lines(course, Known(judged), three)
    crew = Known(judged)
    assert {line.state for line in lines(course, crew, three).values()} == {"as before"}
    assert crew.asked == []
    notebook = course / "submitted" / three[1] / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    notebook.write_text(notebook.read_text() + " ")
    lines(course, crew, three)
    assert crew.asked == [three[1]]
    (course / "submitted" / three[2] / ASSIGNMENT / "timestamp.txt").write_text(classroom.LATE)
    lines(course, crew, three)
    assert crew.asked == three[1:]
    assert classroom.rows(course)[three[2]]["penalty"] == 25


@pytest.mark.parametrize("lost", ["autograded", "feedback", "gradebook"])
def test_what_was_lost_since_is_made_again(tmp_path, uninterrupted, judged, lost):
    course = classroom.copy(uninterrupted, tmp_path / "course", FEW)
    if lost == "gradebook":
        shutil.copy(classroom.released() / "gradebook.db", course)
    else:
        shutil.rmtree(course / lost / FEW[0])
    crew = Known(judged)
    lines(course, crew)
    assert crew.asked == ([FEW[0]] if lost == "autograded" else [])
    rows, wanted = classroom.rows(course), classroom.rows(uninterrupted)
    assert {student: rows[student] for student in FEW} == {name: wanted[name] for name in FEW}
    assert classroom.page(course, FEW[0]) == classroom.page(uninterrupted, FEW[0])


def test_what_was_damaged_since_is_graded_anew(tmp_path, uninterrupted, judged):
    course = classroom.copy(uninterrupted, tmp_path / "course", FEW)
    shutil.rmtree(course / "feedback" / FEW[0])
    notebook = course / "autograded" / FEW[0] / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    notebook.chmod(0o644)
    notebook.write_text(notebook.read_text()[:100])
    crew = Known(judged)
    found = lines(course, crew)
    assert crew.asked == [FEW[0]]
    assert found[FEW[0]].state == "graded"
    assert classroom.rows(course) == classroom.rows(uninterrupted)
    assert classroom.page(course, FEW[0]) == classroom.page(uninterrupted, FEW[0])


def test_reseed_grades_everybody_on_new_cases_and_the_old_ones_stay_known(
    tmp_path, uninterrupted, judged, typed
):
    course = classroom.course(tmp_path / "course", FEW)
    lines(course, Known(judged))
    typed(course, "--reseed", status=NEED_A_PERSON)
    assert sorted(sittings(course)) == sorted((student, seed) for student in FEW for seed in (1, 2))
    wanted = classroom.rows(uninterrupted)
    assert classroom.rows(course) == {student: wanted[student] for student in FEW}
    desk = Desk.at(course)
    one, other = (desk.ledger.secret_of_version(ASSIGNMENT, version) for version in (1, 2))
    assert one.value != other.value
    desk.close()


def test_a_worker_and_a_zygote_that_are_killed_cost_nobody_a_grade(tmp_path, uninterrupted):
    course = classroom.course(tmp_path / "course", MANY)
    running = start(course, "--jobs", 1)
    for number, above in enumerate(("forkserver", "bwrap"), 1):
        let_file(course, number)
        until_graded(running, course, number)
        next(started_by(above, psutil.Process(running.pid))).kill()
    let_file(course, len(MANY))
    said, _ = running.communicate(timeout=300)
    assert running.returncode == NEED_A_PERSON, said
    assert is_whole(course, uninterrupted, MANY)


def started_by(program, process):
    """The descendants of a process that a program started; boxes come and go meanwhile."""
    for one in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if program in " ".join(one.parent().cmdline()):
                yield one


def walls_in(process):
    """The descendants of a process that started bubblewrap; boxes come and go meanwhile."""
    for one in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if one.name() == "bwrap":
                yield one.parent()


def test_only_the_submission_that_kills_its_worker_twice_is_left_ungraded(
    tmp_path, uninterrupted, judged
):
    course = classroom.course(tmp_path / "course", FEW)
    broken = [BrokenProcessPool("gone"), BrokenProcessPool("gone")]
    crew = Known(judged, {FEW[2]: broken})
    found = lines(course, crew)
    assert [name for name, line in found.items() if line.state == "not graded"] == [FEW[2]]
    assert found[FEW[2]].reason == "the process that judged it ended, twice"
    others = [student for student in FEW if student != FEW[2]]
    assert is_whole(course, uninterrupted, others)


def test_an_error_of_ours_stops_one_submission_and_not_the_batch(tmp_path, uninterrupted, judged):
    course = classroom.course(tmp_path / "course", FEW)
    found = lines(course, Known(judged, {FEW[0]: [RuntimeError("a fault\x1b[31m")]}))
    assert found[FEW[0]].reason == "RuntimeError: a fault�[31m"
    assert is_whole(course, uninterrupted, FEW[1:])


def test_a_submission_that_takes_too_long_or_loses_its_worker_stops_nobody(
    tmp_path, uninterrupted, judged
):
    course = classroom.course(tmp_path / "course", FEW)
    hostile = FEW[:4]  # more of them in a row than may be lost before a batch gives up
    fails = {student: [WorkerLost(at_work=True)] * 2 for student in hostile}
    crew = Known(judged, fails | {FEW[4]: [OutOfTime(360.0)]})
    found = lines(course, crew)
    for student in hostile:
        assert found[student].reason == "the process that judged it ended, twice"
    assert found[FEW[4]].reason == "it took longer than the 360 s that a submission has in all"
    assert crew.asked.count(FEW[4]) == 1
    assert is_whole(course, uninterrupted, FEW[5:])


class Drawing(Known):
    """A crew whose drawing ends in these errors first."""

    def __init__(self, judged, errors):
        super().__init__(judged)
        self.errors = errors

    def submit(self, errand, round_, clock):
        if isinstance(errand, Draw) and self.errors:
            error = self.errors.pop(0)
            return (
                done(lambda: self.fail(error)) if error else super().submit(errand, round_, clock)
            )
        return super().submit(errand, round_, clock)

    def fail(self, error):
        raise error


def test_a_page_that_cannot_be_drawn_shows_its_texts_as_they_are(tmp_path, uninterrupted, judged):
    course = classroom.course(tmp_path / "course", FEW[:1])
    found = lines(course, Drawing(judged, [OutOfTime(360.0)]), FEW[:1])[FEW[0]]
    assert found.state == "graded"
    assert found.incidents[-1].startswith("Its feedback shows texts as they are: it took longer")
    page = classroom.page(course, FEW[0])
    assert "<pre># Mixed" in page
    assert "(Score: 25.0 / 38.0)" in page
    assert classroom.rows(course)[FEW[0]] == classroom.rows(uninterrupted)[FEW[0]]


def test_a_worker_lost_while_it_draws_is_asked_for_again(tmp_path, uninterrupted, judged):
    course = classroom.course(tmp_path / "course", FEW[:1])
    found = lines(course, Drawing(judged, [WorkerLost(at_work=True)]), FEW[:1])[FEW[0]]
    assert found.incidents == ()
    assert is_whole(course, uninterrupted, FEW[:1])


def test_a_page_that_cannot_be_drawn_at_all_is_told_and_drawn_by_the_next_run(
    tmp_path, uninterrupted, judged
):
    course = classroom.course(tmp_path / "course", FEW[:1])
    crew = Drawing(judged, [ErrandFailed("MemoryError: ")] * 2)
    found = lines(course, crew, FEW[:1])
    assert found[FEW[0]].incidents[-1] == "It has no feedback page: MemoryError: "
    assert lines(course, Known(judged), FEW[:1])[FEW[0]].state == "finished"
    assert is_whole(course, uninterrupted, FEW[:1])


def test_force_that_was_stopped_is_taken_up_where_it_stopped(tmp_path, uninterrupted, judged):
    course = classroom.copy(uninterrupted, tmp_path / "course", FEW)
    with at_work(course, Known(judged), force=True) as batch:
        next(batch.lines(FEW))
    redone = {student for student in FEW if sittings(course).count((student, 1)) == 2}
    assert 0 < len(redone) < len(FEW)
    left = [student for student in FEW if student not in redone]
    for force in (False, True):  # whichever way it is typed again
        copied = classroom.copy(course, tmp_path / f"taken-up-{force}", FEW)
        for mark in (course / "autograded").glob(".*.json"):
            shutil.copy(mark, copied / "autograded")
        crew = Known(judged)
        found = lines(copied, crew, force=force)
        assert sorted(crew.asked) == sorted(left)
        # One of them is in all its places; the others were filed, and cut off before their pages.
        assert found.pop(FEW[0]).state == "as before"
        assert found.pop("nothing-0").state == "not run"
        assert {found[student].state for student in redone if student in found} == {"finished"}
        assert {found[student].state for student in left} == {"graded"}
        assert not list((copied / "autograded").glob(".*"))
    again = Known(judged)
    lines(copied, again, force=True)
    assert sorted(again.asked) == sorted(FEW)


@pytest.mark.parametrize("loss", [BrokenProcessPool("gone"), BoxRefused("no room", "make some")])
def test_a_batch_stops_when_nothing_can_be_judged_any_more(tmp_path, judged, loss):
    course = classroom.course(tmp_path / "course", FEW)
    crew = Known(judged, {student: [loss] * 9 for student in FEW})
    with pytest.raises((WorkersLost, BoxRefused)):
        lines(course, crew)
    assert len(crew.asked) <= 2 * crew.slots * MOST_LOST
    assert sittings(course) == []


def test_a_locked_gradebook_is_waited_for_then_refused_and_nothing_is_judged_again(
    tmp_path, uninterrupted, judged
):
    course = classroom.course(tmp_path / "course", FEW[:2])
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with (
            at_work_while_locked(course, Known(judged), other) as batch,
            pytest.raises(GradebookRefused, match="locked") as refusal,
        ):
            list(batch.lines(FEW[:2]))
    assert "Another program" in refusal.value.cure
    assert classroom.rows(course) == {}
    assert len(sittings(course)) == 1
    crew = Known(judged)
    lines(course, crew, FEW[:2])
    assert len(crew.asked) == 1
    assert is_whole(course, uninterrupted, FEW[:2])


@contextlib.contextmanager
def at_work_while_locked(course, crew, other):
    """A batch that opened its gradebook before another program locked it."""
    other.rollback()
    with at_work(course, crew, patience=0.1) as batch:
        other.execute("BEGIN EXCLUSIVE")
        yield batch
        other.rollback()


def test_a_full_disk_leaves_the_gradebook_as_it_was(tmp_path, uninterrupted, judged):
    course = classroom.course(tmp_path / "course", FEW)
    with at_work(course, Known(judged)) as batch:
        engine = batch._filing._book._gradebook.engine
        event.listen(engine, "connect", _no_more_pages)
        engine.dispose()
        with pytest.raises(GradebookRefused, match="full") as refusal:
            list(batch.lines(FEW))
    assert "Free some space" in refusal.value.cure
    rows, wanted = classroom.rows(course), classroom.rows(uninterrupted)
    assert len(rows) < len(FEW)
    assert rows == {student: wanted[student] for student in rows}
    lines(course, Known(judged))
    assert is_whole(course, uninterrupted)


def _no_more_pages(connection, record):
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


@pytest.mark.parametrize("place", ["autograded", "feedback", "verdicts.db"])
def test_no_room_for_files_stops_the_batch_with_nothing_half_written(
    tmp_path, uninterrupted, judged, monkeypatch, place
):
    course = classroom.course(tmp_path / "course", FEW)
    with monkeypatch.context() as patch, at_work(course, Known(judged)) as batch:
        if place == "verdicts.db":
            engine = batch._desk.ledger._engine
            event.listen(engine, "connect", _no_more_pages)
            engine.dispose()
        else:
            _no_room_in(patch, place)
        with pytest.raises(FilingRefused, match="cannot be written") as refusal:
            list(batch.lines(FEW))
    assert "what is graded already stays graded" in refusal.value.cure
    lines(course, Known(judged))
    assert is_whole(course, uninterrupted)


def _no_room_in(patch, place):
    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    if place == "autograded":
        patch.setattr(Path, "write_bytes", lambda path, content: full(path))
    else:
        patch.setattr(filings.files, "write", lambda path, content: full(path))


def test_without_a_sandbox_it_refuses_with_the_cure(tmp_path, monkeypatch):
    course = classroom.course(tmp_path / "course", FEW[:1])
    trial = probing.Trial(probing.Level.FULL, False, "no bubblewrap", "Install bubblewrap")
    monkeypatch.setattr(probing, "probe", lambda: probing.Report((trial,)))
    asked = ["grade", ASSIGNMENT, "--course", str(course), "--isolation", "auto"]
    with pytest.raises(BoxRefused) as refusal:
        app(asked, standalone_mode=False)
    assert "no bubblewrap" in refusal.value.what
    assert "Install bubblewrap" in refusal.value.cure
    assert not (course / "autograded").exists()


def test_grading_without_isolation_is_said_in_every_verdict_and_in_the_feedback(tmp_path, typed):
    course = classroom.course(tmp_path / "course", FEW[:1])
    said = typed(course, "--isolation", "none")
    assert "Graded without isolation" in said
    desk = Desk.at(course)
    assert {row.isolation for row in desk.ledger.latest(ASSIGNMENT)} == {"none"}
    desk.close()
    page = classroom.page(course, FEW[0])
    assert page.count("Graded without isolation") == len(classroom.POINTS)


def test_gpu_jobs_without_a_gpu_says_so(tmp_path, monkeypatch):
    course = classroom.course(tmp_path / "course", FEW[:1])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(CannotGrade, match="torch finds none here"):
        app(
            ["grade", ASSIGNMENT, "--course", str(course), "--gpu-jobs", "1"], standalone_mode=False
        )


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--jobs", "2", "--gpu-jobs", "1"), "--gpu-jobs on the GPU"),
        (("--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"), "--scheduler judges on others"),
        (("--gpu-jobs", "2", "--scheduler", "tcp://127.0.0.1:1"), "--scheduler judges on others"),
    ],
)
def test_two_flags_that_say_how_many_at_once_are_refused(flags, why):
    with pytest.raises(CannotGrade, match=why):
        app(["grade", ASSIGNMENT, *flags], standalone_mode=False)


def test_gpu_jobs_bounds_how_many_submissions_use_the_gpu_at_once(tmp_path, judged, monkeypatch):
    course = classroom.course(tmp_path / "course", FEW)
    crews = []

    def crew(jobs):
        crews.append(Known(judged))
        crews[-1].slots = jobs
        return crews[-1]

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("grader.judge.batch.workers.Workers", crew)
    monkeypatch.setattr("grader.judge.batch.desk.Desk.close", lambda desk: devices.append(desk))
    devices = []
    with contextlib.suppress(SystemExit):
        app(["grade", ASSIGNMENT, "--course", str(course), "--gpu-jobs", "3"])
    assert [one.slots for one in crews] == [3]
    assert {desk.grading.device for desk in devices} == {"cuda"}


def test_the_report_lists_what_was_put_right_and_json_says_it_all(graded_class, tmp_path, typed):
    report = json.loads((graded_class / "said.json").read_text())
    found = {line["student"]: line for line in report["submissions"]}
    assert (
        found["honest-00"] | {"score": 25.0, "points": 38.0, "state": "graded"}
        == (found["honest-00"])
    )
    assert found["honest-00"]["plain"] == ["triple", "count"]
    assert found["honest-00"]["by_hand"] is True
    assert any("had been changed" in said for said in found["edited_tests-0"]["repairs"])
    assert any("exited with status 0" in said for said in found["exits-0"]["incidents"])
    course = classroom.course(tmp_path / "course", ["edited_tests-0", "exits-0"])
    said = typed(course, "--students", "edited_tests-0,exits-0")
    assert "edited_tests-0 · 21 of 38" in said
    assert "  put right: triple: The text of this cell is the instructor's" in said
    assert "  happened: Cell" in said
    assert "2 graded" in said
    assert "Scores from 17 to 21 of 38, median 19." in said
    assert "2 submissions hold answers that a person grades" in said
    assert f"Feedback is written: feedback/STUDENT/{ASSIGNMENT} has the pages." in said
    assert "forge them: count, triple" in said


NEED_YOU = {
    "broken_json-0": "nothing ran: The notebook cannot be read, since its JSON is broken",
    "empty-0": "nothing ran: The notebook cannot be read, since the file is empty",
    "endless-0": "out of time: Cell 6: A call of edge_products ran too long.",
    "left_in-0": "missing package: There is no package no_such_package where submissions run.",
    "nothing-0": "nothing ran: There is no mixed.ipynb: nothing was run. There lies notes.txt.",
    "solved_copy-0": "a copy holds answers: mixed.ipynb holds no answer, and mixed-Copy1.ipynb",
}
"""Who of the class needs a person, and how what is said begins."""


def test_grading_ends_with_what_needs_a_person_and_only_what_ran_is_graded(graded_class):
    report = json.loads((graded_class / "said.json").read_text())
    needs = {one["student"]: f"{one['cause']}: {one['sentence']}" for one in report["need_you"]}
    assert needs.keys() == NEED_YOU.keys()
    assert len(report["need_you"]) == len(needs)
    for student, said in needs.items():
        assert said.startswith(NEED_YOU[student])
    everybody = len(report["submissions"])
    assert report["counts"] == {"graded": everybody - 3, "not run": 3}
    lines = {line["student"]: line for line in report["submissions"]}
    assert lines["nothing-0"]["repairs"] == []
    assert any("ran too long" in said for said in lines["endless-0"]["incidents"])


def test_what_needs_a_person_is_told_again_until_it_is_seen_to(graded_class, tmp_path, typed):
    students = [*NEED_YOU, *FEW[:4]]
    course = classroom.copy(graded_class, tmp_path / "course", students)
    (course / "submitted" / "honest-00").rename(course / "submitted" / "honset-00")
    said = typed(course, status=NEED_A_PERSON)
    assert "9 as before, 1 not graded" in said
    last = said.partition("7 need you:\n")[2].splitlines()
    told = [line for line in last if line.startswith("  ")]  # without the bar, on stderr
    assert len(told) == 7
    for student, words in NEED_YOU.items():
        assert any(f"{student}" in line and words in line for line in told)
    (slip,) = (line for line in told if "honset-00 · unknown student: No student" in line)
    assert "Is it honest-00?" in slip
    assert "honset-00" not in classroom.rows(course)
    assert "need you" not in typed(course, "--students", "honest-01")


def test_who_is_nobody_in_the_class_becomes_a_student_when_asked_for(tmp_path, judged):
    course = classroom.course(tmp_path / "course", FEW[:2])
    crew = Known(judged)
    with at_work(course, crew, strangers={FEW[0]: "No student is called so."}) as batch:
        found = {line.student: line for line in batch.lines(FEW[:2])}
    assert (found[FEW[0]].state, found[FEW[0]].reason) == (
        "not graded",
        "No student is called so.",
    )
    assert crew.asked == [FEW[1]]
    assert classroom.rows(course).keys() == {FEW[1]}
    assert lines(course, crew, FEW[:2])[FEW[0]].state == "graded"


@pytest.mark.parametrize("lack", ["nothing", "a secret", "every secret", "an exchange"])
def test_only_a_command_that_works_hands_feedback_out(graded_class, tmp_path, lack):
    course = classroom.copy(graded_class, tmp_path / "course", FEW[:2])
    for student in FEW[:2]:
        if not (lack == "every secret" or (lack == "a secret" and student == FEW[0])):
            secret = course / "feedback" / student / ASSIGNMENT / "submission_secret.txt"
            secret.write_text(student)
    if lack != "an exchange":
        (tmp_path / "exchange").mkdir()
        (tmp_path / "exchange").chmod(0o777)
    with (course / "nbgrader_config.py").open("a") as settings:
        settings.write(f"c.Exchange.root = {str(tmp_path / 'exchange')!r}\n")
    desk = Desk.at(course)
    said = " ".join(handing_out(desk, ASSIGNMENT))
    desk.close()
    command = re.search(r"nbgrader (release_feedback .*) hands it out", said)
    if lack in ("every secret", "an exchange"):
        assert command is None
        assert f"feedback/STUDENT/{ASSIGNMENT} has the pages" in said
    else:
        done = forked("nbgrader", *shlex.split(command[1]), cwd=course)
        assert done.returncode == 0, done.stdout
        released = list((tmp_path / "exchange").rglob("*.html"))
        assert len(released) == (2 if lack == "nothing" else 1)
    assert (FEW[0] in said) == ("secret" in lack)


def test_a_student_who_handed_in_nothing_cannot_be_asked_for(tmp_path, typed):
    course = classroom.course(tmp_path / "course", FEW[:1])
    said = typed(course, "--students", "nobody", status=1)
    assert f"There is no submission of {ASSIGNMENT} by nobody." in said


@contextlib.contextmanager
def cluster(folder):
    """The address of a Dask scheduler on loopback with two workers, all processes of their own."""
    from distributed import Client

    address = folder / "scheduler.json"
    common = {"env": environment(OMP_NUM_THREADS="1"), "stderr": subprocess.STDOUT}
    with contextlib.ExitStack() as ending, (folder / "log").open("wb") as log:

        def begin(*argv):
            command = [sys.executable, "-m", "dask", *argv]
            process = subprocess.Popen(command, cwd=folder, stdout=log, **common)
            ending.callback(process.wait)
            ending.callback(process.terminate)

        alone = "--host", "127.0.0.1", "--no-dashboard"
        begin("scheduler", "--port", "0", "--scheduler-file", str(address), *alone)
        for name in ("one", "other"):
            begin(
                "worker", "--scheduler-file", str(address), "--name", name, "--nthreads", "1",
                "--no-nanny", *alone, "--local-directory", str(folder / name),
            )  # fmt: skip
        until(address.exists, "a scheduler")
        with Client(scheduler_file=str(address), timeout=300) as client:
            client.wait_for_workers(2, timeout=300)
        yield json.loads(address.read_text())["address"]


def test_a_dask_cluster_gives_the_same_grades_and_a_worker_killed_costs_nobody_one(
    tmp_path, uninterrupted, command
):
    course = classroom.course(tmp_path / "course", FEW)
    first = FEW[:3]
    with cluster(tmp_path) as scheduler:
        asked = "--course", course, "--scheduler", scheduler, "--students", ",".join(first)
        status, said = command("grade", ASSIGNMENT, *asked)
        assert status == 0, said
        assert is_whole(course, uninterrupted, first)
        running = start(course, "--scheduler", scheduler)
        until_graded(running, course, len(first) + 1)
        workers = {one.pid: one for one in walls_in(psutil.Process()) if one.pid != os.getpid()}
        workers[min(workers)].kill()
        let_file(course, len(FEW))
        said, _ = running.communicate(timeout=300)
        assert running.returncode == NEED_A_PERSON, said
        assert b"happened" not in said, said
    assert is_whole(course, uninterrupted)


def test_a_scheduler_that_is_not_there_is_refused(tmp_path, command, monkeypatch):
    course = classroom.course(tmp_path / "course", FEW[:1])
    monkeypatch.setattr("grader.judge.batch.cluster._SECONDS_TO_CONNECT", 0.5)
    asked = "--course", course, "--scheduler", "tcp://127.0.0.1:1"
    status, said = command("grade", ASSIGNMENT, *asked)
    assert status == 1
    assert "The scheduler at tcp://127.0.0.1:1 does not answer" in said
