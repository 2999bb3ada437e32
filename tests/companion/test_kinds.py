"""Each kind of finding: a wrong program deserves it, a right one that looks like it does not."""

import re

import pytest

from course.companion import KINDS
from tests.companion.programs import PAIRS

IDS = [f"{code}-{number}" for number, (code, _, _) in enumerate(PAIRS)]
TRUE_REMARKS = {"fine", "frozen", "emptied", "no_backward"}
"""What may be said of a right program too."""
OF_NOTES = {"compiled", "distributed"}
"""What is said as a note: tests/companion/test_watch.py."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("code", "wrong", "right"), PAIRS, ids=IDS)
def test_a_wrong_program_is_named_and_a_right_one_like_it_is_not(code, wrong, right):
    report = wrong()
    assert report.codes[:1] == (code,), report
    assert code not in right().codes
    assert not {one.code for one in right().findings if one.sure} - TRUE_REMARKS


def test_every_kind_has_its_programs():
    assert {code for code, _, _ in PAIRS} == set(KINDS) - OF_NOTES


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code)
def test_a_kind_speaks_in_sentences_and_leads_to_a_lesson(kind):
    for text in (kind.says, kind.cure):
        assert re.fullmatch(r"[A-Z{].*[.]", text), text
        assert "  " not in text
    assert kind.title
    assert kind.section.title != kind.section.lesson
    assert kind.section.heading, kind.section
