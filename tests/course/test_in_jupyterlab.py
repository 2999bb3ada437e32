"""Pictures and questions in a real JupyterLab: by keyboard, in both themes, and opened again."""

import ast
import contextlib
import re
import shutil

import nbformat
import pytest
from playwright.sync_api import expect

from course.widgets.frame import look
from grader.notebook import places, workspace
from grader.start.paths import LABEXTENSIONS
from tests.fixtures.browser import barriers, browser_page, jupyterlab, keep_picture, menu
from tests.fixtures.lesson_texts import LESSONS, ROOT, cells

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


KEPT = """\
from IPython.display import display

display(ask("start-predict"), ask("start-choose"), ask("start-order"))
"""
"""Questions of the course, whose answers are recorded; the kernel knows `ask` from its start."""
BUSY = """\
import pathlib
import time

while pathlib.Path("busy").exists():
    time.sleep(0.05)
"""
"""Ends when a file is taken away beside the notebook."""


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
    """What JupyterLab serves: a workspace, a notebook of a picture, of questions, and of lessons'
    pictures, and one of the course's own questions.
    """
    folder = tmp_path_factory.mktemp("lab")
    workspace.build(ROOT, folder)
    notebook(folder / "kept.ipynb", KEPT, BUSY, "1 + 1")
    notebook(folder / "all.ipynb", PICTURE, QUESTIONS, *PICTURED.values())
    return folder


@pytest.fixture(scope="module")
def lab(folder):
    """JupyterLab on the folder: its address."""
    extension = "--ServerApp.jpserver_extensions=grader.start=True"
    landing = f"--LabApp.extra_labextensions_path={LABEXTENSIONS}"
    record = str(folder / "record")
    settings = {"subshells": False, "AUTOGRAD_COURSE_DATA": record}
    with jupyterlab(folder, extension, landing, **settings) as address:
        yield address


@pytest.fixture(scope="module")
def page(lab, program):
    """The notebook in a real browser, every cell run; opened once, for this takes the time."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    with browser_page(program(*names)) as page:
        page.set_viewport_size({"width": 1400, "height": 900})
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


# The size of a picture's smallest text on the screen; and texts that the end of a line cuts.
LETTERS = """frame => {
    let smallest = Infinity;
    const cut = [];
    for (const line of frame.querySelectorAll(':scope > svg')) {
        const shown = line.getBoundingClientRect();
        const scale = shown.width / line.viewBox.baseVal.width;
        for (const text of line.querySelectorAll('text')) {
            const box = text.getBoundingClientRect();
            const inside = shown.left - 1 <= box.left && box.right <= shown.right + 1;
            const outside = box.right <= shown.left || shown.right <= box.left;
            if (!inside && !outside) cut.push(text.textContent);
            smallest = Math.min(smallest, parseFloat(getComputedStyle(text).fontSize) * scale);
        }
    }
    return [smallest, cut];
}"""


@pytest.mark.parametrize(
    ("width", "files", "letters"),
    [(1400, True, 9), (800, True, 0), (800, False, 8)],
    ids=["1400", "800", "no-files"],
)
def test_every_picture_fits_its_cell_under_its_sentence_and_its_controls(
    page, width, files, letters
):
    """At 800 px with the list of files open beside it, and without.

    Where a graph is too wide to be read, it is broken into lines, between two columns.
    """
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    if not files:
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
            smallest, cut = frame.evaluate(LETTERS)
            assert smallest >= letters
            assert cut == []
            whole = player.bounding_box()
            assert whole["height"] <= 760  # what JupyterLab leaves of 900
            for part in player.locator("button:visible, select").all():
                box = part.bounding_box()
                assert box["x"] + box["width"] <= whole["x"] + whole["width"] + 1
        broken = page.locator(".ag-frame:has(> svg[aria-hidden])").count()
        assert bool(broken) == (width == 800)
    finally:
        if not files:
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
    if lesson in PICTURED_AT:
        for step in range(2, PICTURED_AT[lesson] + 1):
            page.keyboard.press("ArrowRight")
            expect(player.get_by_role("status")).to_contain_text(f"Step {step} of")
        keep_picture(player, lesson.partition("-")[2])
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
    still = asked.locator(".cq-still").first  # the live form has taken its place,
    expect(still).to_be_hidden()
    expect(still).to_have_attribute("hidden", "")  # in editors without JupyterLab's classes too
    cells_of_all = page.locator(".jp-Notebook .jp-CodeCell")
    count = cells_of_all.count()

    option = asked.locator("summary:visible", has_text="three")
    press(page, option, "Enter")
    expect(page.get_by_text("Not so. Too few.").filter(visible=True)).to_be_visible()
    press(page, asked.locator("summary:visible", has_text="five"), "Space")
    expect(page.get_by_text("Right. Both.").filter(visible=True)).to_be_visible()
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
    page.keyboard.press("x")
    assert cells_of_all.count() == count
    page.keyboard.press("Control+s")  # with a modifier a key is JupyterLab's on a button too
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)

    assert text_contrast(page, said.last) >= look.TEXT_CONTRAST
    assert barriers(page, ".cq") == []
    menu(page, "Settings", "Theme", "JupyterLab Dark")
    expect(page.locator("body[data-jp-theme-light='false']")).to_have_count(1)
    assert text_contrast(page, said.last) >= look.TEXT_CONTRAST
    assert text_contrast(page, option) >= look.TEXT_CONTRAST
    assert barriers(page, ".cq") == []


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


# questions of the course, in a notebook of their own


@pytest.fixture(scope="module")
def kept(lab, page):
    """A notebook of the course's questions, asked."""
    own = page.context.new_page()
    own.goto(f"{lab}/lab/workspaces/kept/tree/kept.ipynb")
    expect(own.get_by_text(re.compile(r"\| Idle"))).to_be_visible(timeout=60_000)
    own.bring_to_front()
    run(own, 0)
    expect(own.get_by_placeholder("your prediction")).to_be_visible(timeout=60_000)
    yield own
    own.close()


