"""The pictures in a real JupyterLab, moved by keyboard, and on pages without a kernel."""

import re

import nbformat
import pytest

from grader.notebook import workspace
from tests.conftest import ROOT, run
from tests.fixtures.browser import browser_page, end_every_kernel, jupyterlab, menu
from tests.fixtures.lesson_texts import LESSONS, cells

PICTURED = [
    lesson
    for lesson in LESSONS
    if any("explore" in cell.source for cell in cells(lesson) if cell.cell_type == "code")
]

SOURCE = """\
import torch
from course.widgets import explore

x = torch.tensor(2.0, requires_grad=True)
w = torch.tensor(1.0, requires_grad=True)
a = x + w
b = w + 1
y = a * b
explore(y)
"""


def notebook(folder):
    """A notebook of one cell that explores y, in ``folder``."""
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SOURCE)])
    content.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(content, folder / "try.ipynb")
    return folder / "try.ipynb"


def test_an_exported_notebook_shows_the_picture_and_its_sentence(tmp_path):
    path = notebook(tmp_path)
    done = run("nbconvert", "--to", "html", "--execute", path, cwd=tmp_path)
    page = (tmp_path / "try.html").read_text()
    assert done.returncode == 0, done.stdout
    assert 'class="ag-static"' in page
    assert "<desc>Step 10 of 10: done: x.grad = 2 and w.grad = 5" in page
    assert "Alternative text is missing" not in done.stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a learner's workspace with one more notebook, which explores y: its address."""
    folder = tmp_path_factory.mktemp("lab")
    workspace.build(ROOT, folder)
    notebook(folder)
    with jupyterlab(folder) as address:
        yield address


@pytest.fixture
def page(program):
    """A page of a real browser."""
    with browser_page(program("chromium", "chromium-browser", "google-chrome", "chrome")) as page:
        yield page


def opened(lab, page, layout, notebook):
    """Open a notebook and wait for its kernel. JupyterLab opens again what a layout held before."""
    from playwright.sync_api import expect

    page.goto(f"{lab}/lab/workspaces/{layout}/tree/{notebook}")
    expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible(timeout=60_000)


def explored(lab, page):
    """Open the notebook and run its cell; the live picture, once it answers."""
    opened(lab, page, "try", "try.ipynb")
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").click()
    page.keyboard.press("Control+Enter")
    player = page.locator(".ag-player.ag-alive")
    player.wait_for(timeout=60_000)
    return player


def test_in_jupyterlab_the_picture_is_stepped_by_keyboard_and_says_each_step(lab, page):
    from playwright.sync_api import expect

    player = explored(lab, page)
    said = player.get_by_role("status")
    expect(said).to_contain_text("Step 0 of 10: x and w are leaves")
    expect(page.locator(".ag-still")).to_have_count(0)  # the live picture has taken its place
    same_region = said.element_handle()

    player.get_by_role("combobox", name="run").focus()
    page.keyboard.press("Tab")
    expect(player.get_by_role("slider", name="step")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("Step 1 of 10: forward computes a = 3")
    assert said.evaluate("(now, then) => now === then", same_region)
    assert said.get_attribute("aria-live") == "polite"
    outline = player.locator(".noUi-handle").evaluate(
        "handle => getComputedStyle(handle).outlineStyle + getComputedStyle(handle).boxShadow"
    )
    assert outline != "nonenone"  # focus can be seen
    page.keyboard.press("End")
    expect(said).to_contain_text("Step 10 of 10: done: x.grad = 2 and w.grad = 5")

    player.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Enter")
    expect(said).to_contain_text("Step 0 of 10")
    player.get_by_role("button", name="Play or pause").focus()
    page.keyboard.press("Space")
    expect(said).to_contain_text("Step 2 of 10", timeout=20_000)
    page.keyboard.press("Space")

    player.get_by_role("combobox", name="run").focus()
    page.keyboard.press("ArrowDown")
    player.get_by_role("slider", name="step").focus()
    page.keyboard.press("End")
    expect(said).to_contain_text("the saved tensors are kept")
    expect(player.get_by_role("img")).to_have_attribute("aria-label", re.compile("are kept"))

    page.keyboard.press("Control+s")  # a key that is not the slider's stays JupyterLab's
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    assert page.wrong == []
    assert page.asked_elsewhere == []


def test_a_notebook_opened_again_shows_the_still_picture_and_no_error(lab, page):
    from playwright.sync_api import expect

    explored(lab, page)
    page.keyboard.press("Control+s")
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    end_every_kernel(page, lab)
    page.goto(f"{lab}/lab/tree/try.ipynb")
    still = page.locator(".ag-still")
    still.locator("svg").wait_for(timeout=60_000)
    assert "Step 10 of 10: done" in still.locator("desc").text_content()
    error = page.get_by_text("Error displaying widget")
    error.wait_for(state="attached")  # JupyterLab has written it,
    assert not error.is_visible()  # and nobody sees it


@pytest.mark.parametrize("lesson", PICTURED, ids=lambda lesson: lesson.stem)
def test_the_picture_of_a_lesson_is_moved_by_keyboard(lab, page, lesson, tmp_path):
    from playwright.sync_api import expect

    opened(lab, page, lesson.stem, f"lessons/{lesson.stem}.ipynb")
    menu(page, "Run", "Run All Cells")
    player = page.locator(".ag-player.ag-alive").first
    player.wait_for(timeout=120_000)
    picture = player.get_by_role("img").first
    slider = player.get_by_role("slider", name="step")
    slider.focus()
    page.keyboard.press("Home")
    expect(player.get_by_role("status")).to_contain_text("Step 0 of")
    first = picture.inner_html(), picture.get_attribute("aria-label")
    page.keyboard.press("ArrowRight")
    expect(player.get_by_role("status")).to_contain_text("Step 1 of")
    second = picture.inner_html(), picture.get_attribute("aria-label")
    assert all(now != then for now, then in zip(first, second, strict=True))
    choices = player.get_by_role("combobox")
    for _ in range(choices.locator("option").count()):
        slider.focus()
        page.keyboard.press("End")
        expect(player.get_by_role("status")).to_have_text(re.compile(r"^Step (\d+) of \1\b"))
        player.screenshot(path=tmp_path / f"{lesson.stem}.png")
        choices.focus()
        page.keyboard.press("ArrowDown")
        expect(choices).to_be_focused()
    assert page.wrong == []
    assert page.asked_elsewhere == []
