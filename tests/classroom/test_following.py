"""Followed, an exchange loses nothing and grades nothing twice, whoever is killed and whenever."""

import json
import multiprocessing
import os
import shutil
from functools import partial

import pytest
from nbgrader.utils import notebook_hash

from grader.classroom import following
from grader.classroom.folder import lay_exchange
from grader.classroom.following import AlreadyFollowed, NoExchange, alone
from grader.cli import follow as following_command
from grader.cli.follow import follow
from grader.cli.grade import judging_for
from grader.judge.batch.desk import Desk
from grader.judge.books.ledger import Ledger
from tests.fixtures import classroom
from tests.fixtures.classroom import ASSIGNMENT


class Class:
    """A class with an exchange: `hand_in`, `look` so many times, and what became of it."""

    def __init__(self, folder):
        self.folder = classroom.course(folder / "course", [])
        self.exchange = folder / "exchange"
        lay_exchange(self.exchange, "autograd-course")
        self.count = 0
        with (self.folder / "nbgrader_config.py").open("a") as settings:
            settings.write(
                f"c.Exchange.root = {str(self.exchange)!r}\n"
                'c.ExchangeFactory.collect = "grader.classroom.collecting.Collect"\n'
                "c.ExchangeCollect.check_owner = False\n"
            )

    def hand_in(self, student, kind="honest"):
        """What `nbgrader submit` leaves in the exchange; the name of its page there."""
        classroom.hand_in(self.folder, f"{kind}-0")
        laid = self.folder / "submitted" / f"{kind}-0"
        self.count += 1
        secret = f"secret-{self.count}"
        (laid / ASSIGNMENT / "submission_secret.txt").write_text(secret)
        name = f"{student}+{ASSIGNMENT}+2026-01-10 09:00:0{self.count} UTC+x{self.count}"
        shutil.move(laid / ASSIGNMENT, self.exchange / "autograd-course" / "inbound" / name)
        laid.rmdir()
        return f"{notebook_hash(secret=secret, notebook_id=ASSIGNMENT)}.html"

    def look(self, times=2, tries=None, during=lambda number: None):
        """Follow for so many looks. What is handed in is taken at the second that sees it."""
        desk = Desk.at(self.folder)
        seen = []

        def wait():
            seen.append(None)
            during(len(seen))
            return len(seen) < times

        judging = partial(judging_for, desk, 1)
        follow(desk, judging, lambda: [ASSIGNMENT], tries, wait=wait)

    def released(self):
        return {path.name for path in self.exchange.glob("*/feedback/*.html")}

    def graded(self):
        """How often each was graded."""
        ledger = Ledger(f"sqlite:///{self.folder}/verdicts.db")
        rows = [row.student for row in ledger.sittings(ASSIGNMENT)]
        ledger.close()
        return {student: rows.count(student) for student in rows}

    def points(self):
        rows = classroom.rows(self.folder)
        return {student: rows[student]["score"] for student in rows}


@pytest.fixture
def followed(tmp_path, here):
    return Class(tmp_path)


def test_what_arrives_is_graded_once_and_its_feedback_handed_out(followed, capsys):
    pages = {followed.hand_in("ada"), followed.hand_in("bob", "first_path_only")}
    late = set()

    def during(number):
        if number == 2:
            late.add(followed.hand_in("ada", "first_path_only"))

    followed.look(5, during=during)
    assert followed.graded() == {"ada": 2, "bob": 1}
    assert followed.released() == pages | late
    assert followed.points()["ada"] == followed.points()["bob"] < 25
    said = capsys.readouterr().out
    assert said.count("feedback handed out") == 3
    followed.look(3)  # begun anew
    assert followed.graded() == {"ada": 2, "bob": 1}
    assert "feedback" not in capsys.readouterr().out


