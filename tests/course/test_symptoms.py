"""The index of errors and symptoms: torch's words as they read today, and links that lead there."""

import json
import re
from pathlib import PurePosixPath

import pytest
import torch

from course.companion.kinds import KINDS
from course.symptoms import page
from course.symptoms.said import said, shortened
from grader.errors import EXPLANATIONS
from grader.notebook.folder import workspace
from grader.notebook.texts import places
from grader.notebook.texts.cells import slug
from tests.conftest import ROOT
from tests.course import raising
from tests.course.raising import OF_GRADING
from tests.errors.test_errors import OTHERWHERE, RARE


def test_the_index_has_every_error_and_every_silent_cause():
    codes = {entry.code for entry in EXPLANATIONS}
    assert set(said()) == codes - OF_GRADING
    text = page.text()
    for entry in EXPLANATIONS:
        if entry.code not in OF_GRADING:
            assert page._plain(entry.meaning) in text, entry.code
    for kind in KINDS.values():
        assert (f"### {page._plain(kind.title)}\n" in text) == (kind.code != "fine"), kind.code


@pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="the texts are torch 2.13's")
def test_every_text_of_the_index_is_what_torch_says_today():
    for code in set(said()) - set(RARE) - set(OTHERWHERE):
        happened = [words for program in raising.PROGRAMS[code] for words in raising.said(program)]
        assert set(said()[code]) <= {shortened(*words) for words in happened}, code


def test_every_text_of_the_index_is_explained_by_its_own_entry():
    for entry in EXPLANATIONS:
        for text in said().get(entry.code, ()):
            kind, _, words = text.partition(":")
            assert entry.reads(kind, words.strip()), text


def test_every_entry_leads_to_a_section_of_a_lesson():
    for entry in (*page.errors(), *page.silent()):
        assert entry.section.title != entry.section.lesson, entry.code
        assert entry.section.heading or not entry.section.words, entry.code


def test_no_two_headings_of_the_index_lead_to_one_place():
    headings = re.findall(r"^#+ (.+)$", page.text(), re.MULTILINE)
    assert len({slug(heading) for heading in headings}) == len(headings)


def test_an_entry_shows_no_name_of_a_field():
    assert not re.search(r"\{\w+\}", page.text())


def test_a_symptom_leads_to_every_cause_of_it():
    listed = page.by_symptom()
    assert {"the loss does not fall", ".grad is None", "the loss is nan"} <= set(listed)
    for kind in KINDS.values():
        for symptom in kind.symptoms:
            assert page._plain(kind.title) in [entry.heading for entry in listed[symptom]]


def test_the_workspace_holds_the_index_and_its_links_lead_somewhere():
    offered = dict(workspace.offers(ROOT))
    cells = {
        place: {cell["id"]: cell for cell in json.loads(content)["cells"]}
        for place, content in offered.items()
        if place.suffix == ".ipynb"
    }
    index = cells[places.INDEX].values()
    links = [link for cell in index for link in re.findall(r"\]\(([^)]+)\)", source(cell))]
    assert len(links) > len(EXPLANATIONS) + len(KINDS)
    for link in links:
        name, _, anchor = link.partition("#")
        place = places.INDEX.parent / name if name else places.INDEX
        assert PurePosixPath(place) in cells, link
        if anchor:
            assert anchor.removeprefix("cell-id=") in cells[place], link


def source(cell):
    return "".join(cell["source"])
