"""A lesson is run when it changed and not otherwise; nothing of anybody else is replaced."""

import nbformat
import pytest

from book import building, lessons, running
from book.links import DeadLink, in_the_book
from grader.notebook.texts import places


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """A lesson's text, and a list of the runs it had."""
    text = tmp_path / "00-start-here.md"
    text.write_text("# Start here\n")
    runs = []

    def run(text, folder):
        runs.append(text.read_text())
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(runs[-1])])

    monkeypatch.setattr(running, "run", run)
    return text, runs


def test_a_lesson_is_run_once_until_it_changes(lesson, tmp_path):
    text, runs = lesson
    for _ in range(2):
        notebook = running.kept(text, tmp_path / "executed")
        assert notebook.cells[0].source == "# Start here\n"
    assert len(runs) == 1
    text.write_text("# Begin here\n")
    assert running.kept(text, tmp_path / "executed").cells[0].source == "# Begin here\n"
    assert len(runs) == 2


def test_a_folder_that_is_no_book_is_not_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(building.BookRefused, match="is no book"):
        building.build(tmp_path, lambda text: None, tmp_path / "work")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def executed(*outputs, **metadata):
    cell = nbformat.v4.new_code_cell("1 / 0", outputs=list(outputs), metadata=metadata)
    return nbformat.v4.new_notebook(cells=[cell])


def test_a_lesson_that_failed_is_not_published():
    error = nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="", traceback=[])
    with pytest.raises(lessons.LessonFailed, match="ZeroDivisionError"):
        lessons.page(executed(error), "01-graphs")
    meant = executed(error, tags=["raises-exception"])
    assert lessons.page(meant, "01-graphs").notebook.cells[0].outputs == [error]


def test_a_link_of_a_workspace_leads_to_the_same_place_in_the_book():
    page = places.lesson("01-graphs")
    for link, label in {
        "lesson-02-leaves.ipynb": "#lesson-02-leaves",
        "lesson-02-leaves.ipynb#cell-id=2-1-a": "#lesson-02-leaves-2-1-a",
        "lesson-01b-graphs.ipynb#cell-id=1-12-c": "#lesson-01-graphs-2-1-12-c",
        "#cell-id=1-2-b": "#lesson-01-graphs-1-2-b",
        "../exercises/01-graphs/01-graphs.ipynb": "#exercises-01-graphs",
        "errors.ipynb": "#of-errors",
        "https://pytorch.org": "https://pytorch.org",
    }.items():
        assert in_the_book(f"[here]({link})", page) == f"[here]({label})"
    with pytest.raises(DeadLink):
        in_the_book("[there](../notes/mine.ipynb)", page)