def run(page, number):
    """Run a cell, and stay at it."""
    cell(page, number).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def begin(page):
    """An empty field for a prediction, with the focus."""
    again = cell(page, 0).get_by_role("button", name="Try again").first
    if again.is_visible():
        again.click()
    entry = page.get_by_placeholder("your prediction")
    entry.click()
    expect(entry).to_have_value("")
    return entry


@contextlib.contextmanager
def busy(page, folder):
    """The kernel at work on another cell, for as long as it takes."""
    mark = folder / "busy"
    mark.touch()
    run(page, 1)
    yield
    mark.unlink()


@pytest.mark.parametrize(
    "while_", [lambda *_: contextlib.nullcontext(), busy], ids=["idle", "busy"]
)
def test_the_whole_prediction_is_judged_however_fast_it_was_typed(page, kept, folder, while_):
    """A front end that sends the text piece by piece judged `3.5` as `3`, and called it right."""
    for delay, key in ((0, True), (0, False), (20, True), (80, False), (200, True)):
        with while_(kept, folder):
            entry = begin(kept)
            kept.keyboard.type("3.5", delay=delay)
            if key:
                kept.keyboard.press("Enter")
            else:
                cell(kept, 0).get_by_role("button", name="Commit and run").click()
        said = cell(kept, 0).get_by_role("alert").first
        expect(said).to_contain_text("Not so. You predicted 3.5.", timeout=20_000)
        expect(entry).to_have_value("3.5")


AT_WORK = """() => [
    [...document.querySelectorAll('.jp-Notebook .jp-Cell')]
        .findIndex(cell => cell.classList.contains('jp-mod-active')),
    document.activeElement.matches('input, textarea, button')]"""


def at_work(page):
    """The active cell's number, and whether the focus is in a field."""
    return page.evaluate(AT_WORK)


def works_at(page, number):
    """Wait until a cell is the active one, and the focus in no field."""
    page.wait_for_function(
        f"number => {{ const [cell, typing] = ({AT_WORK})(); return cell == number && !typing }}",
        arg=number,
    )


@pytest.mark.parametrize(
    ("key", "cell_after"), [("Escape", 0), ("Control+Enter", 0), ("Shift+Enter", 1)]
)
@pytest.mark.parametrize("settled", [True, False], ids=["answered", "open"])
def test_keys_leave_the_field_and_go_on(page, kept, key, cell_after, settled):
    begin(kept)
    if settled:
        kept.keyboard.type("3.5")
        kept.keyboard.press("Enter")
        expect(cell(kept, 0).get_by_role("button", name="Try again")).to_be_visible()
    assert at_work(kept) == [0, True]
    ran = cell(kept, 0).locator(".jp-InputPrompt").first.inner_text()
    kept.keyboard.press(key)
    works_at(kept, cell_after)
    assert cell(kept, 0).locator(".jp-InputPrompt").first.inner_text() == ran  # asked once
    kept.keyboard.press("ArrowUp")  # a key of JupyterLab's again
    kept.wait_for_function(
        "() => document.querySelector('.jp-Notebook .jp-Cell').classList.contains('jp-mod-active')"
    )


@pytest.mark.parametrize("key", ["Control+Enter", "Shift+Enter"])
def test_a_key_that_runs_a_cell_commits_what_stands_in_the_field(page, kept, key):
    entry = begin(kept)
    kept.keyboard.type("3.4")
    kept.keyboard.press(key)
    said = cell(kept, 0).get_by_role("alert").first
    expect(said).to_contain_text("You predicted 3.4.")
    expect(entry).to_have_value("3.4")