def test_with_tries_the_first_so_many_are_graded_in_their_order(followed, capsys):
    first, second = followed.hand_in("ada", "first_path_only"), followed.hand_in("ada")
    followed.hand_in("ada", "first_path_only")
    followed.look(6, tries=2)
    assert followed.graded() == {"ada": 2}
    assert followed.released() == {first, second}
    assert followed.points()["ada"] == 25
    assert capsys.readouterr().out.count("handed in once more, after 2 tries") == 1
    followed.look(2)  # without tries the last one counts
    assert followed.graded() == {"ada": 3}


@pytest.mark.parametrize("step", ["collected", "graded"])
def test_who_is_killed_after_a_step_goes_on_there(followed, monkeypatch, step):
    page = followed.hand_in("ada")

    def killed(*unused, **named):
        raise SystemError("killed here")

    with monkeypatch.context() as patched:
        if step == "collected":
            patched.setattr(following_command, "_grade", killed)
            patched.setattr(following_command, "_grade_alone", killed)
        else:
            patched.setattr(following.Arrivals, "release", killed)
            patched.setattr(following_command, "_grade_alone", killed)
        with pytest.raises(SystemError):
            followed.look(2)
    assert (followed.folder / "submitted" / "ada").is_dir()
    assert followed.released() == set()
    followed.look(2)
    assert followed.graded() == {"ada": 1}
    assert followed.released() == {page}


def test_what_is_half_written_waits_until_it_is_whole(followed):
    followed.hand_in("ada")
    (place,) = followed.exchange.glob("*/inbound/*")

    def during(number):
        if number <= 3:
            (place / "more.csv").write_text("1," * number)

    followed.look(4, during=during)
    assert not (followed.folder / "submitted" / "ada").exists()
    followed.look(2)
    assert followed.graded() == {"ada": 1}


def test_what_cannot_be_graded_costs_nobody_else_theirs(followed, capsys, monkeypatch):
    page = followed.hand_in("ada")
    followed.hand_in("bob")
    place = Desk.place

    def strange(desk, assignment, student):
        if student == "bob":
            raise RuntimeError("strange")
        return place(desk, assignment, student)

    monkeypatch.setattr(Desk, "place", strange)
    os.mkdir(os.fsencode(followed.exchange / "autograd-course" / "inbound") + b"/x+mixed+\xff")
    os.mkdir(followed.exchange / "autograd-course" / "inbound" / f"..+{ASSIGNMENT}+2026+x")
    followed.look(2)
    graded = followed.graded()
    assert "bob" not in graded
    assert graded["ada"] == 1
    assert page in followed.released()
    assert "bob · not graded: RuntimeError: strange" in capsys.readouterr().out
    assert not (followed.folder / "submitted" / "..").is_symlink()


def test_what_nbgraders_own_collect_brought_is_not_taken_again(followed, command):
    page = followed.hand_in("ada")
    settings = followed.folder / "nbgrader_config.py"
    own = [line for line in settings.read_text().splitlines() if "c.ExchangeFactory" not in line]
    settings.write_text("\n".join(own) + "\n")
    (laid,) = followed.exchange.glob("*/inbound/*")
    shutil.copytree(laid, followed.folder / "submitted" / "ada" / ASSIGNMENT)
    assert command("grade", ASSIGNMENT, "--course", followed.folder)[0] == 0
    followed.look(3)
    assert followed.graded() == {"ada": 1}
    assert followed.released() == {page}
    followed.hand_in("ada", "first_path_only")
    followed.look(3)
    assert followed.graded() == {"ada": 2}


def test_without_a_submissions_secret_it_is_graded_and_the_page_stays(followed, capsys):
    followed.hand_in("ada")
    followed.hand_in("bob")
    for secret in followed.exchange.glob("*/inbound/*/submission_secret.txt"):
        secret.unlink()
    followed.look(3)
    assert followed.graded() == {"ada": 1, "bob": 1}
    assert followed.released() == set()
    assert capsys.readouterr().out.count("feedback cannot be handed out") == 1


