"""Questions in a real JupyterLab: by keyboard, typed fast, beside a kernel that is busy."""

import contextlib
import re

import pytest
from playwright.sync_api import expect

from course.widgets.frame import look
from tests.course.in_jupyterlab.elements import ASKED
from tests.fixtures.browser import COLOURS, barriers
from tests.fixtures.in_jupyterlab import DIRTY, FRONT, all_have_run, cell, press


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


def test_every_kind_of_question_is_answered_by_keyboard_in_both_themes(lab, page, elements):
    asked = cell(elements, ASKED)
    lines = asked.locator(".cq-lines button")
    expect(lines).to_have_count(2)
    still = asked.locator(".cq-still").first  # the live form has taken its place,
    expect(still).to_be_hidden()
    expect(still).to_have_attribute("hidden", "")  # in editors without JupyterLab's classes too
    cells_of_all = elements.locator(".jp-CodeCell")
    count = cells_of_all.count()

    option = asked.locator("summary:visible", has_text="three")
    press(option, "Enter")
    expect(asked.get_by_text("Not so. Too few.").filter(visible=True)).to_be_visible()
    press(asked.locator("summary:visible", has_text="five"), "Space")
    expect(asked.get_by_text("Right. Both.").filter(visible=True)).to_be_visible()
    page.keyboard.press("x")  # JupyterLab's key for cutting a cell
    assert cells_of_all.count() == count

    entry = asked.get_by_placeholder("your prediction")
    entry.focus()
    page.keyboard.type("6")
    press(entry, "Enter")
    said = asked.get_by_role("alert")
    expect(said).to_contain_text("Not so. You predicted 6. That multiplies.")
    expect(entry).to_be_focused()

    check = asked.get_by_role("button", name="Check the order")
    press(lines.filter(has_text="x = 1"), "Space")
    expect(lines.filter(has_text="x = 1")).to_contain_text("1.")
    press(lines.filter(has_text="y = x"), "Enter")
    expect(lines.filter(has_text="y = x")).to_contain_text("2.")
    press(check, "Space")
    expect(said.last).to_contain_text("Right. This order works")
    page.keyboard.press("x")
    assert cells_of_all.count() == count
    page.keyboard.press("Control+s")  # with a modifier a key is JupyterLab's on a button too
    expect(page.locator(DIRTY)).to_have_count(0)

    questions = f"{FRONT} .cq"
    assert text_contrast(page, said.last) >= look.TEXT_CONTRAST
    assert barriers(page, questions) == []
    lab.scheme("dark")
    try:
        assert text_contrast(page, said.last) >= look.TEXT_CONTRAST
        assert text_contrast(page, option) >= look.TEXT_CONTRAST
        assert barriers(page, questions, rules=COLOURS) == []
    finally:
        lab.scheme("light")


def begin(shown):
    """An empty field for a prediction, with the focus."""
    again = cell(shown, 0).get_by_role("button", name="Try again").first
    if again.is_visible():
        again.click()
    entry = cell(shown, 0).get_by_placeholder("your prediction")
    entry.click()
    expect(entry).to_have_value("")
    return entry


@pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "busy"])
def test_the_whole_prediction_is_judged_however_fast_it_was_typed(page, elements, busy, is_busy):
    """A front end that sends the text piece by piece judged `3.5` as `3`, and called it right."""
    for delay, key in ((0, True), (0, False), (20, True), (80, False), (200, True)):
        with busy(elements) if is_busy else contextlib.nullcontext():
            entry = begin(elements)
            page.keyboard.type("3.5", delay=delay)
            if key:
                page.keyboard.press("Enter")
            else:
                cell(elements, 0).get_by_role("button", name="Commit and run").click()
        said = cell(elements, 0).get_by_role("alert").first
        expect(said).to_contain_text("Not so. You predicted 3.5.")
        expect(entry).to_have_value("3.5")


def test_a_kernel_that_is_busy_with_another_cell_is_named_until_it_answers(page, elements, busy):
    with busy(elements):
        begin(elements)
        page.keyboard.type("3.5")
        page.keyboard.press("Enter")
        soon = cell(elements, 0).get_by_text(re.compile("^(Waiting for the kernel|No answer yet)"))
        expect(soon).to_be_visible()
        late = cell(elements, 0).get_by_text("No answer yet: the kernel is busy")
        expect(late).to_be_visible()
    expect(cell(elements, 0).get_by_role("alert").first).to_contain_text("Not so.")
    expect(late).to_be_hidden()


