"""Cleaning's promises: what a learner's code displayed is shown as far as it is harmless."""

import base64
import copy
import io
import json
import re
import time

import bs4
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.utils import determine_grade
from PIL import Image

from grader.diagnosis.verdict import CaseOutcome, Finding, Outcome, Verdict
from grader.judge.pages.clean import MOST_KEPT, MOST_KEPT_OF_CELL, clean, showable
from grader.judge.pages.formulas import mathml
from grader.judge.pages.rendering import (
    ansi2html,
    clean_html,
    drawn_markdown,
    get_metadata,
    highlight_code,
    markdown2html,
)
from grader.judge.pages.safe_html import graders_html, learners_html, words
from tests.fixtures import payloads
from tests.fixtures.payloads import png

TAGS = words(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption "
    "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub "
    "summary sup table tbody td tfoot th thead tr tt u ul var"
)
MATHML = words(
    "math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover "
    "mtable mtr mtd mstyle mpadded mphantom menclose mmultiscripts"
)
PLAIN = words("align alt border colspan dir height lang open rowspan scope span start title")


def shown(*outputs, trusted=(), **settings):
    """The outputs that are kept of one cell."""
    graded = {"grade": True, "grade_id": "x", "points": 8.0, "locked": True, "solution": False}
    cell = new_code_cell("f()", outputs=list(outputs), metadata={"nbgrader": graded | settings})
    return clean(new_notebook(cells=[cell]), trusted).cells[0].outputs


def displayed(data, metadata=None):
    """What is kept of one display."""
    kept = shown(new_output("display_data", data=data, metadata=metadata or {}))
    return kept[0].get("data", {}) if kept else {}


def must_be_inert(page, *, links=False, formulas=False):
    """Hold that a browser which parses this runs and fetches nothing."""
    for element in bs4.BeautifulSoup(page, "html.parser").find_all():
        if element.find_parent("math") or element.name == "math":
            assert formulas
            assert element.name in MATHML
            assert not {"href", "style", "class", "id"} & element.attrs.keys()
            continue
        assert element.name in TAGS, element
        for name, value in element.attrs.items():
            if name == "src":
                assert re.fullmatch(r"data:image/(png|jpeg|gif|svg\+xml);base64,[\w+/=]*", value)
            elif name == "href":
                assert links
                assert re.match(r"https?://|mailto:", value)
            elif name == "rel":
                assert value == ["noopener", "noreferrer", "nofollow"]
            elif name == "style":
                assert not re.search(r"url|expression|\\|position|@|-\s*[.\d]", value)
            elif name == "class":
                assert all(
                    map(re.compile(r"\w{1,3}|highlight|dataframe|formula-\d+").fullmatch, value)
                )
            else:
                assert name in PLAIN | {"width", "valign"}, (name, element)


# What is kept


def test_a_plot_is_kept_with_its_size():
    sizes = {"image/png": {"width": 320, "height": 240, "alt": "x", "unconfined": True}}
    output = new_output(
        "display_data", data={"image/png": png(), "text/plain": "<Figure>"}, metadata=sizes
    )
    [kept] = shown(output)
    assert kept.data == {"image/png": png(), "text/plain": "<Figure>"}
    assert kept.metadata == {"image/png": {"width": 320, "height": 240}}


def test_a_table_of_pandas_is_kept():
    table = (
        "<div>\n<style scoped>\n .dataframe tbody {}\n</style>\n"
        '<table border="1" class="dataframe">'
        '<thead><tr style="text-align: right;"><th></th><th>a</th></tr></thead>'
        '<tbody><tr><th>0</th><td colspan="2">1 &lt; 2</td></tr></tbody></table></div>'
    )
    kept = displayed({"text/html": table, "text/plain": "  a"})["text/html"]
    assert '<table border="1" class="dataframe">' in kept
    assert '<tr style="text-align:right">' in kept
    assert '<td colspan="2">1 &lt; 2</td>' in kept
    assert "dataframe tbody" not in kept


