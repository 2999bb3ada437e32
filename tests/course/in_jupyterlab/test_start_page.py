"""The start page in a browser: read, without its server, followed by mouse and by keyboard."""

import re

import nbformat
import pytest
from playwright.sync_api import expect

from course.widgets.frame import look
from grader.notebook.texts import places
from tests.fixtures.browser import COLOURS, barriers
from tests.fixtures.in_jupyterlab import FRONT, QUICK
from tests.fixtures.lesson_texts import LESSONS


@pytest.fixture(scope="module")
def tab(lab):
    """A second window: what is followed in it loads JupyterLab anew."""
    tab = lab.page.context.new_page()
    yield tab
    tab.close()


@pytest.fixture
def start(lab, tab):
    """The start page."""
    tab.set_viewport_size({"width": 1400, "height": 900})
    tab.goto(f"{lab.address}/start.html")
    return tab


def test_every_link_of_the_start_page_leads_to_a_cell_that_is_there(lab, start):
    links = start.get_by_role("link").evaluate_all(
        "links => links.map(one => one.getAttribute('href'))"
    )
    assert len(links) > 64
    assert links[-1] == "/lab"  # as you left it
    cells_of = {}
    for link in links:
        path, _, where = link.removeprefix("/lab").removeprefix("/tree/").partition("#cell-id=")
        if path:
            if path not in cells_of:
                there = nbformat.read(lab.folder / path, 4).cells
                cells_of[path] = {one.id: one.source for one in there}
            assert not where or where in cells_of[path]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_start_page_can_be_read_in_both_schemes(start, scheme):
    start.emulate_media(color_scheme=scheme)
    try:
        for selector in ("h1", "a >> nth=1", ".soft >> nth=0", ".state >> nth=0"):
            pair = start.locator(selector).first.evaluate(
                "e => [getComputedStyle(e).color,"
                " getComputedStyle(e.closest('section, body')).backgroundColor]"
            )
            numbers = [re.findall(r"\d+", colour)[:3] for colour in pair]
            colours = ["#" + "".join(f"{int(n):02x}" for n in three) for three in numbers]
            assert look.contrast(*colours) >= look.TEXT_CONTRAST, (selector, pair)
        assert barriers(start, "html", rules=COLOURS if scheme == "dark" else None) == []
        for width in (320, 800, 1400):
            start.set_viewport_size({"width": width, "height": 900})
            assert start.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    finally:
        start.emulate_media(color_scheme="light")


# A cell by what it begins with, once it is the active one and in sight.
LANDED = f"""begins => {{
    const cell = document.querySelector('{FRONT} .jp-mod-active');
    const {{ top = 0, bottom = 0 }} = cell?.getBoundingClientRect() ?? {{}};
    const plain = text => text.replace(/[^\\p{{L}}\\p{{N}}]/gu, '');
    return 0 < bottom && top < innerHeight && plain(cell.textContent).includes(plain(begins));
}}"""


def server_stops_and_is_back(lab, page):
    """Follow a link of a page whose server has stopped: it says so, and the page stays."""
    said = page.get_by_role("alert")
    expect(said).to_have_text("")
    page.route("**/*", lambda asked: asked.abort("connectionrefused"))
    page.get_by_role("link", name="Open JupyterLab as you left it").click()
    expect(said).to_contain_text("The server behind this page has stopped. Start it again")
    expect(said).to_be_in_viewport()
    assert barriers(page, "#gone") == []
    assert page.url == f"{lab.address}/start.html"
    lab.page.wrong.clear()  # the browser writes down that it found nobody
    page.unroute("**/*")


def test_the_start_page_is_followed_from_its_first_link_to_its_last(lab, start):
    """In the first, the middle and the last part one link: by mouse, by keyboard, at 800 px.

    The server had stopped before the first, which leads on all the same. From the notebook there is
    a way back to the page. Where every link leads, the first test of this module holds.
    """
    parts = start.locator("section[aria-labelledby^=part-]")
    middle = parts.nth(parts.count() // 2).get_by_role("link").last.get_attribute("href")
    last = parts.last.get_by_role("link").first.get_attribute("href")

    server_stops_and_is_back(lab, start)
    first = start.locator("a.on").first
    begins = first.get_attribute("href")
    first.click()
    is_followed(start, lab.folder, begins)

    link = start.locator(f"section a[href='{middle}']").last
    link.focus()
    assert link.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    start.keyboard.press("Enter")
    assert "#cell-id=" in middle  # an exercise, whose notebook is opened for the first time
    is_followed(start, lab.folder, middle)

    start.set_viewport_size({"width": 800, "height": 900})
    start.locator(f"section a[href='{last}']").last.click()
    is_followed(start, lab.folder, last, back=False)
    expect(start.locator("#jp-left-stack")).to_be_hidden()  # all of the room is the notebook's
    start.keyboard.press("Escape")
    start.keyboard.press("Control+b")
    listed = start.locator(".jp-DirListing-itemText")
    expect(listed.first).to_be_visible()
    lessons = [name for name in listed.all_inner_texts() if name.startswith("lesson-")]
    assert lessons == [places.lesson(lesson.stem).name for lesson in LESSONS]


def is_followed(page, folder, address, back=True):
    """Wait until a link to `address` has led to its cell of its notebook, and go back."""
    place, _, where = address.partition("/lab/tree/")[2].partition("#cell-id=")
    front = page.locator(f"{QUICK}#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
    expect(front).to_contain_text(place.rpartition("/")[2])
    if where:
        cells_there = {one.id: one.source for one in nbformat.read(folder / place, 4).cells}
        begins = cells_there[where].splitlines()[0]
        page.wait_for_function(LANDED, arg=begins, polling=100)
    if back:
        page.get_by_role("link", name="Start page").press("Enter")
        expect(page.get_by_role("heading", name="PyTorch autograd")).to_be_visible()
        # Else the next load opened this notebook again, which JupyterLab's own tests hold.
        page.request.delete(page.url.replace("start.html", "lab/api/workspaces/default"))