def test_feedback_lies_where_the_client_seeks_it_and_is_else_told_as_out_of_reach(followed, capsys):
    followed.hand_in("ada")
    (ada,) = followed.exchange.glob("*/inbound/ada+*")
    (ada / f"{ASSIGNMENT}.ipynb").rename(ada / "my work.ipynb")
    followed.hand_in("bob")
    (bob,) = followed.exchange.glob("*/inbound/bob+*")
    (bob / f"{ASSIGNMENT}.ipynb").unlink()
    followed.look(2)
    assert f"{notebook_hash(secret='secret-1', notebook_id='my work')}.html" in followed.released()
    said = capsys.readouterr().out
    assert said.count("feedback handed out") == 1
    assert "bob cannot fetch the feedback" in said
    assert "not run · late · needs you: nothing ran: There is no" in " ".join(said.split())
    page = followed.folder / "feedback" / "bob" / ASSIGNMENT / f"{ASSIGNMENT}.html"
    assert "was handed in: nothing was run." in page.read_text()
    assert "Not run: the notebook begins with the reason." in page.read_text()
    assert "Not attempted yet" not in page.read_text()


def test_what_was_laid_there_by_hand_is_set_aside_and_told(followed, capsys):
    followed.hand_in("ada")
    place = followed.folder / "submitted" / "ada" / ASSIGNMENT
    place.mkdir(parents=True)
    (place / "by hand.txt").write_text("kept")
    followed.look(2)
    aside = followed.folder / "set_aside" / "submitted" / "ada" / ASSIGNMENT
    assert (aside / "by hand.txt").read_text() == "kept"
    assert "it was set aside, in set_aside" in capsys.readouterr().out
    followed.hand_in("ada", "first_path_only")
    followed.look(2)
    assert "set aside" not in capsys.readouterr().out


def test_where_there_is_no_exchange_it_says_so_and_ends(followed, command):
    shutil.rmtree(followed.exchange)
    for typed in (("grade", ASSIGNMENT, "--follow"), ("class", "follow")):
        status, said = command(*typed, "--course", followed.folder)
        assert status == 1
        assert "There is no exchange with submissions" in said
    with pytest.raises(NoExchange):
        followed.look()


def hold(folder, held, ended):
    with alone(folder, ASSIGNMENT):
        held.set()
        ended.wait(300)


def test_the_second_who_follows_says_so_and_ends_and_a_killed_one_holds_nobody(followed, command):
    fork = multiprocessing.get_context("fork")
    held, ended = fork.Event(), fork.Event()
    first = fork.Process(target=hold, args=(followed.folder, held, ended))
    first.start()
    assert held.wait(300)
    status, said = command("grade", ASSIGNMENT, "--follow", "--course", followed.folder)
    assert status == 1
    assert f"is followed already, by process {first.pid} of" in said
    with pytest.raises(AlreadyFollowed):
        followed.look()
    first.kill()
    first.join()
    followed.look(1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--tries", "2"), "--tries counts what arrives"),
        (("--follow", "--force"), "grades what arrives, of everybody and once"),
        (("--follow", "--students", "ada"), "grades what arrives, of everybody and once"),
    ],
)
def test_options_that_do_not_go_together_are_refused(followed, command, options, told):
    status, said = command("grade", ASSIGNMENT, "--course", followed.folder, *options)
    assert status == 1
    assert told in said


def test_a_line_for_a_program_says_whether_feedback_was_handed_out(followed, capsys, monkeypatch):
    followed.hand_in("ada")
    desk = Desk.at(followed.folder)
    left = iter((True, True, False))
    follow(
        desk,
        partial(judging_for, desk, 1),
        lambda: [ASSIGNMENT],
        None,
        as_json=True,
        wait=lambda: next(left),
    )
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith("{")]
    found = json.loads(line)
    assert (found["student"], found["state"], found["score"]) == ("ada", "graded", 25)
    assert found["feedback_released"] is True