def test_a_moving_picture_is_kept():
    file = io.BytesIO()
    Image.new("1", (2, 2)).save(file, "GIF")
    gif = base64.b64encode(file.getvalue()).decode()
    [picture] = bs4.BeautifulSoup(displayed({"image/gif": gif})["text/html"], "html.parser")
    assert picture["src"] == f"data:image/gif;base64,{gif}"


def test_an_svg_is_kept_as_a_picture():
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><circle r="4" /></svg>'
    kept = displayed({"image/svg+xml": svg, "text/plain": "<Graph>"})
    assert kept.keys() == {"text/html", "text/plain"}
    tag = bs4.BeautifulSoup(kept["text/html"], "html.parser").img
    assert base64.b64decode(tag["src"].partition(",")[2]).decode() == svg
    assert tag["alt"]


def test_text_markdown_json_and_formulas_are_kept():
    assert displayed({"text/plain": "\x1b[31mred\x1b[0m"}) == {"text/plain": "\x1b[31mred\x1b[0m"}
    assert displayed({"text/markdown": "**bold**"}) == {"text/markdown": "**bold**"}
    assert displayed({"text/latex": "x^2"}) == {"text/markdown": "$$x^2$$"}
    assert displayed({"text/latex": "$x^2$ too"}) == {"text/markdown": "$x^2$ too"}
    assert json.loads(displayed({"application/json": {"a": [1]}})["text/plain"]) == {"a": [1]}


def test_streams_are_joined_and_errors_keep_their_traceback():
    kept = shown(
        new_output("stream", name="stdout", text="a"),
        new_output("stream", name="stdout", text="b\n"),
        new_output("stream", name="stderr", text="c"),
        new_output("error", ename="ValueError", evalue="bad", traceback=["one", "two"]),
    )
    assert [(o.output_type, o.get("text") or o.get("traceback")) for o in kept] == [
        ("stream", "ab\n"),
        ("stream", "c"),
        ("error", ["one", "two"]),
    ]


def verdict(outcome=Outcome.WRONG):
    return Verdict(
        "two_path_grad",
        outcome,
        0.5,
        (Finding("x.y", "No `x` < 1 & 2", "5 numbers", ("expected 1.0", "received <2.0>")),),
        (CaseOutcome("5 numbers", True, True),),
        ("two_path_grad",),
        printed="<b>a line</b>",
        warned=("careful",),
    )


@pytest.mark.parametrize("outcome", Outcome)
def test_the_judges_own_words_stay_as_they_are(outcome):
    page = verdict(outcome)._repr_html_()
    output = new_output("display_data", data={"text/html": page, "text/plain": "x" * MOST_KEPT})
    assert shown(output, trusted={0}) == [output]
    # A page draws them through a sieve like all else, which leaves them what they are.
    assert tree(graders_html(page)) == tree(page)


def tree(page):
    """The elements of a page with their attributes, whatever the spelling."""
    soup = bs4.BeautifulSoup(page, "html.parser")
    styles = [re.sub(r"\b0\.", ".", str(e.attrs.pop("style", ""))) for e in soup.find_all()]
    return str(soup), [style.rstrip(";") for style in styles]


def test_nobody_else_can_speak_with_the_judges_marks():
    forged = displayed({"text/html": verdict()._repr_html_()})["text/html"]
    assert not re.search("autograd-verdict|data-outcome|role=", forged)


def test_what_marks_itself_as_trusted_is_not():
    page = {"text/html": f"<script>{payloads.RUN}</script><b>x</b>"}
    output = new_output("display_data", data=page, metadata={"trusted": True})
    notebook = new_notebook(cells=[new_code_cell(outputs=[output], metadata={"trusted": True})])
    [kept] = clean(notebook).cells[0].outputs
    assert kept.data["text/html"] == "<b>x</b>"
    assert kept.metadata == {}


# What is not


@pytest.mark.parametrize(
    "mime",
    [
        "application/javascript",
        "text/javascript",
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.plotly.v1+json",
        "application/vnd.bokehjs_exec.v0+json",
        "application/pdf",
        "text/vnd.mermaid",
        "application/x-unheard-of",
    ],
)
def test_scripts_widgets_and_the_unknown_go_and_their_text_stays(mime):
    assert displayed({mime: payloads.RUN, "text/plain": "a widget"}) == {"text/plain": "a widget"}
    assert displayed({mime: payloads.RUN}).keys() <= {"text/plain"}


