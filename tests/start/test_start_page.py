"""The start page: where the learner is, what comes next and back, and a way to everything."""

import base64
import contextlib
import hashlib
import html
import html.parser
import json
import re
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import nbformat
import psutil
import pytest
import urllib3

from grader.diagnosis.verdict import Outcome, Verdict
from grader.engine.outline import outline
from grader.notebook.folder import workspace
from grader.notebook.folder.contents import contents, workspace_above
from grader.notebook.folder.whereabouts import State, whereabouts
from grader.notebook.progress import progress
from grader.notebook.record import records
from grader.notebook.texts import places
from grader.start.page import policy, start_page
from grader.start.reviewing import NOTEBOOK, lay_notebook
from tests.conftest import ROOT, environment
from tests.fixtures.today import TODAY, stand_still

RIGHT = Verdict("two_path_grad", Outcome.RIGHT, 1.0)
START = places.lesson("00-start-here")
GRAPHS = places.exercises("01-graphs")


@pytest.fixture(scope="session")
def laid(tmp_path_factory):
    """A workspace as the course lays it."""
    folder = tmp_path_factory.mktemp("workspace")
    workspace.build(ROOT, folder)
    return folder


@pytest.fixture(autouse=True)
def record(tmp_path, monkeypatch):
    """A record of the test's own."""
    stand_still(monkeypatch)
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path / "record"))
    return tmp_path / "record" / "record.json"


def step(folder, name):
    return next(one for one in whereabouts(folder, TODAY).steps if one.name == name)


def text_of(page):
    """The words of a page."""
    body = page.partition("<body>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def links(page):
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', page)]


def test_every_lesson_and_exercise_is_there_with_a_link_that_leads_to_its_cell(laid):
    page = start_page(laid, "/base/")
    steps = whereabouts(laid, TODAY).steps
    lessons = [one for one in steps if not one.points]
    assert len(lessons) == len(list((ROOT / "course" / "lessons").glob("*.md")))
    assert len(steps) - len(lessons) == len(outline())
    for one in steps:
        assert one.title in text_of(page)
        assert (laid / one.place).is_file()
        if one.points:
            cells = nbformat.read(laid / one.place, 4).cells
            at = next(at for at, cell in enumerate(cells) if cell.id == one.cell)
            assert one.title in cells[at].source.splitlines()[0]
            after = [cell.id for cell in cells[at:]]
            assert f"{one.name}_answer" in after[:4]
    inside = [link for link in links(page) if link != "/base/lab"]
    assert len(inside) == len(steps) + 1  # and what to begin with
    assert all(link.startswith("/base/lab/tree/") for link in inside)


def test_a_chapter_has_the_title_of_its_first_part_which_stands_before_the_second(laid):
    parts = whereabouts(laid, TODAY).parts
    two = [[one.name for one in part.lessons] for part in parts if len(part.lessons) > 1]
    assert ["01-graphs", "01-graphs-2"] in two
    assert all(second == f"{first}-2" for first, second in two)
    assert all(part.title == part.lessons[0].title for part in parts if part.lessons)
    for question in ("start-predict", "start-choose", "start-order"):
        records.answered(question, "an answer", True)
    first = step(laid, "01-graphs")
    assert f"Continue with {first.title}" in text_of(start_page(laid, "/"))


def test_at_first_one_begins_with_the_first_lesson_and_nothing_comes_back(laid):
    page = start_page(laid, "/")
    assert "Begin with 0 Start here" in text_of(page)
    assert "review" not in text_of(page)
    assert links(page)[0] == f"/lab/tree/{START}"


def test_one_goes_on_from_where_one_was_and_not_from_the_beginning(laid):
    records.remember(Verdict("edge_products", Outcome.WRONG, 0.5))
    said = text_of(start_page(laid, "/"))
    assert "You were at 2. Products along edges : wrong so far (50%)" in said
    assert "Continue with 2. Products along edges" in said
    records.remember(Verdict("edge_products", Outcome.RIGHT, 1.0))
    assert "Continue with 3. Walk the graph" in text_of(start_page(laid, "/"))


def test_a_review_of_what_was_long_ago_does_not_move_where_one_is(laid, record):
    wrong_since(record, 2, "two-paths", "two_path_grad")
    records.remember(Verdict("train_step", Outcome.RIGHT, 1.0))
    here = whereabouts(laid, TODAY).here
    records.answered("two-paths", "5", True)
    records.remember(RIGHT)
    assert whereabouts(laid, TODAY).here == here
    assert here.name == "train_step"


def test_after_the_last_exercise_one_goes_on_with_what_is_open_before(laid):
    last = whereabouts(laid, TODAY).steps[-1]
    records.remember(Verdict(last.name, Outcome.RIGHT, 1.0))
    assert whereabouts(laid, TODAY).next.name == "00-start-here"


def test_a_lesson_counts_its_questions_and_is_taken_up_at_the_first_open_one(laid):
    lesson = next(one for one in contents(laid)[0].lessons if one.name == "00-start-here")
    (first, _), (second, cell), *others = lesson.questions
    assert step(laid, "00-start-here").said == f"0 of {len(lesson.questions)} questions answered"
    records.answered(first, "3", True)
    begun = step(laid, "00-start-here")
    assert (begun.state, begun.cell) == (State.BEGUN, cell)
    assert whereabouts(laid, TODAY).here == begun
    for question in (second, *(name for name, _ in others)):
        records.answered(question, "3", False)
    assert step(laid, "00-start-here").state is State.DONE
    assert whereabouts(laid, TODAY).next.name != "00-start-here"


def test_the_questions_of_a_lesson_are_those_that_its_text_asks(laid):
    for chapter in contents(laid):
        for lesson in chapter.lessons:
            text = (ROOT / "course" / "lessons" / f"{lesson.name}.md").read_text()
            asked = re.findall(r'^ask\("([^"]+)"\)', text, re.M)
            assert [name for name, _ in lesson.questions] == asked


def wrong_since(record, days, *names):
    """A record in which these were wrong some days ago."""
    due = (TODAY - timedelta(days - 1)).isoformat()
    turned = {"review": {"stage": 0, "due": due}}
    asked = {"first": {"said": "3", "right": False}}
    exercises = {name: {"credit": 0.5} | turned for name in names if "-" not in name}
    questions = {name: asked | turned for name in names if "-" in name}
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps({"version": 2, "exercises": exercises, "questions": questions}))


