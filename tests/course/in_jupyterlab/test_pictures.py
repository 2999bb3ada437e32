"""Pictures in a real JupyterLab: each moved by keyboard, in its place, open to everybody."""

import os
import re

import pytest
from playwright.sync_api import expect

from tests.course.in_jupyterlab.elements import (
    DRAWN,
    PICTURED,
    PICTURED_AT,
    PICTURES,
    PLACE,
    first_picture,
)
from tests.fixtures.browser import COLOURS, barriers, keep_picture
from tests.fixtures.in_jupyterlab import DIRTY, FRONT, cell, notebook


@pytest.fixture(scope="module")
def drawn(lab):
    """The notebook of every lesson's first picture, open and run for as long as it is needed."""
    notebook(lab.folder / PICTURES, *map(first_picture, PICTURED.values()))
    shown = lab.open(PICTURES)
    lab.do("notebook:run-all-cells")
    alive = shown.locator(".ag-player.ag-alive")
    expect(alive).to_have_count(len(PICTURED))
    yield
    lab.leave_open(PLACE)


@pytest.fixture
def pictures(lab, drawn):
    """That notebook, in front."""
    return lab.open(PICTURES)


@pytest.fixture
def player(elements):
    """The picture of a small graph."""
    return cell(elements, DRAWN).locator(".ag-player.ag-alive")


def go_to_the_end(page, player):
    """Press End on the slider of steps."""
    player.get_by_role("slider", name="step").focus()
    page.keyboard.press("End")
    expect(player.get_by_role("status")).to_have_text(re.compile(r"^Step (\d+) of \1\b"))


# Of the picture whose choices have the focus: what it shows,
REMEMBERED = """() => {
    const frame = document.activeElement.closest('.ag-player').querySelector('.ag-frame');
    frame.before = frame.innerHTML;
}"""
# and whether that has changed. Its slider is drawn anew where the steps are others.
CHANGED = """() => {
    const player = document.activeElement.matches('select')
        && document.activeElement.closest('.ag-player');
    if (!player) return false;
    const frame = player.querySelector('.ag-frame');
    const said = player.querySelector('[role=status]').textContent;
    const last = player.querySelector('[role=slider]')?.getAttribute('aria-valuemax');
    return frame.innerHTML !== frame.before && said.match(/^Step \\d+ of (\\d+)/)[1] === `${+last}`;
}"""


def choose_the_next(page, player):
    """Choose by keyboard what else to show, from a step where it looks different; wait for it.

    The choices keep the focus.
    """
    player.get_by_role("combobox").focus()
    page.evaluate(REMEMBERED)
    page.keyboard.press("ArrowDown")
    page.wait_for_function(CHANGED, polling=50)


def test_a_picture_is_stepped_by_keyboard_and_says_each_step(page, elements, player):
    said = player.get_by_role("status")
    expect(said).to_contain_text("Step 0 of 10: x and w are leaves")
    # The live picture has taken the place of the still one.
    expect(cell(elements, DRAWN).locator(".ag-still")).to_have_count(0)
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
    expect(said).to_contain_text("Step 2 of 10")
    page.keyboard.press("Space")

    go_to_the_end(page, player)
    choose_the_next(page, player)
    expect(said).to_contain_text("the saved tensors are kept")
    expect(player.get_by_role("img")).to_have_attribute("aria-label", re.compile("are kept"))

    page.keyboard.press("Control+s")  # a key that is not the slider's stays JupyterLab's
    expect(page.locator(DIRTY)).to_have_count(0)


def test_buttons_go_one_step_back_and_on(player):
    said = player.get_by_role("status")
    player.get_by_role("button", name="Reset").click()
    expect(said).to_contain_text("Step 0 of")
    for name, step in (("on", 1), ("on", 2), ("back", 1), ("back", 0), ("back", 0)):
        player.get_by_role("button", name=f"One step {name}").click()
        expect(said).to_contain_text(f"Step {step} of")