def test_a_click_on_the_cells_number_takes_the_focus_from_the_field(page, kept):
    begin(kept)
    cell(kept, 0).locator(".jp-InputPrompt").first.click()
    works_at(kept, 0)


def test_an_empty_field_is_not_judged_and_the_first_answer_stays(page, kept):
    again = cell(kept, 0).get_by_role("button", name="Try again")
    if not again.is_visible():  # no test before this one has answered
        begin(kept)
        kept.keyboard.type("3.5")
        kept.keyboard.press("Enter")
        expect(again).to_be_visible()
    entry = begin(kept)
    kept.keyboard.press("Enter")
    expect(cell(kept, 0).get_by_text("Write a prediction first.")).to_be_visible()
    kept.keyboard.type("3")
    kept.keyboard.press("Enter")
    first = re.compile(r"Your first answer was not right: 3\.[45]\.")  # another test's, perhaps
    expect(cell(kept, 0).get_by_text(first)).to_be_visible()
    expect(cell(kept, 0).get_by_role("alert").first).to_contain_text("Right. You predicted 3.")
    expect(entry).to_be_focused()


def test_options_and_orders_are_recorded_and_the_start_page_counts_them(lab, page, kept):
    # What another test made the kernel do is done.
    busy = kept.locator(".jp-InputPrompt", has_text="*")
    expect(busy).to_have_count(0, timeout=30_000)
    kept.locator("summary:visible", has_text="(2,)").click()
    expect(kept.get_by_text("That is t.sum(1).").filter(visible=True)).to_be_visible()
    lines = kept.locator(".cq-lines button")
    check = kept.get_by_role("button", name="Check the order")
    check.click()
    expect(kept.get_by_text("Place every line first: 3 left.")).to_be_visible()
    for text in ("two = ", "three = ", "total = ", "total = ", "total = "):
        lines.filter(has_text=text).first.click()
    expect(lines.filter(has_text="total = ")).to_contain_text("3.")
    check.click()
    expect(kept.get_by_text("This order works")).to_be_visible(timeout=20_000)
    start = page.context.new_page()
    start.goto(f"{lab}/start.html")
    counted = re.compile(r"[23] of 3 questions answered")  # the prediction is another test's
    expect(start.get_by_text(counted).first).to_be_visible()
    start.close()


def test_a_kernel_that_is_busy_with_another_cell_is_named_until_it_answers(page, kept, folder):
    with busy(kept, folder):
        begin(kept)
        kept.keyboard.type("3.5")
        kept.keyboard.press("Enter")
        late = kept.get_by_text("No answer yet: the kernel is busy")
        expect(late).to_be_visible(timeout=15_000)
    expect(cell(kept, 0).get_by_role("alert").first).to_contain_text("Not so.", timeout=20_000)
    expect(late).to_be_hidden()


def test_a_kernel_that_has_ended_is_named_instead_of_a_verdict(page, kept):
    """And what was typed stays, to be sent once the cell was run again."""
    entry = begin(kept)
    menu(kept, "Kernel", "Shut Down Kernel")
    expect(kept.get_by_text(re.compile(r"No Kernel \|"))).to_be_visible(timeout=15_000)
    entry.click()
    kept.keyboard.type("3")
    for number in (1, 2):
        kept.keyboard.press("Enter")
        said = kept.get_by_text("The kernel behind this question has ended.")
        expect(said).to_be_visible()
        kept.keyboard.type(str(number))
    expect(entry).to_have_value("312")


# the start page


def test_every_link_of_the_start_page_leads_to_a_cell_that_is_there(folder, lab, page):
    start = page.context.new_page()
    start.goto(f"{lab}/start.html")
    links = [link.get_attribute("href") for link in start.get_by_role("link").all()]
    assert len(links) > 64
    for link in links:
        path, _, where = link.removeprefix("/lab").removeprefix("/tree/").partition("#cell-id=")
        if path:
            cells_there = nbformat.read(folder / path, 4).cells
            assert not where or where in [one.id for one in cells_there]
    start.close()


# A cell by what it begins with, once it is the active one and in sight.
LANDED = """begins => {
    const cell = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-mod-active');
    const { top = 0, bottom = 0 } = cell?.getBoundingClientRect() ?? {};
    const plain = text => text.replace(/[^\\p{L}\\p{N}]/gu, '');
    return 0 < bottom && top < innerHeight && plain(cell.textContent).includes(plain(begins));
}"""


