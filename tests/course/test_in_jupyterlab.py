"""Pictures and questions in a real JupyterLab: by keyboard, in both themes, and opened again."""

import ast
import re
import shutil

import nbformat
import pytest
from playwright.sync_api import expect

from course.widgets.frame import look
from tests.fixtures.browser import barriers, browser_page, jupyterlab, kept, menu
from tests.fixtures.lesson_texts import LESSONS, cells

PICTURE = """\
import torch
from course.widgets import explore

x = torch.tensor(2.0, requires_grad=True)
w = torch.tensor(1.0, requires_grad=True)
a = x + w
b = w + 1
y = a * b
explore(y)
"""

QUESTIONS = """\
from IPython.display import display
from course.quiz import choice, order, predict


def give():
    return 2 + 3


display(
    choice("Which?", {"three": "Too few.", "five": "Both."}, answer="five"),
    predict("What?", give, why="It adds.", beliefs={"6": "That multiplies."}),
    order("Sort.", {"x": "x = 1", "y": "y = x"}, {("x", "y"): "It needs x."}, gives="y"),
)
"""


def bound(node):
    """The names that a statement or any part of it gives a meaning to."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        elif isinstance(part, ast.alias):
            yield part.asname or part.name.partition(".")[0]
        elif isinstance(part, ast.FunctionDef | ast.ClassDef):
            yield part.name


def first_picture(lesson):
    """The source of a lesson's first picture and of the cells that it needs; "" without one."""
    code = [cell.source for cell in cells(lesson) if cell.cell_type == "code"]
    first = next((i for i, source in enumerate(code) if re.search(r"^explore", source, re.M)), -1)
    needed, sources = set(), []
    for source in reversed(code[: first + 1]):
        tree = ast.parse(source)
        given = set(bound(tree))
        if not sources or needed & given:
            sources.insert(0, source)
            used = {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)}
            needed = (needed | used) - given
    return "\n\n".join(sources)


PICTURED_AT = {"05-hooks": 30, "06-optimizer-loop": 12}  # steps that the README shows
PICTURED = {lesson.stem: source for lesson in LESSONS if (source := first_picture(lesson))}