# Of each picture in a notebook: how far it is too wide for its frame; from where its controls,
# its sentence and its frame begin; how far a control reaches out; its height; the size of its
# smallest text on the screen; and texts that the end of a line cuts.
MEASURED = """front => [...front.querySelectorAll('.ag-player.ag-alive')].map(player => {
    const place = one => one.getBoundingClientRect();
    const frame = player.querySelector('.ag-frame');
    const controls = [...player.querySelectorAll('button, select')].filter(one => one.offsetParent);
    let smallest = Infinity;
    const cut = [];
    for (const line of frame.querySelectorAll(':scope > svg')) {
        const shown = place(line);
        const scale = shown.width / line.viewBox.baseVal.width;
        for (const text of line.querySelectorAll('text')) {
            const box = place(text);
            const inside = shown.left - 1 <= box.left && box.right <= shown.right + 1;
            const outside = box.right <= shown.left || shown.right <= box.left;
            if (!inside && !outside) cut.push(text.textContent);
            smallest = Math.min(smallest, parseFloat(getComputedStyle(text).fontSize) * scale);
        }
    }
    const reset = controls.find(one => one.textContent.trim() === 'Reset');
    return {
        wider: frame.scrollWidth - frame.clientWidth,
        tops: [reset, player.querySelector('[role=status]'), frame].map(one => place(one).top),
        out: Math.max(...controls.map(one => place(one).right)) - place(player).right,
        height: place(player).height,
        smallest,
        cut,
    };
})"""


@pytest.mark.parametrize(
    ("width", "files", "letters"),
    [(1400, True, 9), (800, True, 0), (800, False, 8)],
    ids=["1400", "800", "no-files"],
)
def test_every_picture_fits_its_cell_under_its_sentence_and_its_controls(
    page, pictures, width, files, letters
):
    """At 800 px with the list of files open beside it, and without.

    Where a graph is too wide to be read, it is broken into lines, between two columns.
    """
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    if not files:
        page.keyboard.press("Control+b")
    try:
        fit = f"({MEASURED})(document.querySelector('{FRONT}')).every(one => one.wider <= 1)"
        page.wait_for_function(fit, polling=200)
        measured = pictures.evaluate(MEASURED)
        assert len(measured) == len(PICTURED)
        for picture in measured:
            assert picture["tops"] == sorted(picture["tops"])
            assert picture["smallest"] >= letters
            assert picture["cut"] == []
            assert picture["height"] <= 760  # what JupyterLab leaves of 900
            assert picture["out"] <= 1
        broken = pictures.locator(".ag-frame:has(> svg[aria-hidden])").count()
        assert bool(broken) == (width == 800)
    finally:
        if not files:
            page.keyboard.press("Control+b")
        page.set_viewport_size(before)


def test_nothing_in_a_picture_keeps_anybody_out_in_either_theme(lab, page, pictures):
    players = f"{FRONT} .ag-player"
    assert barriers(page, players) == []
    lab.scheme("dark")
    try:
        assert barriers(page, players, rules=COLOURS) == []
    finally:
        lab.scheme("light")


LOOKS = "picture => [picture.innerHTML, picture.getAttribute('aria-label')]"


@pytest.mark.parametrize("lesson", PICTURED)
def test_the_picture_of_a_lesson_is_moved_by_keyboard(page, pictures, lesson):
    player = cell(pictures, list(PICTURED).index(lesson)).locator(".ag-player.ag-alive")
    picture = player.get_by_role("img").first
    slider = player.get_by_role("slider", name="step")
    slider.focus()
    page.keyboard.press("Home")
    expect(player.get_by_role("status")).to_contain_text("Step 0 of")
    first = picture.evaluate(LOOKS)
    page.keyboard.press("ArrowRight")
    expect(player.get_by_role("status")).to_contain_text("Step 1 of")
    second = picture.evaluate(LOOKS)
    assert all(now != then for now, then in zip(first, second, strict=True))
    if lesson in PICTURED_AT and "AUTOGRAD_COURSE_PICTURES" in os.environ:
        for step in range(2, PICTURED_AT[lesson] + 1):
            page.keyboard.press("ArrowRight")
            expect(player.get_by_role("status")).to_contain_text(f"Step {step} of")
        keep_picture(player, lesson.partition("-")[2])
    for number in range(player.get_by_role("combobox").locator("option").count()):
        if number:
            choose_the_next(page, player)
        go_to_the_end(page, player)
