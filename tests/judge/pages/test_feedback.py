"""Feedback's promises: nbgrader's page, whole and fast to show, with nothing live and no test."""

import contextlib
import copy
import datetime
import json
import os
import re
import shutil
from pathlib import Path

import bs4
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell
from nbgrader.api import Gradebook

from grader.diagnosis.verdict import CaseOutcome, Finding, Outcome, Verdict
from grader.judge.books.rows import CellScore, Recorded
from grader.judge.intake.normalise import normalise
from grader.judge.pages import settings as pages
from grader.judge.pages.clean import clean, showable
from grader.judge.pages.feedback import feedback_page
from tests.fixtures import instructors, payloads
from tests.fixtures.browser import chromium, jupyterlab, window
from tests.fixtures.commands import forked

CHROMIUM = "chromium", "chromium-browser", "google-chrome", "chrome"
NOTEBOOK = "problems.ipynb"


@pytest.fixture(scope="module")
def form():
    return instructors.form()


@pytest.fixture
def graded(form):
    """A graded notebook of somebody who answered everything, with a verdict and a plot in it."""
    notebook = submitted(
        square_answer="def square(x):\n    return x * x",
        why="Because $x < y$, see ![a plot](attachment:p.png).",
    )
    cell(notebook, "why")["attachments"] = {"p.png": {"image/png": payloads.png()}}
    forged = "<div class='autograd-verdict' data-outcome='right'>Right.</div>"
    notebook["cells"].append(new_raw_cell(forged))
    notebook["cells"].append(new_code_cell("square(3)", metadata={}, id="mine"))
    laid = normalise(json.dumps(notebook).encode(), form).notebook
    cell(laid, "square").outputs = [new_output("execute_result", data={"text/plain": "2.0"})]
    cell(laid, "root").outputs = verdict_outputs()
    laid.cells[-1].outputs = [
        new_output("display_data", data={"image/png": payloads.png(), "text/plain": "<Figure>"}),
        new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m and <b>\n"),
    ]
    return clean(laid, {index for index, one in enumerate(laid.cells) if name(one) == "root"})


def verdict_outputs():
    verdict = Verdict(
        "root",
        Outcome.WRONG,
        0.5,
        (Finding("root.sign", "You lost the sign of `x`.", None, ("expected -1.0", "got 1.0")),),
        (CaseOutcome("5 numbers", True, True), CaseOutcome("zero", False, True)),
        ("root",),
    )
    page = {"text/html": verdict._repr_html_(), "text/plain": str(verdict)}
    return [
        new_output("display_data", data=page),
        new_output("execute_result", data={"text/plain": "1.5"}),
    ]


RECORDED = Recorded(
    {
        "square": CellScore(2.0, 2.0),
        "root": CellScore(1.5, 3.0),
        "shown": CellScore(0.0, 1.0),
        "why": CellScore(3.25, 4.0),
        "deed": CellScore(4.0, 5.0),
    },
    {"why": "Good, *but* mind <script>alert('pwned')</script> $y$."},
    penalty=0.75,
)


def submitted(**answers):
    """The release with some answers in it, as JSON."""
    notebook = json.loads(instructors.release())
    for one in notebook["cells"]:
        one["source"] = answers.get(name(one), "".join(one["source"]))
    return notebook


def name(one):
    return one["metadata"].get("nbgrader", {}).get("grade_id")


def cell(notebook, grade_id):
    return next(one for one in notebook["cells"] if name(one) == grade_id)


def soup(page):
    return bs4.BeautifulSoup(page, "html.parser")


# What a page says


def test_a_page_shows_scores_comments_penalty_verdict_and_plots(graded, form):
    page = soup(feedback_page(graded, RECORDED, form))
    assert page.h4.text == "problems (Score: 10.0 / 15.0)"
    contents = [re.sub(r"\s+", " ", li.text.strip()) for li in page.find(id="toc").find_all("li")]
    assert contents == [
        "Test cell (Score: 2.0 / 2.0)",
        "Test cell (Score: 1.5 / 3.0)",
        "Coding free-response (Score: 0.0 / 1.0)",
        "Written response (Score: 3.25 / 4.0)",
        "Comment",
        "Task (Score: 4.0 / 5.0)",
        "Late submission penalty (Score: -0.75)",
    ]
    [comment] = page.find_all(class_="panel-footer")
    assert "Good, but mind" in comment.text
    verdict = page.find(class_="autograd-verdict")
    assert verdict["data-outcome"] == "wrong"
    assert "You lost the sign of x." in verdict.text
    assert len(page.find_all("img", src=re.compile("^data:image/png"))) == 2
    assert page.find("span", class_="ansi-red-fg").text == "red"
    assert len(page.find_all("math")) == 3
    assert page.find_all(class_="autograd-verdict") == [verdict]  # not in the forged raw cell
    assert all(image["alt"] for image in page.find_all("img"))