@pytest.mark.parametrize("payload", payloads.HTML)
def test_html_is_inert(payload):
    must_be_inert(learners_html(payload))
    must_be_inert(learners_html(payload, links=True), links=True)
    must_be_inert(displayed({"text/html": payload}).get("text/html", ""))


@pytest.mark.parametrize("payload", payloads.MARKDOWN)
def test_markdown_is_inert(payload):
    svg = {"image/svg+xml": base64.b64encode(payloads.SVG.encode()).decode()}
    attached = {"a.png": {"image/png": png()}, "live.svg": svg}
    for links in (False, True):
        drawn = drawn_markdown(payload, links, attached)
        must_be_inert(drawn, links=links, formulas=True)


@pytest.mark.parametrize("payload", payloads.PICTURES)
def test_an_svg_is_a_picture_or_nothing(payload):
    kept = displayed({"image/svg+xml": payload})
    must_be_inert(kept.get("text/html", ""))
    assert "image/svg+xml" not in kept


@pytest.mark.parametrize("payload", payloads.TERMINAL)
def test_terminal_colours_are_inert(payload):
    for element in bs4.BeautifulSoup(ansi2html(payload), "html.parser").find_all():
        assert element.name == "span"
        assert element.attrs.keys() <= {"class", "style"}
        assert "(" not in element.get("style", "").replace("rgb(", "")


def test_what_only_claims_to_be_a_picture_is_dropped():
    lies = base64.b64encode(b"<script>").decode()
    assert displayed({"image/png": lies, "text/plain": "p"}) == {"text/plain": "p"}
    assert displayed({"image/jpeg": png(), "text/plain": "p"}) == {"text/plain": "p"}
    assert displayed({"image/png": png((50_000, 50_000))}) == {}


def test_a_width_is_a_number_or_nothing():
    output = {"metadata": {"image/png": {"width": "1 onerror=alert(1)", "height": 3}}}
    assert get_metadata(output, "width", "image/png") is None
    assert get_metadata(output, "height", "image/png") == 3
    assert get_metadata({"metadata": {"width": True}}, "width") is None


def test_execution_counts_are_numbers():
    notebook = new_notebook(cells=[new_code_cell(), new_markdown_cell("x")])
    notebook.cells[0].execution_count = "<script>"
    assert clean(notebook).cells[0].execution_count is None


# How much of it


def test_a_cell_and_a_notebook_keep_so_much_and_no_more():
    def page(letter):
        return new_output("display_data", data={"text/html": f"<p>{letter * 100_000}</p>"})

    cells = [new_code_cell(outputs=[page("a") for _ in range(12)]) for _ in range(5)]
    kept = clean(new_notebook(cells=cells))
    sizes = [len(json.dumps(cell.outputs)) for cell in kept.cells]
    assert max(sizes) < MOST_KEPT_OF_CELL * 1.1
    assert sum(sizes) < MOST_KEPT * 1.1
    assert "not kept" in kept.cells[0].outputs[-1].text


def test_endless_text_is_cut():
    [kept] = shown(*(new_output("stream", name="stdout", text="x" * 5000) for _ in range(200)))
    assert len(kept.text) < MOST_KEPT_OF_CELL * 1.1
    assert "not kept" in kept.text


def test_ten_thousand_displays_are_cut():
    display = {"output_type": "display_data", "data": {"text/plain": "x"}, "metadata": {}}
    cell = new_code_cell()
    cell["outputs"] = [display] * 10_000
    assert len(clean(new_notebook(cells=[cell])).cells[0].outputs) < 300


def test_deep_and_long_texts_take_no_time_that_grows_with_their_square():
    # Each of these took from ten seconds to minutes in nbconvert, mistune or nh3 alone.
    for text in ("<ul><li>" * 50_000, "<div>" * 50_000, "<details>" * 50_000):
        assert learners_html(text).startswith("<pre>")
    drawn_markdown("\\begin{align}\n" * 3000, False, {})
    drawn_markdown("\\\\(" * 16_000, False, {})
    assert "\x1b" not in ansi2html("\x1b[31mx" * 100_000)


