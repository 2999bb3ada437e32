"""Text to notebook: valid, the same everywhere, exercises written out and links resolved."""

import re

import jupytext
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.engine.catalogue import tasks
from grader.notebook.texts import notebooks
from tests.conftest import FRONT, ROOT, code

LESSONS = sorted((ROOT / "course" / "lessons").glob("*.md"))
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.md"))
EVERY_TEXT = [*LESSONS, *SOLUTIONS]
every_chapter = pytest.mark.parametrize("text", SOLUTIONS, ids=lambda text: text.stem)


@pytest.mark.parametrize("text", EVERY_TEXT, ids=lambda text: text.stem)
def test_every_text_is_a_valid_notebook(text):
    nbformat.validate(notebooks.read(text))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (code("same", "1") + code("same", "2"), "two cells have the grade_id 'same'"),
        (code("no spaces", "1"), "the grade_id 'no spaces' must be"),
        ("```{code-cell} ipython3\n---\nnbgrader: [\n---\n1\n```\n", "could not be read"),
        ('+++ {"nbgrader": \n\nText\n', "could not be read"),
    ],
    ids=["twice", "spaces", "yaml", "json"],
)
def test_a_text_that_cannot_be_read_says_which_and_why(tmp_path, body, complaint):
    text = tmp_path / "broken.md"
    text.write_text(FRONT + body)
    with pytest.raises(notebooks.BrokenText, match=complaint) as refusal:
        notebooks.read(text)
    assert str(text) in str(refusal.value)


headings = st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), max_size=6)


@given(headings)
def test_every_cell_has_a_valid_id_of_its_own(titles):
    notebook = notebooks.from_text(
        FRONT + "".join(f"# {title}\n\n```{{code-cell}}\n1\n```\n\n" for title in titles)
    )
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_an_added_cell_moves_no_id_under_another_heading():
    def ids(first):
        return [cell.id for cell in notebooks.from_text(FRONT + first + "## Two\n\n" + cell).cells]

    cell = "```{code-cell}\n# a comment, no heading\n```\n\n"
    assert ids(f"## One\n\n{cell}")[-2:] == ids(f"## One\n\n{cell}{cell}{cell}")[-2:]


@pytest.fixture
def chapter(tmp_path):
    """Lays a text as the solutions of a chapter, by default as those of the first."""

    def lay(body, name="01-graphs"):
        text = tmp_path / "solutions" / name / f"{name}.md"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(FRONT + body)
        return text

    return lay


ANSWER = "```{code-cell} ipython3\ndef f():\n    pass\n```\n\n"


def test_an_exercise_is_written_out_from_its_task(chapter):
    asked, answer, check = notebooks.read(chapter(f"## edge_products\n\nDo it.\n\n{ANSWER}")).cells
    assert asked.source == (
        "## 1. Products along edges\n\nDo it.\n\n"
        '*10 points · about 8 minutes · difficulty 2 of 5 · stuck? run `hint("edge_products")`*'
    )
    assert (answer.id, answer.metadata.nbgrader.solution) == ("edge_products_answer", True)
    assert check.source == 'check("edge_products", edge_products)'
    assert (check.id, check.metadata.nbgrader.points) == ("edge_products", 10)


def test_a_check_that_an_author_left_in_is_not_there_twice(chapter):
    own = '```{code-cell} ipython3\ncheck("edge_products", edge_products)\n```\n\n'
    once = notebooks.read(chapter(f"## edge_products\n\nDo it.\n\n{ANSWER}"))
    assert notebooks.read(chapter(f"## edge_products\n\nDo it.\n\n{ANSWER}{own}")) == once


def test_the_heading_of_an_exercise_may_stand_in_the_middle_of_a_cell(chapter):
    first, way_back, second, *_ = notebooks.read(
        chapter(f"# Graphs\n\n## edge_products\n\nDo.\n\n{ANSWER}")
    ).cells
    assert (first.source, way_back.id) == ("# Graphs", "way_back")
    assert second.source.startswith("## 1. ")


def test_two_answers_in_one_section_are_refused(chapter):
    with pytest.raises(notebooks.BrokenText, match="'edge_products' holds 2 code cells"):
        notebooks.read(chapter(f"## edge_products\n\nDo it.\n\n{ANSWER}{ANSWER}"))


def test_a_written_answer_has_its_points_from_its_cell(chapter):
    text = chapter(
        f"## edge_products\n\nDo it.\n\n{ANSWER}## In your own words\n\nSay it.\n\n"
        '+++ {"minutes": 4, "nbgrader": {"grade": true, "grade_id": "own", "points": 7}}\n\nSo.\n'
    )
    asked, answer = notebooks.read(text).cells[-2:]
    assert asked.source == (
        "## 2. In your own words\n\nSay it.\n\n"
        "*7 points · about 4 minutes · read and graded by a person*"
    )
    assert "minutes" not in answer.metadata


@every_chapter
def test_a_text_of_the_long_form_makes_the_same_notebook(text, chapter):
    """As classes of 0.1.0 have them: nbgrader's metadata, numbers and points stand in the text."""
    short = notebooks.read(text)
    long = chapter(jupytext.writes(short, "md:myst").split("---\n", 2)[2], text.stem)
    assert "grade: true" in long.read_text()
    assert notebooks.to_bytes(notebooks.read(long)) == notebooks.to_bytes(short)


@every_chapter
def test_a_solution_text_holds_no_fact_that_its_tasks_hold(text):
    written = text.read_text().split("## In your own words")[0]
    assert not re.search(r"(?m)^## \d|^\*\d+ point|_answer$|^ *points:", written)


def test_an_instructors_own_assignment_stays_as_it_is(chapter):
    text = chapter(f"## edge_products\n\nDo it.\n\n{ANSWER}", "my-own")
    assert notebooks.read(text) == notebooks.as_it_stands(text)


@pytest.mark.parametrize("text", EVERY_TEXT, ids=lambda text: text.stem)
def test_no_text_links_to_an_exercise_by_its_number(text):
    assert not re.search(r"exercises/\S+\.ipynb#", text.read_text())


def anchors(notebook):
    """The links to a notebook's headings: each names the cell that begins with the heading."""
    headed = {cell.id: re.match(r"## (?:\d+\. )?(.+)", cell.source) for cell in notebook.cells}
    return {f"cell-id={name}": found[1] for name, found in headed.items() if found}


def link_from(text, exercise):
    text.parent.mkdir(parents=True, exist_ok=True)
    text.write_text(f"{FRONT}Now [this one](exercise:{exercise}).\n")
    return re.search(r"\]\(([^)]*)\)", notebooks.read(text).cells[0].source)[1]


@every_chapter
def test_a_link_by_id_leads_to_the_heading_of_the_exercise(text, tmp_path):
    known = anchors(notebooks.read(text))
    for task in (task for task in tasks().values() if task.chapter == text.stem):
        lesson = link_from(tmp_path / "lessons" / "one.md", task.id)
        assert lesson.startswith(f"../exercises/{text.stem}/{text.stem}.ipynb#")
        assert known[lesson.partition("#")[2]] == task.title
        beside = link_from(tmp_path / "solutions" / "other" / "other.md", task.id)
        assert beside == lesson.replace("../exercises/", "../")
        own = link_from(tmp_path / "solutions" / text.stem / f"{text.stem}.md", task.id)
        assert own == "#" + lesson.partition("#")[2]


def test_a_link_to_no_exercise_is_refused_and_the_nearest_named(tmp_path):
    with pytest.raises(notebooks.BrokenText, match="Did you mean 'two_path_grad'"):
        link_from(tmp_path / "lessons" / "one.md", "two_path_gard")
