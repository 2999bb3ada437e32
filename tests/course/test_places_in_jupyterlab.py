"""From place to place in a real JupyterLab: a lesson, its exercise, a verdict, a hint, and back."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from grader.cli import lab as lab_command
from grader.notebook import links, places, way, workspace
from grader.start.paths import LABEXTENSIONS
from tests.conftest import ROOT
from tests.fixtures.browser import barriers, browser_page, jupyterlab, keep_picture

SETTINGS = Path(lab_command.__file__).with_name("lab_settings")
LESSON, _ = way.of_course().section("two_path_grad", "01-graphs")
WRONG = "def two_path_grad(x, w):\n    return w + 1, w + 1\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A learner's workspace, in which one exercise has a wrong answer."""
    folder = tmp_path_factory.mktemp("workspace")
    workspace.build(ROOT, folder)
    write_answer(folder, WRONG)
    return folder


def write_answer(folder, source):
    place = folder / "exercises" / "01-graphs" / "01-graphs.ipynb"
    content = json.loads(place.read_text())
    for cell in content["cells"]:
        if cell["id"] == "two_path_grad_answer":
            cell["source"] = source
    place.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def lab(folder, tmp_path_factory):
    """JupyterLab with the course's settings, for somebody without a record: its address."""
    record = str(tmp_path_factory.mktemp("record"))
    settings = f"--LabApp.app_settings_dir={SETTINGS}"
    landing = f"--LabApp.extra_labextensions_path={LABEXTENSIONS}"
    with jupyterlab(folder, settings, landing, AUTOGRAD_COURSE_DATA=record) as address:
        yield address


@pytest.fixture(scope="module")
def page(lab, program):
    """One window of a browser, on a system that is set to dark, at the first lesson."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    with browser_page(program(*names)) as page:
        page.set_viewport_size({"width": 1400, "height": 900})
        page.goto(f"{lab}/lab/tree/{places.lesson(LESSON.name)}")
        page.locator(".jp-MarkdownOutput h1").first.wait_for(timeout=60_000)
        # What is drawn late moves what stands below it: a click could miss.
        expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible(timeout=60_000)
        page.get_by_role("heading", name="Where to go from here").wait_for(state="attached")
        yield page


@pytest.fixture(autouse=True)
def nothing_goes_wrong(page):
    """No error in the browser, and no request to another machine."""
    yield
    assert page.wrong == []
    assert page.asked_elsewhere == []


def shown(page):
    """The notebook that is in front."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")


def lands_at(page, heading):
    """Wait until a heading is the first thing in sight of the notebook in front."""
    page.wait_for_function(
        """text => {
            const panel = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
            const outer = panel?.querySelector('.jp-WindowedPanel-outer');
            const found = [...(panel?.querySelectorAll('h2') ?? [])]
                .find(one => one.textContent.includes(text));
            if (!found || !outer) return false;
            const below = found.getBoundingClientRect().top - outer.getBoundingClientRect().top;
            return -2 <= below && below < 200;
        }""",
        arg=heading,
        timeout=20_000,
    )


def test_a_link_lands_at_its_exercise_although_the_notebook_was_never_opened(page):
    exercise = max(LESSON.sections, key=list(links.known()).index)  # the lowest in its notebook
    title = links.known()[exercise].title
    link = shown(page).get_by_role("link", name=title, exact=True).first
    link.scroll_into_view_if_needed()
    link.click()
    lands_at(page, title)
    # Shift+Enter goes on from there, with that cell alone.
    active = shown(page).locator(".jp-Cell.jp-mod-active h2")
    expect(active).to_contain_text(title, timeout=20_000)
    expect(shown(page).locator(".jp-Cell.jp-mod-selected")).to_have_count(1)


