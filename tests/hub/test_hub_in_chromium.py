"""A class by clicking and typing, in a real browser: release, answer, hand in, grade, feedback."""

import re

import pytest

from tests.fixtures.browser import SCRIPTS_AS_THEY_ARE, chromium, menu, window
from tests.hub.rooms import COURSE

CHAPTER = "01-graphs"
STUDENT = "student-5"  # nobody else's: what is in the lists is hers alone
ANSWER = "def two_path_grad(x, w): return w + 1, x + 2 * w + 1"
POINTS = 8  # of that exercise
# Lessons that are open beside it have cells that begin alike.
NOTEBOOK = ".jp-NotebookPanel:visible:has(:text('01 Computation graphs: exercises'))"


@pytest.fixture
def browser(program):
    """A real browser, in which each person has a window."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    with chromium(program(*names), SCRIPTS_AS_THEY_ARE) as running:
        yield running


@pytest.fixture
def picture(tmp_path):
    """Keeps a picture of a page, to be looked at."""
    return lambda page, name: page.screenshot(path=tmp_path / f"{name}.png")


def sign_in(hub, browser, name):
    """A window in which somebody has come from the hub's page to a JupyterLab of their own."""
    own = window(browser, width=1600, height=1200)  # JupyterLab's messages lie over its corner
    page = own.new_page()
    page.goto(hub.address)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(hub.password(name))
    page.get_by_role("button", name="Sign in").click()
    if name.startswith("student"):  # who begins at the start page
        page.get_by_role("link", name="0 Start here", exact=True).click()
    page.locator(".lm-MenuBar-itemLabel:text-is('Nbgrader')").wait_for()
    return page


def formgrader(page):
    """The formgrader in the tab that Course List opens: the tab, and the page within it."""
    menu(page, "Nbgrader", "Course List")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=COURSE).click()
    return opened.value, opened.value.frame_locator("#formgrader iframe")


def press(row, column):
    """Press a row's icon, and close the message that it worked."""
    row.locator(f".{column} a").click()
    told = row.page.frame_locator("#formgrader iframe").locator(".modal")
    told.get_by_role("button", name="OK").click()
    told.wait_for(state="detached")


def run(page, beginning):
    """Click into the cell of the notebook that begins so, and run it; gives the cell."""
    from playwright.sync_api import expect

    cell = page.locator(f"{NOTEBOOK} .jp-CodeCell").filter(has_text=beginning).first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"^\[\d+\]"))
    return cell


def test_a_class_by_clicking_alone_and_no_request_leaves_the_machine(hub, browser, picture):
    from playwright.sync_api import expect

    desk, graded = formgrader(sign_in(hub, browser, "instructor"))
    assignment = graded.get_by_role("row").filter(has_text=CHAPTER)
    assignment.locator(".status .label").wait_for()
    if assignment.locator(".status").inner_text() == "draft":  # released before, it stays so
        press(assignment, "release")
    expect(assignment.locator(".status")).to_have_text("released")
    picture(desk, "1-released")

    page = sign_in(hub, browser, STUDENT)
    files = page.get_by_role("region", name="File Browser Section")
    expect(files.get_by_text(f"{CHAPTER}.ipynb")).to_be_visible()  # the lesson
    expect(page.get_by_role("alert").filter(has_text="news")).to_have_count(0)
    page.locator(".lm-MenuBar-itemLabel:text-is('Nbgrader')").click()
    offered = page.locator(".lm-Menu-itemLabel:visible")
    assert [text for text in offered.all_inner_texts() if text] == ["Assignment List"]
    page.keyboard.press("Escape")

    menu(page, "Nbgrader", "Assignment List")
    page.locator("#released_assignments_list").get_by_role("button", name="Fetch").click()
    fetched = page.locator("#fetched_assignments_list")
    fetched.get_by_role("button", name=CHAPTER).click()
    picture(page, "2-fetched")
    fetched.get_by_role("link", name=CHAPTER).click()

    expect(page.locator(NOTEBOOK)).to_be_visible()
    expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible()  # a cell runs from now on
    run(page, "import torch")
    answer = run(page, "def two_path_grad")
    page.keyboard.press("Enter")  # into the cell again
    page.keyboard.press("Control+a")
    page.keyboard.type(ANSWER)
    page.keyboard.press("Control+Enter")
    expect(answer.locator(".cm-content")).to_have_text(ANSWER)
    verdict = run(page, 'check("two_path_grad"').locator(".autograd-verdict")
    expect(verdict).to_have_attribute("data-outcome", "right")
    picture(page, "3-checked")

    page.locator(NOTEBOOK).get_by_role("button", name="Validate").click()
    told = page.get_by_role("dialog")
    expect(told).to_contain_text("Validation Results")
    expect(told).to_contain_text('check("edge_products"')  # not written yet
    expect(told).not_to_contain_text('check("two_path_grad"')
    picture(page, "4-validated")
    told.get_by_role("button", name="Ok").click()

    menu(page, "Nbgrader", "Assignment List")
    fetched.get_by_role("button", name="Submit").click()
    submitted = page.locator("#submitted_assignments_list")
    expect(submitted).to_contain_text(CHAPTER)
    picture(page, "5-submitted")

    press(assignment, "collect")
    assignment.locator(".num-submissions a").click()
    submission = graded.get_by_role("row").filter(has_text=STUDENT)
    press(submission, "autograde")
    expect(submission.locator(".score")).to_have_text(re.compile(rf"^{POINTS} / \d+$"))
    picture(desk, "6-graded")
    press(submission, "generate-feedback")
    press(submission, "release-feedback")

    page.get_by_title("Refresh assignments list").click()
    submitted.get_by_role("button", name="Fetch Feedback").click()
    submitted.get_by_text("(view feedback)").click()
    picture(page, "7-fetched-feedback")
    files.get_by_text(f"{CHAPTER}.html").dblclick()
    feedback = page.frame_locator(".jp-HTMLViewer iframe")
    expect(feedback.locator("body")).to_contain_text(re.compile(rf"Score: {POINTS}\.0 / \d+"))
    picture(page, "8-feedback")

    for own in browser.contexts:
        assert own.wrong == []
        assert own.asked_elsewhere == []
