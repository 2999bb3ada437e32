"""Lessons: each runs from top to bottom, shows what it says, and asks questions that are right."""

import collections
import json
import os
import re
from pathlib import PurePosixPath

import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter

from course.questions import by_chapter
from grader.notebook.folder import workspace
from grader.notebook.texts import places
from tests.fixtures.lesson_texts import (
    LESSONS,
    ROOT,
    careful_minutes,
    cells,
    chapter,
    every_lesson,
    links,
    made,
    prose,
    questions,
    tags,
)

PICTURE = re.compile(r"^explore", re.MULTILINE)


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


def readable(soup):
    """The words of a page of HTML."""
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
def test_a_lesson_reads_without_a_kernel(lesson, run_lesson, caplog):
    """A page made from a lesson that was run, as nbconvert runs and makes it.

    It holds every question, with its answer folded, and every picture, with the sentence that
    tells it.
    """
    page, _ = HTMLExporter(embed_images=True).from_notebook_node(run_lesson(lesson))
    soup = BeautifulSoup(page, "html.parser")
    told = [desc.text for desc in soup.select("svg.ag-static > desc")]
    stepped = [sentence for sentence in told if re.match(r"Step \d+ of ", sentence)]
    assert len(stepped) == len([cell for cell in cells(lesson) if PICTURE.search(cell.source)])
    assert "Alternative text is missing" not in caplog.text
    read = readable(soup)
    for asked in questions(lesson):
        still = made(asked.name)._repr_html_()
        assert "<details><summary" in still, asked.name
        assert readable(BeautifulSoup(still, "html.parser")) in read, asked.name


@pytest.fixture(scope="module")
def placed():
    """What a workspace holds: each file's place, and of a notebook the ids of its cells."""

    def ids(content):
        return {cell["id"] for cell in json.loads(content)["cells"]}

    offered = workspace.offers(ROOT)
    return {path: ids(new) if path.suffix == ".ipynb" else set() for path, new in offered}


@every_lesson
def test_the_links_of_a_lesson_lead_somewhere(lesson, placed):
    for link in links(lesson):
        assert not re.match(r"https?://(localhost|127\.)", link), link
        if re.match(r"https?://", link):
            continue
        name, _, fragment = link.partition("#")
        own = places.lesson(lesson.stem)
        target = PurePosixPath(os.path.normpath(own.parent / name)) if name else own
        assert target in placed, link
        if fragment:
            assert fragment.removeprefix("cell-id=") in placed[target], link


@every_lesson
def test_a_lesson_says_what_for_what_before_and_how_long(lesson):
    opening = prose(lesson).split("\n## ")[0]
    assert re.search(r"^# \d+ \S", opening, re.MULTILINE)
    for part in ("**After this (lesson|page) you can**", "**You need** ", "**Time** about \\d+ "):
        pattern = part.replace("**", r"\*\*")
        assert re.search(pattern, opening), part


@every_lesson
def test_a_lesson_takes_the_minutes_that_it_says_and_no_more_than_75(lesson):
    (said,) = re.findall(r"^\*\*Time\*\* about (\d+) minutes", prose(lesson), re.MULTILINE)
    needed = careful_minutes(lesson)
    assert abs(int(said) - needed) <= 5, f"a careful reader takes {needed:.0f} minutes"
    assert needed <= 75


def test_every_question_is_asked_once_in_the_lesson_of_its_chapter_and_in_this_order():
    asked = collections.defaultdict(list)
    for lesson in LESSONS:
        asked[chapter(lesson)] += [question.name for question in questions(lesson)]
    assert [tuple(names) for names in asked.values()] == list(by_chapter().values())


@every_lesson
def test_a_cell_that_asks_says_no_more_than_which_question(lesson):
    """So it gives no answer away, and nothing has to be hidden."""
    for asked in questions(lesson):
        assert asked.cell.source == f'ask("{asked.name}")'
        assert not set(asked.cell.metadata), asked.name