# What nbgrader reads


TEXTS = st.text(max_size=30) | st.sampled_from(["0.0", "8", "nan", "inf", "1e3", " 2.5\n", "-1"])
RESULTS = st.builds(
    lambda text, more: new_output("execute_result", data={"text/plain": text, **more}),
    TEXTS | st.integers(41, 3000).map(lambda n: "0." + "0" * n + "1"),
    st.sampled_from([{}, {"text/html": "<b>x</b>"}, {"application/javascript": "x"}]),
)
OUTPUTS = st.lists(
    RESULTS
    | st.builds(
        lambda name, text: new_output("stream", name=name, text=text),
        st.sampled_from(["stdout", "stderr"]),
        TEXTS | st.integers(1, 6).map(lambda n: "x" * n * 100_000),
    )
    | st.builds(lambda text: new_output("error", ename=text, evalue=text, traceback=[text]), TEXTS)
    | st.builds(lambda text: new_output("display_data", data={"text/plain": text}), TEXTS),
    max_size=6,
)


def test_no_number_of_displays_hides_a_failure():
    many = [new_output("display_data", data={"text/plain": "x"}) for _ in range(300)]
    failure = new_output("error", ename="AssertionError", evalue="", traceback=[])
    assert score(shown(*many, failure)) == (0, 8.0)
    assert score(shown(*many, new_output("execute_result", data={"text/plain": "1.5"}))) == (1.5, 8)
    assert score(shown(*many, new_output("stream", name="stderr", text=""))) == (0, 8.0)


def score(outputs):
    graded = {"grade": True, "grade_id": "x", "points": 8.0, "locked": True, "solution": False}
    try:
        return determine_grade(new_code_cell(outputs=outputs, metadata={"nbgrader": graded}))
    except (KeyError, ValueError) as error:
        return type(error)


@settings(max_examples=200)
@given(outputs=OUTPUTS)
def test_nbgrader_reads_the_same_score_before_and_after(outputs):
    assert score(shown(*copy.deepcopy(outputs))) == score(outputs)


KINDS = ["stream", "display_data", "execute_result", "error"]
KEYS = words("output_type data text name metadata traceback text/html text/plain image/png")
FORMS = st.sampled_from([*payloads.HTML, *payloads.MARKDOWN, *payloads.PICTURES, png(), "plain"])
MIMES = ["text/html", "text/markdown", "image/svg+xml", "image/png", "text/latex", "text/plain"]


@settings(max_examples=200)
@given(data=st.dictionaries(st.sampled_from(MIMES), FORMS))
def test_what_was_cleaned_once_is_shown_as_it_is(data):
    kept = clean(new_notebook(cells=[new_code_cell(outputs=[new_output("display_data", data)])]))
    assert showable(kept) == kept