def test_what_was_wrong_is_reviewed_for_at_most_ten_minutes(laid, record):
    wrong_since(record, 2, "two-paths", "two-branches", "two_path_grad", "edge_products")
    found = whereabouts(laid, TODAY).review
    assert sum(one.minutes for one in found) <= 10
    assert {one.name for one in found} == {
        "question:two-paths",
        "question:two-branches",
        "two_path_grad",
    }
    page = start_page(laid, "/")
    assert "To review today: 8 minutes" in text_of(page)
    assert f"/lab/tree/{NOTEBOOK}" in links(page)
    records.answered("two-paths", "5", True)
    assert "To review today: 7 minutes" in text_of(start_page(laid, "/"))


def test_an_exercise_longer_than_a_day_takes_the_day(laid, record):
    long = max(whereabouts(laid, TODAY).steps, key=lambda one: one.minutes * bool(one.points))
    assert long.minutes > 10
    wrong_since(record, 2, long.name)
    assert [one.minutes for one in whereabouts(laid, TODAY).review] == [10]


def test_on_a_students_side_it_links_to_what_is_there(laid, tmp_path):
    """Lessons are laid, and an exercise's notebook is there once it was fetched."""
    home = tmp_path / "home"
    lessons = {place: (laid / place).read_bytes() for place in lesson_places(laid)}
    workspace.lay(lessons, home)
    page = start_page(home, "/user/ada/")
    assert all(link.startswith("/user/ada/lab") for link in links(page))
    assert not any("exercises/" in link for link in links(page))
    assert "In a class you fetch them" in text_of(page)
    assert "1. Two paths 6 min" in " ".join(text_of(page).split())
    (home / GRAPHS).parent.mkdir(parents=True)
    (home / GRAPHS).write_bytes((ROOT / "exercises/01-graphs/01-graphs.ipynb").read_bytes())
    there = [link for link in links(start_page(home, "/user/ada/")) if str(GRAPHS) in link]
    assert len(there) == 9


def lesson_places(folder):
    return [
        path.relative_to(folder) for path in folder.glob(str(places.lesson("*")))
    ]  # as PurePath, which `lay` takes