def test_an_exercise_is_failed_hinted_and_solved_by_buttons(page):
    ready = shown(page).locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    ready.wait_for(timeout=60_000)  # before it has its kernel, JupyterLab drops what it is told
    page.keyboard.press("Escape")
    page.locator(".lm-MenuBar-itemLabel:text-is('Run')").click()
    page.locator(".lm-Menu-itemLabel:text-is('Run All Cells')").click()
    notebook = shown(page)
    verdict = notebook.locator(".autograd-verdict[data-outcome='wrong']")
    expect(verdict).to_contain_text("You followed only the path", timeout=60_000)
    buttons = notebook.locator(".autograd-buttons").first
    buttons.get_by_role("button", name="Hint").click()
    expect(buttons).to_contain_text("Hint 1 of 3")
    keep_picture(notebook.locator(".jp-CodeCell:has([data-outcome='wrong'])").first, "verdict")
    buttons.get_by_role("button", name="Solution").click()
    expect(buttons).to_contain_text("There are hints left. To see the solution all the same, press")
    buttons.get_by_role("button", name="Solution").click()
    expect(buttons.locator("pre.autograd-code").first).to_contain_text("def two_path_grad")
    # By keyboard: letters are nobody's on a button, and what has a modifier is JupyterLab's.
    cells = notebook.locator(".jp-Cell")
    count = cells.count()
    page.keyboard.press("Shift+Tab")
    hint = buttons.get_by_role("button", name="Hint")
    expect(hint).to_be_focused()
    assert hint.evaluate("e => getComputedStyle(e).outline").endswith("solid 2px")
    page.keyboard.press("x")
    assert cells.count() == count
    page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-current.jp-mod-dirty")).to_have_count(0)
    left, right = (one.bounding_box() for one in buttons.get_by_role("button").all())
    assert right["x"] - left["x"] - left["width"] >= 4  # as JupyterLab's own stand
    keyword = buttons.locator("pre.autograd-code .k").first
    plain = buttons.locator("pre.autograd-code").first
    colour = "e => getComputedStyle(e).color"
    assert keyword.evaluate(colour) != plain.evaluate(colour)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_systems_theme_is_followed_and_nothing_in_a_verdict_keeps_anybody_out(page, scheme):
    page.emulate_media(color_scheme=scheme)
    light = str(scheme == "light").lower()
    expect(page.locator(f"body[data-jp-theme-light='{light}']")).to_have_count(1, timeout=20_000)
    assert barriers(page, ".autograd-verdict", ".autograd-buttons") == []


def test_a_press_that_no_kernel_hears_is_answered_by_the_buttons_themselves(page):
    page.locator(".lm-MenuBar-itemLabel:text-is('Kernel')").click()
    page.locator(".lm-Menu-itemLabel:text-is('Shut Down Kernel')").click()
    expect(page.get_by_text(re.compile(r"No Kernel \|"))).to_be_visible(timeout=15_000)
    buttons = shown(page).locator(".autograd-buttons").first
    for name in ("Hint", "Solution"):
        buttons.get_by_role("button", name=name).click()
        said = buttons.get_by_role("status").filter(has_text="has ended. Run this cell again")
        expect(said).to_be_visible()


def test_a_verdict_leads_to_the_section_of_the_lesson_and_the_notebook_on(page):
    verdict = shown(page).locator(".autograd-verdict[data-outcome='wrong']").first
    section = verdict.get_by_role("link")
    name = section.text_content()
    section.click()
    lands_at(page, name)
    assert re.match(r"1\.\d+ ", name)


def test_the_way_back_is_found_from_where_nbgrader_fetches_an_assignment_to(page, folder):
    """In a class an assignment lies one folder higher than at home, and its links are the same."""
    fetched = folder / "01-graphs" / "fetched.ipynb"
    fetched.parent.mkdir()
    fetched.write_bytes((folder / "exercises" / "01-graphs" / "01-graphs.ipynb").read_bytes())
    at_home = page.url.partition("/lab")[0]
    other = page.context.new_page()
    other.goto(f"{at_home}/lab/workspaces/fetched/tree/01-graphs/fetched.ipynb")
    back = shown(other).locator(".jp-MarkdownOutput a[href*=lesson-01-graphs]")
    back.first.click(timeout=60_000)
    front = other.locator(".jp-mod-current .lm-TabBar-tabLabel", has_text="lesson-01-graphs.ipynb")
    expect(front).to_have_count(1, timeout=20_000)
    other.close()


def test_a_notebook_opened_again_shows_its_verdicts_and_no_error_in_place_of_buttons(
    page, folder, lab
):
    page.locator(".lm-TabBar-tabLabel:text-is('01-graphs.ipynb')").click()
    page.keyboard.press("Control+s")
    saved = page.locator(".lm-TabBar-tab.jp-mod-dirty", has_text="01-graphs.ipynb")
    expect(saved.filter(has_not_text="lesson")).to_have_count(0)
    place = folder / "exercises" / "01-graphs"
    (place / "again.ipynb").write_bytes((place / "01-graphs.ipynb").read_bytes())
    again = page.context.new_page()
    again.goto(f"{lab}/lab/workspaces/again/tree/exercises/01-graphs/again.ipynb")
    again.locator(".autograd-verdict").first.wait_for(timeout=60_000)
    errors = again.get_by_text("Error displaying widget")
    errors.first.wait_for(state="attached")
    assert not any(error.is_visible() for error in errors.all())
    again.close()
    page.wrong.clear()  # in the console each set of buttons says that it has no kernel