AT_WORK = f"""() => [
    [...document.querySelectorAll('{FRONT} .jp-Cell')]
        .findIndex(cell => cell.classList.contains('jp-mod-active')),
    document.activeElement.matches('input, textarea, button')]"""


def works_at(page, number):
    """Wait until a cell is the active one, and the focus in no field."""
    page.wait_for_function(
        f"number => {{ const [cell, typing] = ({AT_WORK})(); return cell == number && !typing }}",
        arg=number,
        polling=50,
    )


@pytest.mark.parametrize(
    ("key", "cell_after"), [("Escape", 0), ("Control+Enter", 0), ("Shift+Enter", 1)]
)
@pytest.mark.parametrize("settled", [True, False], ids=["answered", "open"])
def test_keys_leave_the_field_and_go_on(page, elements, key, cell_after, settled):
    begin(elements)
    if settled:
        page.keyboard.type("3.5")
        page.keyboard.press("Enter")
        expect(cell(elements, 0).get_by_role("button", name="Try again")).to_be_visible()
    assert page.evaluate(AT_WORK) == [0, True]
    ran = cell(elements, 0).locator(".jp-InputPrompt").first.inner_text()
    page.keyboard.press(key)
    works_at(page, cell_after)
    assert cell(elements, 0).locator(".jp-InputPrompt").first.inner_text() == ran  # asked once
    page.keyboard.press("ArrowUp")  # a key of JupyterLab's again
    works_at(page, 0)


@pytest.mark.parametrize("key", ["Control+Enter", "Shift+Enter"])
def test_a_key_that_runs_a_cell_commits_what_stands_in_the_field(page, elements, key):
    entry = begin(elements)
    page.keyboard.type("3.4")
    page.keyboard.press(key)
    said = cell(elements, 0).get_by_role("alert").first
    expect(said).to_contain_text("You predicted 3.4.")
    expect(entry).to_have_value("3.4")


def test_a_click_on_the_cells_number_takes_the_focus_from_the_field(page, elements):
    begin(elements)
    cell(elements, 0).locator(".jp-InputPrompt").first.click()
    works_at(page, 0)


def test_an_empty_field_is_not_judged_and_the_first_answer_stays(page, elements):
    again = cell(elements, 0).get_by_role("button", name="Try again")
    if not again.is_visible():  # no test before this one has answered
        begin(elements)
        page.keyboard.type("3.5")
        page.keyboard.press("Enter")
        expect(again).to_be_visible()
    entry = begin(elements)
    page.keyboard.press("Enter")
    expect(cell(elements, 0).get_by_text("Write a prediction first.")).to_be_visible()
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    first = re.compile(r"Your first answer was not right: 3\.[45]\.")  # another test's, perhaps
    expect(cell(elements, 0).get_by_text(first)).to_be_visible()
    expect(cell(elements, 0).get_by_role("alert").first).to_contain_text("Right. You predicted 3.")
    expect(entry).to_be_focused()


def test_options_and_orders_are_recorded_and_the_start_page_counts_them(lab, page, elements):
    all_have_run(elements)  # what another test made the kernel do is done
    asked = cell(elements, 0)
    asked.locator("summary:visible", has_text="(2,)").click()
    expect(asked.get_by_text("That is t.sum(1).").filter(visible=True)).to_be_visible()
    lines = asked.locator(".cq-lines button")
    check = asked.get_by_role("button", name="Check the order")
    check.click()
    expect(asked.get_by_text("Place every line first: 3 left.")).to_be_visible()
    for text in ("two = ", "three = ", "total = ", "total = ", "total = "):
        lines.filter(has_text=text).first.click()
    expect(lines.filter(has_text="total = ")).to_contain_text("3.")
    check.click()
    expect(asked.get_by_text("This order works")).to_be_visible()
    start = page.context.new_page()
    start.goto(f"{lab.address}/start.html")
    counted = re.compile(r"[23] of 3 questions answered")  # the prediction is another test's
    expect(start.get_by_text(counted).first).to_be_visible()
    start.close()