def test_credit_for_visible_cases_alone_is_called_that(laid):
    records.remember(replace(RIGHT, unchecked=3))
    assert "visible cases right" in text_of(start_page(laid, "/"))
    assert "The judge" in text_of(start_page(laid, "/"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cells": [1, {"source": 5}]}', b"\xff"])
def test_a_notebook_that_cannot_be_read_costs_its_links_and_no_page(laid, tmp_path, content):
    folder = tmp_path / "damaged"
    workspace.lay({START: (laid / START).read_bytes(), GRAPHS: content}, folder)
    page = start_page(folder, "/")
    assert "0 Start here" in text_of(page)
    assert not any(str(GRAPHS) in link for link in links(page))


def test_a_notebooks_text_is_no_html_of_the_page(laid, tmp_path):
    folder = tmp_path / "hostile"
    cells = [nbformat.v4.new_markdown_cell("# <script>alert(1)</script>\" onclick='x'")]
    content = nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()
    workspace.lay({START: content}, folder)
    page = start_page(folder, "/")
    assert page.count("<script") == 1  # the page's own
    assert "&lt;script&gt;" in page


def test_an_empty_folder_has_a_page_too(tmp_path):
    assert "1. Two paths" in text_of(start_page(tmp_path, "/"))


def test_what_has_become_of_the_record_is_said_on_the_page(laid, record):
    record.parent.mkdir()
    record.write_text("damaged")
    assert "could not be read" in text_of(start_page(laid, "/"))
    assert "could not be read" not in text_of(start_page(laid, "/"))


class Outline(html.parser.HTMLParser):
    """Tags, ids and headings of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.labels = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.labels += [value for name, value in attrs if name == "aria-labelledby"]


def test_the_page_reads_without_its_one_script_and_asks_nobody_else(laid):
    page = start_page(laid, "/")
    outline = Outline()
    outline.feed(page)
    assert not {"img", "link", "iframe"} & set(outline.tags)
    assert "url(" not in page
    assert "http:" not in page
    assert "https:" not in page
    assert len(set(outline.ids)) == len(outline.ids)
    assert set(outline.labels) <= set(outline.ids)
    assert outline.tags.count("h1") == 1
    # What the page runs is what its policy allows, byte by byte.
    (source,) = re.findall(r"<script>(.*?)</script>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy()
    assert "default-src 'none'; " in policy()
    assert "connect-src 'self'; " in policy()


# progress() shows the same


def test_progress_shows_the_same_links_from_where_the_notebook_lies(laid, monkeypatch):
    for folder in (laid, laid / "lessons", (laid / GRAPHS).parent):
        monkeypatch.chdir(folder)
        page = progress()._repr_html_()
        found = [html.unescape(link) for link in re.findall(r"href='([^']*)'", page)]
        steps = whereabouts(laid, TODAY).steps
        assert len(found) == len(steps) + 1
        for link in found:
            path, _, cell = link.partition("#cell-id=")
            target = (folder / path).resolve()
            assert target.is_file()
            if cell:
                assert cell in [one.id for one in nbformat.read(target, 4).cells]


def test_progress_in_a_terminal_names_what_comes_next_and_back(laid, monkeypatch, record):
    monkeypatch.chdir(laid)
    wrong_since(record, 2, "two-paths")
    said = str(progress())
    assert said.startswith("Go on with: ")
    assert "To review today: one thing, about 1 minute: review()" in said
    assert re.search(r"○ not attempted +walk_graph \(10\)", said)
    assert re.search(r"○ 0 of 3 questions answered +0 Start here", said)


def test_the_command_says_of_the_courses_workspace_what_the_start_page_says(
    laid, tmp_path, monkeypatch, record, command
):
    wrong_since(record, 2, "two-paths")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for here, named in ((laid / "lessons", ()), (elsewhere, ("--workspace", laid))):
        monkeypatch.chdir(here)
        status, said = command("progress", *named)
        assert status == 0
        assert "To review today: one thing, about 1 minute: see the start page" in said
        assert "review()" not in said  # which no shell knows
        assert re.search(r"○ 0 of 3 questions answered +0 Start here", said)


def test_from_a_checkouts_folder_the_command_shows_the_workspace_in_it(
    course, monkeypatch, command
):
    assert "is made (1 file)" in command("workspace", "--course", course)[1]
    monkeypatch.chdir(course)
    assert re.search(r"○ to read +Start here", command("progress")[1])


def test_without_a_workspace_progress_shows_exercises_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert workspace_above(tmp_path) is None
    assert "01-graphs: 0 of 77 points" in str(progress())
    assert "href" not in progress()._repr_html_()


# served


def test_the_reviews_notebook_is_laid_once_and_is_the_learners_then(tmp_path):
    lay_notebook(tmp_path)
    place = tmp_path / NOTEBOOK
    nbformat.validate(nbformat.read(place, 4))
    place.write_text("mine")
    lay_notebook(tmp_path)
    assert place.read_text() == "mine"


@contextlib.contextmanager
def served(folder, **extra):
    """A Jupyter server on a folder, with the extension; its address."""
    with socket.socket() as probe:  # the server takes another where somebody was faster
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.base_url=/user/ada/",
        "--ServerApp.jpserver_extensions=grader.start=True",
        "--IdentityProvider.token=secret",
        f"--ServerApp.root_dir={folder}",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", *options],
        env=environment(**extra),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                address = re.search(r"http://127\.0\.0\.1:\d+/user/ada\b", line)
                if address:
                    break
            else:
                raise RuntimeError("".join(said))
            yield address[0], process.pid
        finally:
            process.terminate()
            process.stdout.read()


def test_a_server_shows_the_page_to_whoever_is_signed_in_and_to_nobody_else(laid, record):
    # It says that it is running a moment before it listens.
    ask = urllib3.PoolManager(retries=urllib3.Retry(connect=30, redirect=3, backoff_factor=0.02))
    with served(laid, AUTOGRAD_COURSE_DATA=str(record.parent)) as (address, pid):
        for headers in ({}, {"Authorization": "token wrong"}):
            refused = ask.request("GET", f"{address}/start.html", headers=headers)
            assert "/login" in refused.geturl()
            assert b"Two paths" not in refused.data
        signed_in = {"Authorization": "token secret"}
        shown = ask.request("GET", f"{address}/start.html", headers=signed_in)
        assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
        assert shown.headers["Content-Security-Policy"] == policy()
        assert "1. Two paths" in shown.data.decode()
        assert "/user/ada/lab/tree/lessons/" in shown.data.decode()
        loaded = {one.path for one in psutil.Process(pid).memory_maps()}
        assert not any("libtorch" in path for path in loaded)
    assert (laid / NOTEBOOK).is_file()
