"""Review in a notebook: today's questions asked anew, today's exercises from their start."""

import functools
import json
import re
from datetime import timedelta

import nbformat
import pytest

from course.questions import ask, by_chapter
from course.quiz import Choice, Order
from course.review import review
from grader.notebook.folder import again, workspace
from grader.notebook.record import records
from grader.notebook.texts import places
from grader.start.reviewing import lay_notebook
from tests.conftest import ROOT
from tests.fixtures.lesson_texts import made
from tests.fixtures.today import TODAY, stand_still

DAY = f"{TODAY.day} {TODAY:%B}"
GRAPHS = places.exercises("01-graphs")


@functools.cache
def the_course():
    """Every file of a workspace, made once."""
    return dict(workspace.offers(ROOT))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A workspace that one is in, and a record of one's own."""
    stand_still(monkeypatch)
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path / "record"))
    offered = the_course()
    own = [place for place in offered if "01-graphs" in place.name or "00-" in place.name]
    workspace.lay({place: offered[place] for place in own}, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wrong_yesterday(folder, *names):
    """A record in which these went wrong a day ago."""
    turned = {"review": {"stage": 0, "due": TODAY.isoformat()}}
    record = {
        "version": 2,
        "exercises": {name: turned for name in names if "-" not in name},
        "questions": {name: turned for name in names if "-" in name},
    }
    (folder / "record").mkdir(exist_ok=True)
    (folder / "record" / "record.json").write_text(json.dumps(record))


def test_nothing_is_asked_where_nothing_went_wrong(folder):
    said = f"Nothing is due today, {DAY}. What goes wrong from now on comes back here."
    assert str(review()) == said


def test_questions_are_asked_anew_and_exercises_laid_from_their_start(folder):
    wrong_yesterday(folder, "two-paths", "two_path_grad")
    mine = (folder / GRAPHS).read_bytes()
    found = review()
    [(asked, question)] = found.questions
    assert question.id == "two-paths"
    assert question.source != made("two-paths").source
    number = by_chapter()["graphs"].index("two-paths") + 1
    assert asked.title.startswith("1 Computation graphs")
    assert asked.said == f"question {number}"
    [(step, link)] = found.exercises
    assert (step.name, link) == ("two_path_grad", f"review/{TODAY}-two_path_grad.ipynb")
    laid = nbformat.read(folder / link, 4)
    nbformat.validate(laid)
    sources = [cell.source for cell in laid.cells]
    assert sources[0].startswith(f"# Review of {DAY}")
    assert f"Your earlier answer is kept in [its notebook](../{GRAPHS})." in sources[0]
    assert "review.ipynb" not in sources[0]  # which a server lays
    assert "from grader import check" in sources[1]
    assert sources[2].startswith("## 1. Two paths")
    assert "raise NotImplementedError()" in sources[3]
    assert sources[4:] == ['check("two_path_grad", two_path_grad)']
    assert all(cell.metadata == {} for cell in laid.cells)
    assert (folder / GRAPHS).read_bytes() == mine
    assert "about 7 minutes" in str(found)


def test_what_was_begun_the_same_day_stays(folder):
    wrong_yesterday(folder, "two_path_grad")
    [(_, link)] = review().exercises
    (folder / link).write_text("mine")
    assert review().exercises[0][1] == link
    assert (folder / link).read_text() == "mine"


def test_an_answer_in_the_review_is_one_of_the_record(folder):
    wrong_yesterday(folder, "two-paths")
    [(_, question)] = review().questions
    question.widget().commit(question.outcome.text)
    assert review().questions == ()
    assert records.turns()["question:two-paths"].due == TODAY + timedelta(3)


def test_links_of_an_exercise_lead_where_they_led_before(folder):
    page = re.compile(r"\]\(((?!https?:)[^)\s#]+)")
    lay_notebook(folder)
    for chapter in sorted((ROOT / "exercises").iterdir()):
        release = nbformat.read(chapter / f"{chapter.name}.ipynb", 4)
        before = {link for cell in release.cells for link in page.findall(cell.source)}
        known = {(folder / places.exercises(chapter.name)).parent / link for link in before}
        targets = {target.resolve() for target in known}
        for cell in release.cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                place = again.lay(folder, chapter.name, cell.id, TODAY)
                if place is None:  # a written answer is no exercise with a check
                    continue
                laid = nbformat.read(folder / place, 4)
                first, *others = laid.cells
                for link in page.findall(first.source):
                    assert (folder / place.parent / link).is_file()
                for link in (link for one in others for link in page.findall(one.source)):
                    assert (folder / place.parent / link).resolve() in targets


def test_every_exercise_of_the_course_can_begin_again(folder):
    from grader.engine.outline import outline

    for entry in outline():
        place = again.lay(folder, entry.chapter, entry.id, TODAY)
        laid = nbformat.read(folder / place, 4)
        code = [cell.source for cell in laid.cells if cell.cell_type == "code"]
        assert any(f'check("{entry.id}"' in source for source in code)
        assert any("YOUR CODE HERE" in source for source in code)


def test_a_class_server_names_where_releases_lie(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_RELEASES", str(tmp_path / "outbound"))
    wrong_yesterday(folder, "two_path_grad")
    [(step, link)] = review().exercises
    assert link == f"{GRAPHS}#cell-id={step.cell}"  # not handed out yet: where it stands
    chapter = tmp_path / "outbound" / "01-graphs"
    chapter.mkdir(parents=True)
    release = (ROOT / "exercises/01-graphs/01-graphs.ipynb").read_bytes()
    (chapter / "01-graphs.ipynb").write_bytes(release)
    assert review().exercises[0][1].startswith("review/")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"cells": 5}', b'{"cells": [{}]}'])
def test_a_damaged_release_costs_no_review(folder, tmp_path, monkeypatch, content):
    chapter = tmp_path / "outbound" / "01-graphs"
    chapter.mkdir(parents=True)
    (chapter / "01-graphs.ipynb").write_bytes(content)
    monkeypatch.setenv("AUTOGRAD_COURSE_RELEASES", str(tmp_path / "outbound"))
    wrong_yesterday(folder, "two_path_grad")
    assert review().exercises[0][1].startswith(str(GRAPHS))


def test_it_is_shown_in_a_notebook_with_links(folder, capsys):
    wrong_yesterday(folder, "two_path_grad")
    review()._ipython_display_()
    said = capsys.readouterr().out
    assert f"Due today, {DAY}: about 6 minutes." in said
    assert f"1. Two paths, 6 minutes: review/{TODAY}-two_path_grad.ipynb" in said


# every question of the course


def test_every_question_can_be_asked_another_time():
    for name in (name for names in by_chapter().values() for name in names):
        asked = made(name)
        again_asked = ask(name, fresh=20_000)
        assert again_asked.id == asked.id
        assert type(again_asked) is type(asked)
        if isinstance(asked, Choice):
            assert len(again_asked.options) == len(asked.options)
        elif isinstance(asked, Order):
            assert sorted(again_asked.shuffled()) == sorted(asked.shuffled())