def test_the_start_page_is_followed_from_its_first_link_to_its_last(folder, lab, page):
    """In the first, the middle and the last part one link: its first, its last, its middle one.

    Where each link leads, the tests of the start page hold.
    """
    start = page.context.new_page()
    start.goto(f"{lab}/start.html")
    parts = start.locator("section[aria-labelledby^=part-]")
    followed = [start.locator("a.on").first]
    for number, part in enumerate(parts.all()[::7]):
        count = part.get_by_role("link").count()
        at = (0, count - 1, count // 2)[number % 3]
        followed.append(part.get_by_role("link").nth(at))
    assert len(followed) == 4
    for link in followed:
        target = link.get_attribute("href").removeprefix("/lab/tree/")
        place, _, where = target.partition("#cell-id=")
        cells_there = nbformat.read(folder / place, 4).cells
        begins = next((one.source for one in cells_there if one.id == where), "")
        link.click()
        shown = start.locator(".lm-TabBar-tab.lm-mod-current", has_text=place.split("/")[-1])
        expect(shown.first).to_be_visible(timeout=60_000)
        if begins.startswith("#"):
            start.wait_for_function(LANDED, arg=begins.splitlines()[0], timeout=60_000)
        start.goto(f"{lab}/start.html")
    start.get_by_role("link", name="Open JupyterLab as you left it").click()
    expect(start.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
    start.close()


def test_a_start_page_whose_server_has_stopped_says_so_and_leads_on_once_it_is_back(lab, page):
    start = page.context.new_page()
    start.goto(f"{lab}/start.html")
    link = start.get_by_role("link", name="Open JupyterLab as you left it")
    said = start.get_by_role("alert")
    expect(said).to_have_text("")
    start.route("**/*", lambda asked: asked.abort("connectionrefused"))
    link.click()
    expect(said).to_contain_text("The server behind this page has stopped. Start it again")
    expect(said).to_be_in_viewport()
    assert barriers(start, "#gone") == []
    assert start.url == f"{lab}/start.html"
    page.wrong.clear()  # the browser writes down that it found nobody
    start.unroute("**/*")
    link.click()
    expect(start.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
    start.close()


def test_files_are_listed_in_the_order_of_the_course_and_leave_a_narrow_window_alone(lab, page):
    narrow = page.context.new_page()
    narrow.set_viewport_size({"width": 800, "height": 900})
    narrow.goto(f"{lab}/lab/workspaces/narrow/tree/lessons/lesson-01b-graphs.ipynb")
    listed = narrow.locator(".jp-DirListing-itemText")
    expect(narrow.locator("#jp-MainLogo[role=link]")).to_be_visible(timeout=60_000)
    expect(narrow.locator("#jp-left-stack")).to_be_hidden()
    narrow.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.click()
    narrow.keyboard.press("Escape")
    narrow.keyboard.press("Control+b")
    expect(listed.first).to_be_visible()
    lessons = [name for name in listed.all_inner_texts() if name.startswith("lesson-")]
    assert lessons == [places.lesson(lesson.stem).name for lesson in LESSONS]
    narrow.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_start_page_can_be_read_in_both_schemes(lab, page, scheme):
    start = page.context.new_page()
    start.emulate_media(color_scheme=scheme)
    start.goto(f"{lab}/start.html")
    for selector in ("h1", "a >> nth=1", ".soft >> nth=0", ".state >> nth=0"):
        pair = start.locator(selector).first.evaluate(
            "e => [getComputedStyle(e).color,"
            " getComputedStyle(e.closest('section, body')).backgroundColor]"
        )
        colours = ["#" + "".join(f"{int(n):02x}" for n in re.findall(r"\d+", c)[:3]) for c in pair]
        assert look.contrast(*colours) >= look.TEXT_CONTRAST, (selector, pair)
    assert barriers(start, "html") == []
    for width in (320, 800, 1400):
        start.set_viewport_size({"width": width, "height": 900})
        assert start.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    start.close()


def test_by_keyboard_from_the_start_page_to_an_exercise_the_first_time(lab, page):
    start = page.context.new_page()
    start.goto(f"{lab}/start.html")
    link = start.get_by_role("link", name="6. Two heads")
    link.focus()
    assert link.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    start.keyboard.press("Enter")
    heading = start.get_by_role("heading", name=re.compile(r"^6\. Two heads"))
    expect(heading).to_be_in_viewport(timeout=60_000)
    active = start.locator(".jp-Notebook .jp-Cell.jp-mod-active")
    expect(active).to_contain_text("6. Two heads")  # so that Shift+Enter goes on from here
    start.get_by_role("link", name="Start page").press("Enter")
    expect(start.get_by_role("heading", name="PyTorch autograd")).to_be_visible()
    start.close()


def test_a_picture_whose_kernel_has_gone_says_so_and_what_to_do(page):
    menu(page, "Kernel", "Restart Kernel…")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    player = cell(page, 0).locator(".ag-player")
    expect(player.locator(".ag-gone")).to_contain_text("Run this cell again", timeout=20_000)
    expect(player.get_by_role("img").first).to_be_visible()
    page.wrong.clear()  # the questions and pictures of all cells have lost their kernel