@pytest.mark.parametrize("grade", [True, False])
def test_a_verdict_read_from_a_file_is_one_only_under_a_test(grade):
    outputs = [new_output("display_data", data={"text/html": verdict()._repr_html_()})]
    settings = {"grade": grade, "grade_id": "x", "points": 1, "locked": True, "solution": False}
    cell = new_code_cell(outputs=outputs, metadata={"nbgrader": settings})
    [shown] = showable(new_notebook(cells=[cell])).cells[0].outputs
    assert (tree(shown.data["text/html"]) == tree(outputs[0].data["text/html"])) is grade
    assert ("autograd-verdict" in shown.data["text/html"]) is grade


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(KEYS)), inner | st.sampled_from(KINDS), max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(outputs=JSON, count=JSON)
def test_nothing_a_box_can_send_stops_cleaning(outputs, count):
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "", "execution_count": count}
    notebook = nbformat.from_dict(
        {"cells": [cell | {"outputs": outputs}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    )
    nbformat.validate(clean(notebook))


PIECES = st.lists(
    st.sampled_from(
        [*payloads.HTML, *payloads.MARKDOWN, "\n\n", "<p title='", '">', "$", "`", "<!--"]
    )
    | st.text("<>/='\"abc &;$`\n\\", max_size=12),
    max_size=6,
).map("".join)


@settings(max_examples=300)
@given(text=PIECES)
def test_no_mixture_of_payloads_is_live(text):
    cleaned = learners_html(text)
    must_be_inert(cleaned)
    assert learners_html(cleaned) == cleaned  # a browser's reading of it changes nothing
    must_be_inert(drawn_markdown(text, True, {}), links=True, formulas=True)


SLOW = {
    "formulas that never close": "$$ a\n\n" * 8333,
    "formulas at the end": "$$ a\n\n" * 30 + "a\n" * 9000,
    "environments that never close": "\\begin{align}\n" * 3500,
    "boxes to tick": "- [ ] a\n" * 7000,
    "columns": "|a" * 2000 + "|\n" + "|-" * 2000 + "|\n" + ("|a" * 2000 + "|\n") * 10,
    "rows that are filled up": "|a" * 100 + "|\n" + "|-" * 100 + "|\n" + "|\n" * 16_000,
    "brackets": "[" * 50_000,
    "quotes in quotes": "> " * 25_000 + "a",
    "lists in lists": "".join("  " * depth + "- a\n" for depth in range(220)),
    "emphasis": "*a **a " * 7000,
    "tags in tags": "<b>" * 16_000,
    "backticks": "".join("e" + "`" * number for number in range(310)),
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_no_markdown_takes_long(text):
    before = time.process_time()
    drawn = drawn_markdown(text, True, {})
    assert time.process_time() - before < 30  # less than one, on a machine with nothing else to do
    assert len(drawn) < 20 * len(text)


def test_markdown_that_would_take_long_stays_the_text_it_is():
    text = "$$ a\n\n" * 8333
    assert drawn_markdown(text, True, {}) == f"<pre>{text}</pre>"
    part = "# Paths\n\n$$\na + b\n$$\n\n- [x] one\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    lecture = part * 20
    assert drawn_markdown(lecture, True, {}).count("<math") == 20
    assert drawn_markdown(lecture, True, {}).count("<table>") == 20


FRAGMENTS = st.text("$[]()<>*_`#|-> \n\\!&:ax1~^{}'\"/=+", min_size=1, max_size=7)


@settings(max_examples=40, deadline=None)
@given(FRAGMENTS, FRAGMENTS)
def test_no_fragment_repeated_takes_long(first, then):
    before = time.process_time()
    drawn_markdown(first * (6000 // len(first)) + then * (6000 // len(then)), True, {})
    assert time.process_time() - before < 30


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\x9b", "\u202e", "\u2066", "\u2069"])
def test_what_only_acts_shows_on_a_page_and_does_nothing(sign):
    text = f"a{sign}b"
    context = {"resources": {}, "nb": {"metadata": {}}, "cell": new_markdown_cell()}
    for drawn in (
        markdown2html(context, text),
        highlight_code(context, text),
        clean_html(context, f"<p>{text}</p>"),
        ansi2html(text),
    ):
        assert sign not in drawn
        assert "�" in drawn


def test_colours_of_a_terminal_stay_and_so_do_texts_in_other_scripts():
    assert "ansi-red-fg" in ansi2html("\x1b[31mred\x1b[0m")
    for text in ("שלום\u200f", "سلام", "naïve", "数据", "a\u00ad", "👩\u200d🔬"):
        assert text in drawn_markdown(text, True, {})
        assert text in ansi2html(text)


@settings(max_examples=300)
@given(latex=st.sampled_from(payloads.LATEX) | st.text("\\{}$&^_<>\"'= abfrtex12", max_size=40))
def test_no_formula_is_live(latex):
    drawn = mathml(latex, True) or ""
    must_be_inert(drawn, formulas=True)


def test_a_formula_is_drawn_as_mathml():
    assert mathml("\\frac{a}{b}", False) == (
        '<math display="inline"><mrow><mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac>'
        "</mrow></math>"
    )
    drawn = drawn_markdown("Let $x < 1$.\n\n\\begin{align}a&=b\\end{align}", False, {})
    assert "<mo>&lt;</mo>" in drawn
    assert "<mtable" in drawn
    assert "<code>$\\frac{$</code>" in drawn_markdown("a $\\frac{$ b", False, {})
