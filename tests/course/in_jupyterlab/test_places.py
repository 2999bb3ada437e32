"""From place to place in a real JupyterLab: a lesson, its exercise, a verdict, a hint, and back."""

import re

import pytest
from playwright.sync_api import expect

from grader.notebook.texts import links, places, way
from tests.conftest import ROOT
from tests.course.in_jupyterlab.elements import EXERCISE, PLACE
from tests.fixtures.browser import COLOURS, barriers, keep_picture
from tests.fixtures.in_jupyterlab import DIRTY, FRONT, QUICK, cell, is_shut_down, lands_at

LESSON, _ = way.of_course().section("two_path_grad", "01-graphs")


@pytest.fixture(scope="module", autouse=True)
def opened(lab):
    """The lesson, as far as its end; what is opened here is open for as long as it is needed."""
    shown = lab.open(str(places.lesson(LESSON.name)))
    # What is drawn late moves what stands below it: a click could miss.
    end = shown.locator(f"{QUICK}h2", has_text="Where to go from here")
    end.wait_for(state="attached")
    yield
    lab.leave_open(PLACE)


def test_a_link_lands_at_its_exercise_although_the_notebook_was_never_opened(lab, page):
    shown = lab.open(str(places.lesson(LESSON.name)))
    exercise = max(LESSON.sections, key=list(links.known()).index)  # the lowest in its notebook
    title = links.known()[exercise].title
    link = shown.get_by_role("link", name=title, exact=True).first
    link.scroll_into_view_if_needed()
    link.click()
    lands_at(page, title)
    # Shift+Enter goes on from there, with that cell alone.
    active = lab.front.locator(".jp-Cell.jp-mod-active h2")
    expect(active).to_contain_text(title)
    expect(lab.front.locator(".jp-Cell.jp-mod-selected")).to_have_count(1)


@pytest.fixture
def checked(lab):
    """The exercises, each cell run: the first has a wrong answer."""
    shown = lab.open(EXERCISE)
    verdict = shown.locator(".autograd-verdict[data-outcome='wrong']")
    if not verdict.count():
        lab.do("notebook:run-all-cells")
    expect(verdict).to_contain_text("You followed only the path")
    return shown


@pytest.fixture
def buttons(checked):
    """The buttons below that verdict."""
    return checked.locator(".autograd-buttons").first


def test_an_exercise_is_failed_hinted_and_solved_by_buttons(page, checked, buttons):
    buttons.get_by_role("button", name="Hint").click()
    expect(buttons).to_contain_text(re.compile("Hint [1-3] of 3"))
    keep_picture(checked.locator(".jp-CodeCell:has([data-outcome='wrong'])").first, "verdict")
    buttons.get_by_role("button", name="Solution").click()
    expect(buttons).to_contain_text("There are hints left. To see the solution all the same, press")
    buttons.get_by_role("button", name="Solution").click()
    expect(buttons.locator("pre.autograd-code").first).to_contain_text("def two_path_grad")
    # By keyboard: letters are nobody's on a button, and what has a modifier is JupyterLab's.
    cells = checked.locator(".jp-Cell")
    count = cells.count()
    page.keyboard.press("Shift+Tab")
    hint = buttons.get_by_role("button", name="Hint")
    expect(hint).to_be_focused()
    assert hint.evaluate("e => getComputedStyle(e).outline").endswith("solid 2px")
    page.keyboard.press("x")
    assert cells.count() == count
    page.keyboard.press("Control+s")
    expect(page.locator(DIRTY)).to_have_count(0)
    left, right = (one.bounding_box() for one in buttons.get_by_role("button").all())
    assert right["x"] - left["x"] - left["width"] >= 4  # as JupyterLab's own stand
    keyword = buttons.locator("pre.autograd-code .k").first
    plain = buttons.locator("pre.autograd-code").first
    colour = "e => getComputedStyle(e).color"
    assert keyword.evaluate(colour) != plain.evaluate(colour)


def test_the_systems_theme_is_followed_and_nothing_in_a_verdict_keeps_anybody_out(
    lab, page, checked
):
    parts = [f"{FRONT} .autograd-verdict", f"{FRONT} .autograd-buttons"]
    for scheme, rules in (("dark", None), ("light", COLOURS)):
        lab.scheme(scheme)
        assert barriers(page, *parts, rules=rules) == []


def test_a_verdict_leads_to_the_section_of_the_lesson_and_the_notebook_on(page, checked):
    verdict = checked.locator(".autograd-verdict[data-outcome='wrong']").first
    section = verdict.get_by_role("link")
    name = section.text_content()
    section.click()
    lands_at(page, name)
    assert re.match(r"1\.\d+ ", name)


def test_the_way_back_is_found_from_where_nbgrader_fetches_an_assignment_to(lab, page):
    """In a class an assignment lies one folder higher than at home, and its links are the same."""
    fetched = lab.folder / "01-graphs" / "fetched.ipynb"
    fetched.parent.mkdir()
    fetched.write_bytes((ROOT / EXERCISE).read_bytes())
    back = lab.open("01-graphs/fetched.ipynb").locator(".jp-MarkdownOutput a[href*=lesson-01]")
    back.first.click()
    front = page.locator(".jp-mod-current .lm-TabBar-tabLabel", has_text="lesson-01-graphs.ipynb")
    expect(front).to_have_count(1)


def test_a_link_to_a_notebook_that_is_not_there_says_so(lab, page):
    """In a class an exercise is not there before it is fetched."""
    away = lab.folder / "lessons" / "lesson-01b-graphs.ipynb"
    kept = away.rename(away.with_suffix(".away"))
    try:
        shown = lab.open(str(places.lesson("01-graphs")))
        shown.locator(".jp-MarkdownOutput a[href*=lesson-01b-graphs]").first.click()
        said = page.get_by_role("alert").filter(has_text="lesson-01b-graphs.ipynb is not in")
        expect(said).to_contain_text(re.compile(r"autograd-course open\) lays it there\.$"))
        page.get_by_title("Hide notification").first.dispatch_event("click")
    finally:
        kept.rename(away)
    page.wrong.clear()  # the browser writes down that there was nothing


def test_a_kernel_that_was_shut_down_is_named_by_what_asks_it(lab, page, checked, buttons):
    """And what was typed stays, to be sent once the cell was run again."""
    asked = cell(checked, -1)
    is_shut_down(lab)
    for name in ("Hint", "Solution"):
        buttons.get_by_role("button", name=name).click()
        said = buttons.get_by_role("status").filter(has_text="has ended. Run this cell again")
        expect(said).to_be_visible()
    entry = asked.get_by_placeholder("your prediction")
    entry.click()
    page.keyboard.type("3")
    for number in (1, 2):
        page.keyboard.press("Enter")
        said = asked.get_by_text("The kernel behind this question has ended.")
        expect(said).to_be_visible()
        page.keyboard.type(str(number))
    expect(entry).to_have_value("312")
    page.wrong.clear()
