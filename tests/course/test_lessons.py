"""Lessons: each runs from top to bottom, shows what it says, and asks questions that are right."""

import collections
import os
import re
from pathlib import PurePosixPath

import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter

from course.quiz import Choice, Order, Predict
from grader.notebook import workspace
from tests.fixtures.lesson_texts import (
    LESSONS,
    ROOT,
    ask,
    cells,
    every_lesson,
    executed,
    headings,
    links,
    prose,
    questions,
    tags,
)

ASKED = [question for lesson in LESSONS for question in questions(lesson)]


def each(*kinds):
    """The test for every question of some kinds."""
    of_kind = [pytest.param(asked.cell, id=asked.name) for asked in ASKED if asked.kind in kinds]
    return pytest.mark.parametrize("cell", of_kind)


@pytest.fixture(scope="session")
def run_lesson(tmp_path_factory):
    """Give a lesson's text, get the lesson after its one run of this session."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "executed-lessons"
    shared.mkdir(exist_ok=True)
    return lambda lesson: executed(lesson, shared)


def outputs(notebook):
    """Each output of a notebook, with the cell it belongs to."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            yield cell, output


def texts(notebook):
    """Everything a reader of a notebook's outputs reads."""
    for _, output in outputs(notebook):
        yield from output.get("data", {}).values()
        yield output.get("text", "")


def readable(page):
    """The words of an HTML page."""
    soup = BeautifulSoup(page, "html.parser")
    for style in soup("style"):
        style.decompose()
    return " ".join(soup.get_text(" ").split())


@every_lesson
def test_a_lesson_runs_from_top_to_bottom(lesson, run_lesson):
    notebook = run_lesson(lesson)
    failed = {
        cell.id: f"{output.ename}: {output.evalue}"
        for cell, output in outputs(notebook)
        if output.output_type == "error"
    }
    meant = {cell.id for cell in notebook.cells if "raises-exception" in tags(cell)}
    assert set(failed) == meant, failed
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)


@every_lesson
def test_a_lesson_warns_where_it_means_to_and_nowhere_else(lesson, run_lesson):
    notebook = run_lesson(lesson)
    warned = collections.defaultdict(str)
    for cell, output in outputs(notebook):
        if output.get("name") == "stderr":
            warned[cell.id] += output.text
    assert set(warned) == {cell.id for cell in notebook.cells if "warns" in tags(cell)}
    for text in warned.values():
        assert re.search(r"^\S+:\d+: \w*Warning: ", text, re.MULTILINE), text


@every_lesson
def test_a_lesson_shows_no_address_in_memory(lesson, run_lesson):
    for text in texts(run_lesson(lesson)):
        assert not re.search(r"\bat 0x[0-9a-f]+", str(text)), text


# The live form beside a static one is what a page without a kernel cannot show.
@pytest.mark.filterwarnings("ignore:Your element with mimetype")
@every_lesson
def test_a_lesson_reads_without_a_kernel(lesson, run_lesson, tmp_path):
    """A page made from a lesson that was run holds every question, with its answer folded."""
    page, _ = HTMLExporter(embed_images=True).from_notebook_node(run_lesson(lesson))
    read = readable(page)
    for asked in questions(lesson):
        still = ask(asked.cell, tmp_path)._repr_html_()
        assert "<details><summary" in still, asked.name
        assert readable(still) in read, asked.name


@every_lesson
def test_the_links_of_a_lesson_lead_somewhere(lesson):
    """Files are looked up where a learner has them: in the workspace."""
    placed = {path for path, _ in workspace.offers(ROOT)}
    for link in links(lesson):
        assert not re.match(r"https?://(localhost|127\.)", link), link
        if re.match(r"https?://", link):
            continue
        name, _, fragment = link.partition("#")
        target = PurePosixPath(os.path.normpath(PurePosixPath("lessons", name)))
        assert target in placed, link
        if fragment:
            source = {"lessons": ROOT / "course" / "lessons", "exercises": ROOT / "solutions"}
            inside = PurePosixPath(*target.parts[1:]).with_suffix(".md")
            anchors = {h.replace(" ", "-") for h in headings(source[target.parts[0]] / inside)}
            assert fragment in anchors, link


@every_lesson
def test_a_lesson_says_what_for_what_before_and_how_long(lesson):
    opening = prose(lesson).split("\n## ")[0]
    assert re.search(r"^# \d+ \S", opening, re.MULTILINE)
    for part in ("**After this (lesson|page) you can**", "**You need** ", "**Time** about \\d+ "):
        pattern = part.replace("**", r"\*\*")
        assert re.search(pattern, opening), part


def test_every_question_of_the_course_has_an_id_of_its_own():
    counted = collections.Counter(asked.name for asked in ASKED)
    assert [name for name, count in counted.items() if count > 1] == []


@every_lesson
def test_a_question_does_not_show_its_answer_in_its_own_cell(lesson):
    """The code is folded away, and its first line, which stays visible, gives nothing away."""
    asking = [asked.cell.id for asked in questions(lesson)]
    hidden = [
        cell.id
        for cell in cells(lesson)
        if cell.metadata.get("jupyter", {}).get("source_hidden")
        and "hide-input" in tags(cell)
        and cell.source.startswith("# A question: run this cell.\n")
    ]
    assert asking == hidden


@each("choice", "predict", "order")
def test_the_right_answer_is_what_the_code_gives(cell, tmp_path):
    """A question stands on its own, whatever ran before it, and computes its answer.

    Making it raises if an option has no explanation, if the computed answer is not among the
    options, or if a belief called wrong is right.
    """
    question = ask(cell, tmp_path)
    if isinstance(question, Choice):
        assert question.outcome is not None, "give the question run=, which computes its answer"
        assert question.answer == question.outcome.text
        assert len(question.options) >= 2
    elif isinstance(question, Predict):
        assert question.outcome.agrees(question.outcome.text)
        assert question.source
    else:
        assert isinstance(question, Order)


@each("order")
def test_an_order_is_accepted_if_and_only_if_it_works(cell, tmp_path):
    """Every order of the lines is run."""
    question = ask(cell, tmp_path)
    meant = question.outcome(list(question.lines))
    for names in question.orders():
        outcome = question.outcome(names)
        works = outcome.error is None and outcome.text == meant.text
        assert (question.broken(names) is None) == works, names