def test_a_page_is_one_file_that_names_its_language(graded, form):
    page = feedback_page(graded, RECORDED, form)
    parsed = soup(page)
    assert parsed.html["lang"] == "en"
    assert not parsed.find_all(["script", "link", "iframe", "object", "embed"])
    assert "default-src 'none'" in parsed.find("meta", attrs={"http-equiv": True})["content"]
    assert not re.search(r"url\((?!data:)|@import", page)


def test_a_page_is_the_same_whoever_else_was_drawn_before(graded, form):
    first = feedback_page(graded, RECORDED, form)
    other = copy.deepcopy(graded)
    cell(other, "why").source = "Something else."
    assert feedback_page(other, Recorded({}, {}), form) != first
    assert feedback_page(graded, RECORDED, form) == first


# What a page does not say


HIDDEN = "minus times minus is plus"


def failing(form, *outputs):
    """The page of somebody whose hidden test ended so."""
    notebook = form.notebook()
    cell(notebook, "square").outputs = list(outputs)
    return str(soup(feedback_page(clean(notebook), Recorded({}, {}), form)).find(id="notebook"))


def test_hidden_tests_and_what_they_showed_are_not_on_the_page(form):
    page = failing(
        form,
        new_output("stream", name="stdout", text="called with -3, a hidden input"),
        new_output("display_data", data={"text/plain": "-3, a hidden input"}),
        new_output(
            "error",
            ename="ValueError",
            evalue="-3, a hidden input",
            traceback=["      2 ### BEGIN HIDDEN TESTS", "----> 3 assert square(-3) == 9"],
        ),
    )
    assert "assert square(2) == 4" in soup(page).text
    assert not re.search("HIDDEN|-3|hidden input", page)
    assert "A test that is not shown failed: ValueError" in page


def test_what_an_instructor_says_in_a_hidden_test_is_on_the_page(form):
    said = new_output("error", ename="AssertionError", evalue=HIDDEN, traceback=["..."])
    assert f"A test that is not shown failed: AssertionError: {HIDDEN}" in failing(form, said)


def test_an_exception_of_the_learners_own_carries_nothing_out_of_a_hidden_test(form):
    said = new_output("error", ename="input_was_minus_3", evalue=HIDDEN[:-1], traceback=["..."])
    page = failing(form, said)
    assert "input_was_minus_3" not in page
    assert HIDDEN[:-1] not in page
    assert "A test that is not shown failed: an exception" in page


def test_a_score_in_a_hidden_test_stays(form):
    result = new_output("execute_result", data={"text/plain": "1.5", "text/html": "<b>-3</b>"})
    page = failing(form, result)
    assert "1.5" in soup(page).find(class_="output_execute_result").text
    assert "-3" not in page


# nbgrader's own commands


def class_of(folder, notebooks):
    """A course in which these notebooks, by student, were graded; gives their ids."""
    shutil.copytree(instructors.course(), folder)
    (folder / "nbgrader_config.py").write_text(SETTINGS)
    scores = {"square": 2.0, "root": 1.5, "shown": 0.0}
    ids = {}
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        for student, notebook in notebooks.items():
            gradebook.add_student(student)
            late = datetime.datetime(2030, 1, 1)
            gradebook.add_submission(instructors.ASSIGNMENT, student, timestamp=late)
            theirs = gradebook.find_submission_notebook("problems", "ps1", student)
            theirs.late_submission_penalty = 0.75
            for grade in theirs.grades:
                grade.auto_score = scores.get(grade.name)
                grade.needs_manual_grade = grade.auto_score is None
            for comment in theirs.comments:
                comment.auto_comment = "No response." if comment.name == "why" else None
            gradebook.db.commit()
            ids[student] = theirs.id
            place = folder / "autograded" / student / instructors.ASSIGNMENT
            place.mkdir(parents=True)
            (place / NOTEBOOK).write_text(json.dumps(notebook))
    return ids


