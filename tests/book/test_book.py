"""The book: its pages lead somewhere, its pictures step, its search finds, all of it offline."""

import json
import re
import sysconfig
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from bs4 import BeautifulSoup

from book import front
from book.words import without_paths
from course.symptoms import page as index
from course.widgets.frame import look, recorded
from grader.engine.outline import outline
from grader.errors import EXPLANATIONS
from tests.conftest import ROOT
from tests.fixtures.browser import barriers
from tests.fixtures.lesson_texts import LESSONS, every_lesson, questions

SECOND = "Trying to backward through the graph a second time"


@pytest.fixture(scope="module")
def pages(site):
    """Every page, parsed, by its path in the book."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(
            path.read_text(encoding="utf-8"), "html.parser"
        )
        for path in site.rglob("*.html")
    }


def steps_of(executed):
    """What was recorded of each picture of a lesson."""
    for cell in executed.cells:
        for output in cell.get("outputs", ()):
            if recorded.MIME in output.get("data", {}):
                yield output.data[recorded.MIME]


def test_every_lesson_exercise_and_error_has_its_page(pages):
    for lesson in LESSONS:
        assert f"lessons/{lesson.stem}.html" in pages
    for entry in outline():
        assert f"exercises/{entry.id}.html" in pages
    shown = " ".join(pages["errors.html"].get_text().split())
    for entry in index.errors():
        for text in entry.said:
            assert text in shown


def test_every_link_of_the_book_leads_somewhere_in_it(pages):
    anchors = {name: {part["id"] for part in soup.select("[id]")} for name, soup in pages.items()}
    for name, soup in pages.items():
        for link in soup.select("a[href]"):
            way, _, anchor = link["href"].partition("#")
            if re.match(r"[a-z]+:", way):
                continue
            target = Path(name).parent.joinpath(unquote(way)) if way else Path(name)
            target = Path(re.sub(r"[^/]+/\.\./", "", target.as_posix())).as_posix()
            assert target in pages, (name, link["href"])
            assert not anchor or unquote(anchor) in anchors[target], (name, link["href"])


def test_a_page_loads_nothing_from_elsewhere(pages, site):
    for name, soup in pages.items():
        for part in soup.select("script[src], link[href], img[src], iframe[src]"):
            address = part.get("src") or part.get("href")
            if not address.startswith(("data:", "#")):
                assert (site / name).parent.joinpath(address.partition("?")[0]).resolve().exists()


def test_every_image_has_its_words(pages):
    for name, soup in pages.items():
        for image in soup.select("img"):
            assert image.get("alt"), (name, image)
        for picture in soup.select(".output svg, .ag-frame svg, template svg"):
            assert picture.find_parent("svg") or picture.get("aria-label"), name


def test_no_page_names_a_folder_of_the_machine_that_made_it(pages):
    for name, soup in pages.items():
        assert not re.search(rf"{ROOT}|site-packages/|ipykernel_\d", soup.decode()), name


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/tmp/ipykernel_12/345.py:3: UserWarning: x", "the cell:3: UserWarning: x"),
        (f"{ROOT}/course/tape.py", "course/tape.py"),
        (f"{sysconfig.get_path('purelib')}/torch/_tensor.py", "torch/_tensor.py"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a / b", "a / b"),
    ],
)
def test_an_output_is_told_without_paths_and_colours(said, shown):
    assert without_paths(said) == shown


@every_lesson
def test_a_lesson_has_its_questions_with_their_answers_folded(lesson, pages):
    shown = pages[f"lessons/{lesson.stem}.html"]
    boxes = shown.select(".cq[role=group]")
    assert len(boxes) >= len(questions(lesson))
    assert len([box for box in boxes if box.select("details:not([open]) > summary")]) >= len(
        questions(lesson)
    )
    assert "Run this cell" not in shown.get_text()  # a page has none to run


def test_an_exercise_has_its_parts_and_a_model_answer_behind_two_folds(pages):
    known = {entry.id for entry in outline()}
    chapters = {entry.chapter for entry in outline()}
    names = {Path(name).stem for name in pages if name.startswith("exercises/")} - chapters
    assert known < names  # written ones too
    for name in names:
        shown = pages[f"exercises/{name}.html"]
        assert re.search(r"\d+ points? · about \d+ minutes", shown.article.get_text()), name
        (answer,) = shown.select("details details")
        assert not shown.select("details[open]")
        if name in known:
            folds = shown.select("section > details > summary")
            assert [fold.text for fold in folds] == [
                *(f"Hint {n} of {len(folds) - 1}" for n in range(1, len(folds))),
                "Show a model answer",
            ]
            code = answer.select_one(".highlight").get_text()
            start = shown.select_one("#starting-code .highlight").get_text()
            assert "NotImplementedError" in start, name
            assert "BEGIN SOLUTION" not in code
            assert code.strip() not in "".join(p.get_text() for p in shown.select("section > p"))


@every_lesson
def test_every_picture_can_be_stepped_by_mouse_and_by_keyboard(lesson, run_lesson, reader):
    from playwright.sync_api import expect

    made = list(steps_of(run_lesson(lesson)))
    page = reader.open(f"lessons/{lesson.stem}.html")
    expect(page.locator(".ag-player.ag-alive")).to_have_count(len(made))
    for number, steps in enumerate(made):
        player = page.locator(".ag-player").nth(number)
        said = player.get_by_role("status")
        choice, step = steps["first"]
        frames = steps["frames"][choice]
        assert said.inner_text() == frames[step][1]
        assert said.get_attribute("aria-live") == "polite"
        player.get_by_role("button", name="One step on").click()
        assert_says(said, frames[step + 1][1])
        slider = player.get_by_role("slider")
        slider.press("ArrowRight")
        assert_says(said, frames[min(step + 2, len(frames) - 1)][1])
        slider.press("End")
        assert_says(said, frames[-1][1])
        assert player.locator("svg > desc").first.text_content() == frames[-1][1]
        slider.press("Home")
        assert_says(said, frames[0][1])
        if len(steps["choices"]) > 1:
            player.get_by_role("combobox").select_option(index=len(steps["choices"]) - 1)
            assert_says(said, steps["frames"][-1][0][1])
    for width in (1400, 800, 400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    # On a phone a picture keeps letters that can be read, and scrolls in its own frame.
    page.wait_for_function(
        """() => [...document.querySelectorAll('.ag-frame > svg')].every(svg =>
            svg.getBoundingClientRect().width >= 0.74 * svg.viewBox.baseVal.width)"""
    )


def assert_says(said, sentence):
    from playwright.sync_api import expect

    expect(said).to_have_text(" ".join(sentence.split()))


def test_every_step_of_a_page_is_the_one_that_the_live_picture_shows(run_lesson, site):
    for lesson in LESSONS:
        for number, steps in enumerate(steps_of(run_lesson(lesson)), 1):
            script = (site / "_static" / "steps" / f"{lesson.stem}-{number}.js").read_text()
            packed = json.loads(script.partition("] = ")[2].rstrip(";\n"))
            unpacked = [
                [["".join(packed["parts"][part] for part in parts), told] for parts, told in choice]
                for choice in packed["frames"]
            ]
            assert unpacked == steps["frames"]


def test_without_a_script_a_picture_is_still_told(run_lesson, pages, reader):
    for lesson in LESSONS:
        stills = [steps["still"][1] for steps in steps_of(run_lesson(lesson))]
        shown = pages[f"lessons/{lesson.stem}.html"].select("noscript .ag-sentence")
        assert [" ".join(one.text.split()) for one in shown] == [
            " ".join(s.split()) for s in stills
        ]
    page = reader.open("lessons/04-grad-modes.html", java_script_enabled=False)
    for picture in page.locator("noscript .ag-frame > svg").all():
        assert picture.is_visible()
    assert not page.locator(".ag-player").first.is_visible()


def hits_of_each(page, searches):
    """What the book's search finds for each of these words: title and anchor, the best first.

    Asked at once: to ask a browser takes longer than to search.
    """
    return page.evaluate(
        """(searches) => searches.map(words =>
            Search._performSearch(...Search._parseQuery(words))
            .map(([, title, anchor]) => [title, anchor]).reverse().slice(0, 50))""",
        searches,
    )


def hits(page, words):
    """The same for one search."""
    return hits_of_each(page, [words])[0]


def test_the_search_finds_an_error_by_its_words_in_the_browser(reader):
    from playwright.sync_api import expect

    page = reader.open(f"search.html?q={quote(SECOND)}")
    found = page.locator("#search-results li a").first
    found.wait_for()
    assert SECOND in found.inner_text()
    found.click()
    page.wait_for_url(re.compile(r"errors\.html"))
    expect(page.locator("h3", has_text=SECOND).first).to_be_in_viewport()


def may_explain(words, explanations):
    """How many errors of the index have these words: Python's own are those of several."""
    kind, _, text = words.partition(":")
    known = [one for one in explanations if kind in one.type_names]
    return sum(bool(re.search(one.pattern, text.strip(), re.DOTALL)) for one in known)


