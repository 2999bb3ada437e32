"""Explanations and findings lead to cells of lessons that are really there."""

import functools

from course.companion import KINDS
from grader.errors import EXPLANATIONS
from grader.notebook.texts import notebooks, places
from grader.notebook.texts.cells import headings
from tests.conftest import ROOT

SECTIONS = sorted(
    {one.section for one in (*EXPLANATIONS, *KINDS.values())},
    key=lambda section: (section.lesson, section.words),
)


@functools.cache
def cells_of(lesson):
    built = notebooks.read(ROOT / "course" / "lessons" / f"{lesson}.md")
    return {cell["id"]: cell for cell in built.cells}


def test_every_link_leads_to_the_cell_that_begins_with_the_heading(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for section in SECTIONS:
        lesson = tmp_path / places.lesson(section.lesson)
        lesson.parent.mkdir(exist_ok=True)
        lesson.touch()
        page, _, name = section.link.partition("#cell-id=")
        assert page == str(places.lesson(section.lesson))
        first = headings(cells_of(section.lesson)[name])[0]
        assert first[0] == 0, section
        assert first[1].replace("`", "") == section.heading


def test_the_words_of_every_section_stand_in_one_heading():
    for section in SECTIONS:
        cells = cells_of(section.lesson).values()
        every = [heading for cell in cells for _, heading in headings(cell)]
        assert sum(section.words in heading.replace("`", "") for heading in every) == 1, section


def test_without_a_workspace_a_section_has_a_name_and_no_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert SECTIONS[0].link is None
    assert SECTIONS[0].heading in str(SECTIONS[0])