SETTINGS = f"""
c = get_config()
import runpy
runpy.run_path({pages.__file__!r})["configure"](c)
"""


def feedback_of(folder):
    said = forked("nbgrader", "generate_feedback", instructors.ASSIGNMENT, "--force", cwd=folder)
    assert said.returncode == 0, said.stdout
    assert "Traceback" not in said.stdout
    return {
        page.parent.parent.name: page.read_text()
        for page in folder.glob("feedback/*/ps1/problems.html")
    }


def test_nbgraders_command_writes_the_same_page_and_says_what_it_always_said(
    graded, form, tmp_path
):
    folder = tmp_path / "course"
    notebooks = {"ada": graded, "bob": form.notebook()}
    class_of(folder, notebooks)
    written = feedback_of(folder)
    for student, notebook in notebooks.items():
        assert written[student] == feedback_page(notebook, recorded(folder, student), form)
    (folder / "nbgrader_config.py").write_text("c = get_config()\n")
    stock = feedback_of(folder)
    for student in notebooks:
        assert said_on(written[student]) == said_on(stock[student])


def recorded(folder, student):
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        theirs = gradebook.find_submission_notebook("problems", "ps1", student)
        return Recorded(
            {grade.name: CellScore(grade.score, grade.max_score) for grade in theirs.grades},
            {row.name: row.comment for row in theirs.comments if row.comment},
            theirs.late_submission_penalty,
        )


def said_on(page):
    """All scores and comments on a page, and its text but for what the two draw differently."""
    parsed = soup(page)
    panels = parsed.find_all(class_=["panel-heading", "panel-footer"])
    return [re.sub(r"\s+", " ", panel.text.strip()) for panel in panels]


# In a browser


def hostile(form):
    """What a learner hands in who wants to run something in the instructor's browser."""
    notebook = submitted(why="\n\n".join(payloads.MARKDOWN[:40]), deed=payloads.HTML[0])
    svg = {"image/svg+xml": payloads.SVG}
    cell(notebook, "why")["attachments"] = {
        "a.png": {"image/png": payloads.png()},
        "live.svg": svg,
        "\"><script>alert('pwned')</script>.png": {"image/png": payloads.png()},
    }
    cell(notebook, "square_answer")["source"] = f'"""{payloads.HTML[0]}"""\n# {payloads.HTML[4]}'
    own = [new_markdown_cell(text) for text in payloads.MARKDOWN]
    own += [new_raw_cell(text, metadata={"raw_mimetype": "text/html"}) for text in payloads.HTML]
    own += [new_code_cell("show()") for _ in range(6)]
    notebook["cells"] += own
    laid = normalise(json.dumps(notebook).encode(), form).notebook
    shows = iter(laid.cells[-6:])
    next(shows).outputs = [html(text) for text in payloads.HTML]
    next(shows).outputs = [markdown(text) for text in payloads.MARKDOWN]
    next(shows).outputs = [display({"image/svg+xml": text}) for text in payloads.PICTURES]
    next(shows).outputs = [display({"text/latex": text}) for text in payloads.LATEX]
    next(shows).outputs = [
        new_output("stream", name=stream, text=text)
        for text in payloads.TERMINAL
        for stream in ("stdout", "stderr")
    ] + [new_output("error", ename=t, evalue=t, traceback=[t]) for t in payloads.TERMINAL]
    next(shows).outputs = [
        display({mime: payloads.RUN, "text/plain": payloads.HTML[0]})
        for mime in ("application/javascript", "text/javascript", "application/json")
    ]
    cell(laid, "square").outputs = [html(text) for text in payloads.HTML[:5]]
    return laid


def display(data, metadata=None):
    return new_output("display_data", data=data, metadata=metadata or {})


def html(text):
    return display({"text/html": text})


def markdown(text):
    return display({"text/markdown": text})


