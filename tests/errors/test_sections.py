"""Explanations and findings lead to cells of lessons that are really there."""

import functools

import pytest

from course.companion import KINDS
from grader.errors import EXPLANATIONS
from grader.notebook import notebooks, places
from grader.notebook.cells import headings
from tests.conftest import ROOT

SECTIONS = sorted(
    {one.section for one in (*EXPLANATIONS, *KINDS.values())},
    key=lambda section: (section.lesson, section.words),
)


@functools.cache
def cells_of(lesson):
    built = notebooks.read(ROOT / "course" / "lessons" / f"{lesson}.md")
    return {cell["id"]: cell for cell in built.cells}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: f"{one.lesson}, {one.words}")
def test_a_link_leads_to_the_cell_that_begins_with_the_heading(section, tmp_path, monkeypatch):
    lesson = tmp_path / places.lesson(section.lesson)
    lesson.parent.mkdir()
    lesson.touch()
    monkeypatch.chdir(tmp_path)
    page, _, name = section.link.partition("#cell-id=")
    assert page == str(places.lesson(section.lesson))
    first = headings(cells_of(section.lesson)[name])[0]
    assert first[0] == 0
    assert first[1].replace("`", "") == section.heading


@pytest.mark.parametrize("section", SECTIONS, ids=lambda one: f"{one.lesson}, {one.words}")
def test_the_words_of_a_section_stand_in_one_heading(section):
    every = [heading for cell in cells_of(section.lesson).values() for _, heading in headings(cell)]
    assert sum(section.words in heading.replace("`", "") for heading in every) == 1


def test_without_a_workspace_a_section_has_a_name_and_no_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert SECTIONS[0].link is None
    assert SECTIONS[0].heading in str(SECTIONS[0])