def test_the_search_finds_every_error_by_its_whole_text_and_by_its_beginning(reader):
    page = reader.open("search.html")
    page.wait_for_function("Search._index")
    entries = index.errors()
    listed = {entry.code for entry in entries}
    explanations = [one for one in EXPLANATIONS if one.code in listed]
    wanted = [(entry.name, words) for entry in entries for words in (*entry.said, entry.name)]
    for (name, words), found in zip(
        wanted, hits_of_each(page, [words for _, words in wanted]), strict=True
    ):
        first = found[: max(3, may_explain(words, explanations))]
        assert f"Errors and symptoms > {name}" in [title for title, _ in first], words


def test_the_search_finds_an_error_with_names_and_numbers_of_somebody_elses_program(reader):
    page = reader.open("search.html")
    page.wait_for_function("Search._index")
    for words in (
        "RuntimeError: one of the variables needed for gradient computation has been modified by "
        "an inplace operation: [torch.cuda.FloatTensor [64, 512]], which is output 0 of "
        "AsStridedBackward0, is at version 7; expected version 6 instead. Hint: enable anomaly",
        "mat1 and mat2 shapes cannot be multiplied (32x784 and 128x10)",
    ):
        ((title, anchor), *_) = hits(page, words)
        assert title.startswith("Errors and symptoms > "), words
        assert anchor.startswith("#of-errors-")