def untouched(form):
    """The same as nbgrader alone would keep it: nothing cleaned, and settings of the learner's."""
    notebook = json.loads(json.dumps(hostile(form)))
    attribute = "1 onerror=alert('pwned') onmouseover=alert('pwned')"
    sizes = {"width": attribute, "height": attribute, "alt": '">' + payloads.HTML[0]}
    file = {"filenames": {"image/png": payloads.EVIL + "f.png"}}
    for one in notebook["cells"]:
        if one["cell_type"] == "code":
            one["outputs"] += [
                {
                    **display({"image/png": "x"}, {"image/png": sizes}),
                    "output_type": "display_data",
                },
                {**display({"image/png": "x"}, file)},
                {**html(payloads.HTML[0]), "metadata": {"text/html": {"isolated": True}}},
                {
                    **display({"application/vnd.jupyter.widget-view+json": {"model_id": "a"}}),
                    "metadata": {},
                },
            ]
        if not name(one):
            one["metadata"] |= {"tags": ['"><script>alert("pwned")</script>'], "trusted": True}
    notebook["metadata"] = {
        "language_info": {"name": '"><script>alert("pwned")</script>'},
        "kernelspec": instructors.KERNEL["kernelspec"],
        "title": f"</title>{payloads.HTML[0]}",
        "widgets": {
            "application/vnd.jupyter.widget-state+json": {
                "state": {"a": {"x": f"</script>{payloads.HTML[0]}"}}
            }
        },
    }
    return notebook


@pytest.fixture(scope="module")
def notebooks(form):
    """By student: an honest one, hostile ones as the judge keeps them and as they came."""
    honest = normalise(json.dumps(submitted(why="Because.")).encode(), form).notebook
    return {"honest": honest, "cleaned": clean(hostile(form)), "untouched": untouched(form)}


@pytest.fixture(scope="module")
def formgrader(notebooks, tmp_path_factory):
    """formgrader on a class of these, and the address of each one's page."""
    folder = tmp_path_factory.mktemp("formgrader") / "course"
    ids = class_of(folder, notebooks)
    with jupyterlab(folder) as address:
        yield (
            folder,
            {
                student: f"{address}/formgrader/submissions/{number}/"
                for student, number in ids.items()
            },
        )


@pytest.fixture(scope="module")
def browser(program):
    """A real browser, in which every page has a window of its own."""
    with chromium(program(*CHROMIUM)) as running:
        yield running


@contextlib.contextmanager
def page_of(browser):
    """One page of a new window; it has the window's two lists."""
    own = window(browser)
    with contextlib.closing(own):
        page = own.new_page()
        page.wrong, page.asked_elsewhere = own.wrong, own.asked_elsewhere
        yield page


@contextlib.contextmanager
def opened(browser, address):
    """A page with what it did: dialogs it opened, lines it logged, addresses it asked for."""
    with page_of(browser) as page:
        page.dialogs, page.asked = [], []

        def said(dialog):
            page.dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", said)
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(address)
        page.wait_for_load_state("networkidle")
        provoke(page)
        page.wait_for_load_state("networkidle")
        yield page


def provoke(page):
    """Everything a reader's mouse and keyboard can do to what a learner wrote, links apart."""
    page.evaluate(
        """() => {
            const events = ['mouseover', 'mouseenter', 'mousemove', 'focus', 'focusin', 'click',
                            'toggle', 'error', 'load', 'animationstart', 'keydown', 'begin'];
            for (const e of document.querySelectorAll('.rendered_html *, .output *, .input_area *'))
                if (!(e instanceof HTMLAnchorElement && e.href))
                    for (const name of events) e.dispatchEvent(new Event(name));
        }"""
    )


def must_have_kept_still(page, allowed):
    """Hold that nothing ran, that nobody was asked, and that nothing waits for a reader's click."""
    assert page.dialogs == []
    assert page.wrong == []
    assert page.asked_elsewhere == []
    assert {one for one in page.asked if not one.startswith("data:")} <= allowed
    assert page.evaluate(LIVE) == []


LIVE = """() => {
    const found = [];
    const inside = document.querySelector('#notebook-container');
    for (const e of inside.querySelectorAll('*')) {
        if (e.matches('script, style, link, meta, base, iframe, object, embed, template, form'))
            found.push(e.outerHTML);
        for (const a of e.attributes)
            if (a.name.startsWith('on') || /^\\s*(javascript|vbscript):/i.test(a.value)
                || (a.name === 'src' && !a.value.startsWith('data:image/'))
                || (a.name === 'href' && !/^(#|https?:|mailto:)/.test(a.value)))
                found.push(e.outerHTML);
    }
    return found;
}"""


