"""Hint and Solution beside a kernel that runs another cell."""

import re

import pytest
from playwright.sync_api import expect

from tests.course.in_jupyterlab.elements import CHECKED
from tests.fixtures.in_jupyterlab import cell


@pytest.fixture
def buttons(elements):
    """The buttons below a wrong answer's verdict."""
    return cell(elements, CHECKED).locator(".autograd-buttons")


def hinted(buttons):
    """Wait for a hint: its number."""
    told = buttons.get_by_text(re.compile(r"^Hint \d of 3"))
    expect(told).to_be_visible()
    return int(re.match(r"Hint (\d)", told.text_content())[1])


def test_whoever_presses_again_and_again_beside_a_busy_kernel_asks_once(elements, buttons, busy):
    """Else two hints would go at a time, and Solution be shown before its question was read."""
    hint, solution = (buttons.get_by_role("button", name=one) for one in ("Hint", "Solution"))
    hint.click()
    before = hinted(buttons)
    with busy(elements):
        for button in (hint, hint, hint, solution, solution):
            button.click()
        said = buttons.get_by_role("status")
        waits = said.filter(has_text=re.compile("^(Waiting for the kernel|No answer yet)"))
        expect(waits).to_be_visible()
        late = said.filter(has_text="No answer yet: the kernel is busy with another cell")
        expect(late).to_be_visible()
    expect(late).to_have_count(0)
    assert hinted(buttons) == min(before + 1, 3)
    solution.click()
    expect(buttons).to_contain_text(re.compile("There are hints left|A model answer"))