def notebook(path, *sources):
    """A notebook that was never run."""
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in sources])
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content.metadata.kernelspec = kernel
    nbformat.write(content, path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What JupyterLab serves: a notebook of a picture, of questions, and of lessons' pictures."""
    folder = tmp_path_factory.mktemp("lab")
    notebook(folder / "all.ipynb", PICTURE, QUESTIONS, *PICTURED.values())
    return folder


@pytest.fixture(scope="module")
def lab(folder):
    """JupyterLab on the folder: its address."""
    with jupyterlab(folder) as address:
        yield address


@pytest.fixture(scope="module")
def page(lab, program):
    """The notebook in a real browser, every cell run; opened once, for this takes the time."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    with browser_page(program(*names)) as page:
        page.goto(f"{lab}/lab/tree/all.ipynb")
        expect(page.get_by_text(re.compile(r"\| Idle"))).to_be_visible(timeout=60_000)
        menu(page, "Run", "Run All Cells")
        expect(page.locator(".ag-player.ag-alive")).to_have_count(
            1 + len(PICTURED), timeout=120_000
        )
        yield page


@pytest.fixture(autouse=True)
def nothing_goes_wrong(request):
    """No error in the browser, and no request to another machine."""
    yield
    if "page" in request.fixturenames:
        page = request.getfixturevalue("page")
        assert page.wrong == []
        assert page.asked_elsewhere == []


def cell(page, number):
    """One cell of the notebook, with its outputs."""
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number)


def go_to_the_end(page, player):
    """Press End on the slider of steps."""
    player.get_by_role("slider", name="step").focus()
    page.keyboard.press("End")
    expect(player.get_by_role("status")).to_have_text(re.compile(r"^Step (\d+) of \1\b"))


def choose_the_next(page, player):
    """Choose by keyboard what else to show, from a step where it looks different; wait for it."""
    frame, choices = player.locator(".ag-frame"), player.get_by_role("combobox")
    before = frame.inner_html()
    choices.focus()
    page.keyboard.press("ArrowDown")
    expect(frame).not_to_have_js_property("innerHTML", before)
    expect(choices).to_be_focused()
    steps = re.match(r"Step \d+ of (\d+)", player.get_by_role("status").text_content())[1]
    slider = player.get_by_role("slider", name="step")  # drawn anew where the steps are others
    expect(slider).to_have_attribute("aria-valuemax", f"{steps}.0")


def test_a_picture_is_stepped_by_keyboard_and_says_each_step(page):
    shown = cell(page, 0)
    player = shown.locator(".ag-player.ag-alive")
    said = player.get_by_role("status")
    expect(said).to_contain_text("Step 0 of 10: x and w are leaves")
    expect(shown.locator(".ag-still")).to_have_count(0)  # the live picture has taken its place
    same_region = said.element_handle()

    player.get_by_role("combobox", name="run").focus()
    page.keyboard.press("Tab")
    expect(player.get_by_role("button", name="One step back")).to_be_focused()
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

    go_to_the_end(page, player)
    choose_the_next(page, player)
    expect(said).to_contain_text("the saved tensors are kept")
    expect(player.get_by_role("img")).to_have_attribute("aria-label", re.compile("are kept"))

    page.keyboard.press("Control+s")  # a key that is not the slider's stays JupyterLab's
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)


def test_buttons_go_one_step_back_and_on(page):
    player = cell(page, 0).locator(".ag-player.ag-alive")
    said = player.get_by_role("status")
    player.get_by_role("button", name="Reset").click()
    expect(said).to_contain_text("Step 0 of")
    for name, step in (("on", 1), ("on", 2), ("back", 1), ("back", 0), ("back", 0)):
        player.get_by_role("button", name=f"One step {name}").click()
        expect(said).to_contain_text(f"Step {step} of")


@pytest.mark.parametrize("width", [1400, 800])
def test_every_picture_fits_its_cell_under_its_sentence_and_its_controls(page, width):
    """At 800 px with the file browser closed, as whoever has so small a screen will have it."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    if width == 800:
        page.keyboard.press("Control+b")
    try:
        for player in page.locator(".ag-player.ag-alive").all():
            player.scroll_into_view_if_needed()
            frame, said = player.locator(".ag-frame"), player.get_by_role("status")
            page.wait_for_function(
                "frame => frame.scrollWidth <= frame.clientWidth + 1", arg=frame.element_handle()
            )
            tops = [
                part.bounding_box()["y"]
                for part in (player.get_by_role("button", name="Reset"), said, frame)
            ]
            assert tops == sorted(tops)
            whole = player.bounding_box()
            assert whole["height"] <= 760  # what JupyterLab leaves of 900
            for part in player.locator("button:visible, select").all():
                box = part.bounding_box()
                assert box["x"] + box["width"] <= whole["x"] + whole["width"] + 1
    finally:
        if width == 800:
            page.keyboard.press("Control+b")
        page.set_viewport_size(before)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_nothing_in_a_picture_keeps_anybody_out(page, theme):
    menu(page, "Settings", "Theme", theme)
    light = str(theme.endswith("Light")).lower()
    expect(page.locator(f"body[data-jp-theme-light='{light}']")).to_have_count(1)
    try:
        assert barriers(page, ".ag-player") == []
    finally:
        if light == "false":
            menu(page, "Settings", "Theme", "JupyterLab Light")


@pytest.mark.parametrize("lesson", PICTURED)
def test_the_picture_of_a_lesson_is_moved_by_keyboard(page, lesson):
    player = cell(page, 2 + list(PICTURED).index(lesson)).locator(".ag-player.ag-alive")
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
    for _ in range(PICTURED_AT.get(lesson, 1) - 1):
        page.keyboard.press("ArrowRight")
    kept(player, lesson.partition("-")[2])
    for number in range(player.get_by_role("combobox").locator("option").count()):
        if number:
            choose_the_next(page, player)
        go_to_the_end(page, player)


def press(page, target, key):
    """Press a key on something that can have the focus, and show that it visibly has it."""
    target.focus()
    assert target.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press(key)


def text_contrast(page, target):
    """The contrast of a text with the card it stands on, as WCAG 2 defines it."""
    pair = target.evaluate(
        "e => [getComputedStyle(e).color,"
        " getComputedStyle(e.closest('.jp-ThemedContainer, body'))"
        ".getPropertyValue('--jp-layout-color0')]"
    )
    canvas = page.evaluate(
        """pair => pair.map(colour => {
            const pen = document.createElement('canvas').getContext('2d');
            pen.fillStyle = 'white'; pen.fillRect(0, 0, 1, 1);
            pen.fillStyle = colour.trim(); pen.fillRect(0, 0, 1, 1);
            return '#' + [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3)
                .map(c => c.toString(16).padStart(2, '0')).join('');
        })""",
        pair,
    )
    return look.contrast(*canvas)


def test_every_kind_of_question_is_answered_by_keyboard_in_both_themes(page):
    asked = cell(page, 1)
    lines = asked.locator(".cq-lines button")
    expect(lines).to_have_count(2)
    expect(asked.locator(".cq-still").first).to_be_hidden()  # the live form has taken its place
    cells_of_all = page.locator(".jp-Notebook .jp-CodeCell")
    count = cells_of_all.count()

    option = asked.locator("summary", has_text="three")
    press(page, option, "Enter")
    expect(page.get_by_text("Not so. Too few.")).to_be_visible()
    press(page, asked.locator("summary", has_text="five"), "Space")
    expect(page.get_by_text("Right. Both.")).to_be_visible()
    page.keyboard.press("x")  # JupyterLab's key for cutting a cell
    assert cells_of_all.count() == count

    entry = asked.get_by_placeholder("your prediction")
    entry.focus()
    page.keyboard.type("6")
    press(page, entry, "Enter")
    said = asked.get_by_role("alert")
    expect(said).to_contain_text("Not so. You predicted 6. That multiplies.")
    expect(entry).to_be_focused()

    check = asked.get_by_role("button", name="Check the order")
    press(page, lines.filter(has_text="x = 1"), "Space")
    expect(lines.filter(has_text="x = 1")).to_contain_text("1.")
    press(page, lines.filter(has_text="y = x"), "Enter")
    expect(lines.filter(has_text="y = x")).to_contain_text("2.")
    press(page, check, "Space")
    expect(said.last).to_contain_text("Right. This order works")

    assert text_contrast(page, said.last) >= look.TEXT_CONTRAST
    menu(page, "Settings", "Theme", "JupyterLab Dark")
    expect(page.locator("body[data-jp-theme-light='false']")).to_have_count(1)
    assert text_contrast(page, said.last) >= look.TEXT_CONTRAST
    assert text_contrast(page, option) >= look.TEXT_CONTRAST


def test_a_notebook_opened_again_shows_pictures_and_questions_still_and_no_error(folder, lab, page):
    """Its kernel has ended, as on another day: a copy of what was saved has none yet."""
    page.keyboard.press("Control+s")
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    shutil.copy(folder / "all.ipynb", folder / "again.ipynb")
    again = page.context.new_page()
    again.goto(f"{lab}/lab/workspaces/again/tree/again.ipynb")
    still = again.locator(".ag-still").first
    still.locator("svg").wait_for(timeout=60_000)
    assert "Step 10 of 10: done" in still.locator("desc").text_content()
    folded = again.locator("summary", has_text="Commit to a prediction")
    expect(folded).to_be_visible()
    press(again, folded, "Enter")
    expect(again.locator("details[open]", has_text="It adds.")).to_be_visible()
    errors = again.get_by_text("Error displaying widget")
    errors.first.wait_for(state="attached")  # JupyterLab has written it,
    assert not any(error.is_visible() for error in errors.all())  # and nobody sees it
    again.close()
    page.wrong.clear()  # nor in the console, where each live form says that it has no kernel