@pytest.mark.parametrize("student", ["cleaned", "untouched"])
def test_no_feedback_page_runs_or_fetches_anything(student, notebooks, form, browser, tmp_path):
    notebook = nbformat.from_dict(json.loads(json.dumps(notebooks[student])))
    file = tmp_path / "problems.html"
    file.write_text(feedback_page(showable(notebook), RECORDED, form))
    with opened(browser, file.as_uri()) as page:
        page.asked_elsewhere.remove(file.as_uri())
        must_have_kept_still(page, {file.as_uri()})


def test_nbgraders_command_writes_no_live_page_either(notebooks, browser, tmp_path):
    class_of(tmp_path / "course", notebooks)
    feedback_of(tmp_path / "course")
    for file in (tmp_path / "course" / "feedback").glob("*/ps1/problems.html"):
        with opened(browser, file.as_uri()) as page:
            page.asked_elsewhere.remove(file.as_uri())
            must_have_kept_still(page, {file.as_uri()})


@pytest.mark.parametrize("student", ["cleaned", "untouched"])
def test_formgraders_view_runs_nothing_of_a_submission(student, formgrader, browser):
    _, addresses = formgrader
    with opened(browser, addresses["honest"]) as page:
        own = {one.replace(number(addresses["honest"]), "ID") for one in page.asked}
        must_have_kept_still(page, set(page.asked))
    with opened(browser, addresses[student]) as page:
        asked = {one.replace(number(addresses[student]), "ID") for one in page.asked}
        assert {one for one in asked if not one.startswith("data:")} <= own
        must_have_kept_still(page, set(page.asked))
        assert page.locator("#notebook-container a[href^=http]").count() == 0


def number(address):
    return address.rstrip("/").rpartition("/")[2]


def test_an_instructor_still_grades_by_hand_in_formgrader(formgrader, browser):
    folder, addresses = formgrader
    with opened(browser, addresses["honest"]) as page:
        assert "HIDDEN TESTS" in page.inner_text("#notebook-container")
        with page.expect_response(lambda answer: "/api/grade/" in answer.url) as answer:
            page.fill("input#why", "3")
            page.locator("input#why").blur()
        assert answer.value.ok
        with page.expect_response(lambda answer: "/api/comment/" in answer.url) as answer:
            page.fill("textarea#why-comment", "Well said.")
            page.locator("textarea#why-comment").blur()
        assert answer.value.ok
        assert page.wrong == []
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        theirs = gradebook.find_submission_notebook_by_id(number(addresses["honest"]))
        assert {grade.name: grade.manual_score for grade in theirs.grades}["why"] == 3
        assert "Well said." in {row.name: row.comment for row in theirs.comments}["why"]


def test_formgrader_shows_no_name_until_it_is_asked_to(formgrader, browser):
    _, addresses = formgrader
    with page_of(browser) as page:
        page.goto(addresses["honest"])
        assert re.search(r"Submission #\d", page.inner_text("nav"))
        assert "honest" not in page.inner_text("body")
        page.locator("nav .glyphicon-eye-open").click()
        assert "honest" in page.inner_text("nav")
        assert "Submission #" not in page.inner_text("nav")


# However much there is of it


LONG = {
    "dots": "a." * 50_000,  # nbconvert colours this in five minutes
    "brackets": "(" * 50_000,
    "lines": "x = 1\n" * 20_000,
}


@pytest.mark.parametrize("source", LONG.values(), ids=LONG)
def test_a_page_of_endless_code_is_drawn(source, form):
    notebook = submitted(square_answer=source)
    laid = normalise(json.dumps(notebook).encode(), form).notebook
    assert soup(feedback_page(clean(laid), RECORDED, form)).h4


def test_a_page_of_five_hundred_large_cells_is_drawn(form):
    notebook = submitted()
    notebook["cells"] += [new_markdown_cell("[a](" * 4000) for _ in range(250)]
    notebook["cells"] += [new_code_cell("a." * 8000) for _ in range(250)]
    laid = normalise(json.dumps(notebook).encode(), form).notebook
    page = feedback_page(clean(laid), RECORDED, form)
    assert page.count("[a](" * 4000) >= 200


def test_a_page_names_no_folder_of_the_machine_it_was_made_on(graded, form):
    page = feedback_page(graded, RECORDED, form)
    assert str(Path(pages.__file__).parent) not in page
    assert os.getcwd() not in page
