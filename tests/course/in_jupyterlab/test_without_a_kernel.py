"""What was made by a kernel that is not there any more: on another day, or after a restart."""

import shutil

import nbformat
from playwright.sync_api import expect

from tests.course.in_jupyterlab.elements import ASKED, CHECKED, DRAWN, PLACE
from tests.fixtures.in_jupyterlab import cell, press


def live_forms_in(place):
    """How many outputs of a notebook are drawn by a kernel."""
    outputs = (one for cell in nbformat.read(place, 4).cells for one in cell.get("outputs", ()))
    return sum("application/vnd.jupyter.widget-view+json" in one.get("data", {}) for one in outputs)


def test_a_notebook_opened_again_shows_what_it_showed_and_no_error(lab, page, elements):
    """Pictures and questions are still, verdicts without buttons: its kernel has ended."""
    lab.do("docmanager:save")
    shutil.copy(lab.folder / PLACE, lab.folder / "again.ipynb")
    again = lab.open("again.ipynb")
    still = cell(again, DRAWN).locator(".ag-still")
    still.locator("svg").wait_for()
    assert "Step 10 of 10: done" in still.locator("desc").text_content()
    folded = cell(again, ASKED).locator("summary", has_text="Commit to a prediction")
    expect(folded).to_be_visible()
    press(folded, "Enter")
    expect(again.locator("details[open]", has_text="It adds.")).to_be_visible()
    expect(again.locator(".autograd-verdict")).to_be_visible()
    errors = again.get_by_text("Error displaying widget")
    expect(errors).to_have_count(live_forms_in(lab.folder / "again.ipynb"))  # in each one's place,
    assert not any(error.is_visible() for error in errors.all())  # and nobody sees it
    lab.leave_open(PLACE)
    page.wrong.clear()  # in the console each live form has said that it has no kernel


def test_what_waits_for_a_kernel_that_is_started_anew_says_so(lab, page, elements, busy):
    """A prediction, a hint, and a picture: each names what to do."""
    asked, buttons = cell(elements, 0), cell(elements, CHECKED).locator(".autograd-buttons")
    player = cell(elements, DRAWN).locator(".ag-player")
    again = asked.get_by_role("button", name="Try again").first
    if again.is_visible():
        again.click()
    with busy(elements):
        asked.get_by_placeholder("your prediction").fill("3.5")
        page.keyboard.press("Enter")
        buttons.get_by_role("button", name="Hint").click()
        page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        said = asked.get_by_text("The kernel behind this question has ended. Run this cell again")
        expect(said).to_be_visible()
        said = buttons.get_by_text("The kernel behind these buttons has ended. Run this cell again")
        expect(said).to_be_visible()
        expect(player.locator(".ag-gone")).to_contain_text("Run this cell again")
        expect(player.get_by_role("img").first).to_be_visible()
    page.wrong.clear()  # all questions and pictures have lost their kernel