def test_the_search_finds_a_symptom(reader):
    page = reader.open("search.html")
    page.wait_for_function("Search._index")
    for symptom in (".grad is None", "the loss does not fall", "the loss is nan"):
        titles = [title.casefold() for title, _ in hits(page, symptom)[:3]]
        assert any(symptom.casefold() in title for title in titles), titles


TOPICS = {
    "custom Function": "8 ",
    "gradcheck": "8 ",
    "view taken for a transpose": "9 ",
    "float64 NumPy": "9 ",
    "integers truncate": "9 ",
    "squeeze batch of one": "9 ",
    "cat after the fact": "9 ",
    "torch.tensor of tensors": "9 ",
    "layers in a list": "10 ",
    "plain tensor weight": "10 ",
    "mask buffer": "10 ",
    "targets broadcast": "10 ",
    "kl_div": "10 ",
    "softmax twice": "10 ",
    "optimizer before the move": "10 ",
    "used-up generator": "11 ",
    "workers seeds": "11 ",
    "require grad in a dataset": "11 ",
    "set_epoch": "11 ",
    "unused parameters DDP": "13 ",
    "ddp.module": "13 ",
    "where nan": "14 ",
    "norm of zeros": "14 ",
    "std of constants": "14 ",
    "points without a derivative": "14 ",
    "Jacobian": "14 ",
    "Hessian": "14 ",
    "second derivative zero ReLU": "14 ",
    "allow_unused": "14 ",
    "create_graph memory": "14 ",
    "requires_grad loss": "14 ",
    "reentrant checkpoint": "14 ",
    "carried state": "14 ",
    "running loss": "14 ",
    "closure keeps graph alive": "14 ",
    "clipping before unscaling": "14 ",
    "torch.compile": "14 ",
    "scheduler before optimizer": "6 ",
}
"""What people look for who have lost a gradient, and the number of the lesson that answers."""


def test_the_search_leads_to_the_lesson_that_answers(reader):
    page = reader.open("search.html")
    page.wait_for_function("Search._index")
    for words, lesson in TOPICS.items():
        titles = [title for title, _ in hits(page, words)[:3]]
        assert any(title.startswith(lesson) for title in titles), (words, titles)


def colours(page):
    """The colours behind text and picture, and those of text and sentence."""
    return page.evaluate(
        """() => [["body", "backgroundColor"], [".ag-frame", "backgroundColor"],
        [".content p", "color"], [".ag-sentence", "color"]].map(([part, name]) =>
          getComputedStyle(document.querySelector(part))[name])"""
    )


def hexed(colour):
    return "#" + "".join(f"{int(part):02X}" for part in re.findall(r"\d+", colour)[:3])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_and_pictures_follow_the_theme(scheme, reader):
    page = reader.open("lessons/01-graphs.html", color_scheme=scheme)
    page.locator(".ag-player.ag-alive").first.wait_for()
    ground, card, text, sentence = map(hexed, colours(page))
    assert card == getattr(look, scheme.upper()).card
    assert look.contrast(text, ground) >= look.TEXT_CONTRAST
    assert look.contrast(sentence, ground) >= look.TEXT_CONTRAST
    # Furo's own button goes round: from the system's theme to the two others.
    seen = {card}
    for _ in range(2):
        page.locator(".theme-toggle:visible").first.click()
        seen.add(hexed(colours(page)[1]))
    assert seen == {look.LIGHT.card, look.DARK.card}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("index.html", ["article"]),
        ("exercises/two_path_grad.html", ["article"]),
        ("lessons/02-leaves.html", [".ag-controls", ".ag-sentence", ".cq"]),
    ],
)
def test_a_page_can_be_read_by_everybody(name, parts, scheme, reader):
    page = reader.open(name, color_scheme=scheme)
    assert barriers(page, *parts) == []


def test_the_front_page_names_every_lesson_and_its_minutes(pages):
    shown = pages["index.html"].get_text()
    for text in front.lessons():
        (title,) = re.findall(r"^# (.+)$", text.read_text(encoding="utf-8"), re.MULTILINE)[:1]
        assert title.replace("`", "") in shown
    assert shown.count(" minutes)") == len(LESSONS)
