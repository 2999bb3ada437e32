"""What is a picture that a page may show, and what is not."""

import base64
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.widgets.frame.svg import Picture, line
from grader.judge.intake.drawings import drawing
from grader.judge.intake.pictures import bitmap_in, bitmap_of, picture, picture_in
from tests.fixtures import payloads
from tests.fixtures.payloads import png

HEAD = "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'"


def shown(svg):
    return drawing(svg, bitmap_in)


def nested(levels, each=10, by="<use href='#a{}'/>"):
    """Ten references to ten references to ...: few bytes that are drawn as many."""
    groups = [f"<g id='a{level + 1}'>{by.format(level) * each}</g>" for level in range(levels)]
    return f"{HEAD}><rect id='a0' width='1' height='1'/>{''.join(groups)}</svg>"


def address(svg):
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


HOSTILE = {
    "nested uses": nested(6),
    "nested uses by xlink": nested(6, by="<use xlink:href='#a{}'/>"),
    "nested patterns": nested(6, by="<rect width='9' height='9' fill='url(#a{})'/>"),
    "a use of itself": f"{HEAD}><g id='a'><use href='#a'/></g></svg>",
    "a circle of uses": f"{HEAD}><g id='a'><use href='#b'/></g>"
    "<g id='b'><use href='#a'/></g></svg>",
    "a chain of uses": nested(5000, each=1),
    "an entity": f"<!DOCTYPE svg [<!ENTITY x 'y'>]>{HEAD}>&x;</svg>",
    "deep": f"{HEAD}>{'<g>' * 50_000}{'</g>' * 50_000}</svg>",
    "many elements": f"{HEAD}>{'<g/>' * 50_000}</svg>",
    "long paths, used": f"{HEAD}><path id='a0' d='M0 0{'L9 9' * 9000}'/>"
    + "<use href='#a0'/>" * 900
    + "</svg>",
    "a million dashes": f"{HEAD} stroke-dasharray='1'><path d='M0 0{'h90000' * 900}'/></svg>",
    "dashes in a sheet": f"{HEAD}><style>path{{stroke-dasharray:1}}</style>"
    f"<path d='M0 0{'h90000' * 900}'/></svg>",
    "layers": f"{HEAD}>" + "<rect width='9' height='9' opacity='.5'/>" * 19_000 + "</svg>",
    "not XML": "<svg><circle r=4></svg>",
    "no SVG": "<html/>",
}


@pytest.mark.parametrize("svg", HOSTILE.values(), ids=HOSTILE)
def test_an_svg_that_would_keep_a_browser_busy_is_not_shown(svg):
    before = time.process_time()
    assert shown(svg) is None
    assert picture_in(address(svg)) is None
    assert time.process_time() - before < 30  # half a second at most


@pytest.mark.parametrize("svg", payloads.PICTURES)
def test_what_is_live_in_an_svg_is_gone(svg):
    kept = shown(svg) or ""
    for sign in ("script", "onload", "http:", "https:", "foreignObject", "import", "stylesheet"):
        assert sign not in kept.replace("http://www.w3.org/2000/svg", "")


def test_references_out_of_an_svg_and_functions_of_css_are_gone():
    kept = shown(
        f"{HEAD}><style>@import 'x';</style><style>rect{{filter:blur(9px);fill:red}}</style>"
        "<rect fill='url(http://x/#a)' stroke='url(#b)' style='fill:url(//x#a);stroke:blue'/>"
        "<use href='http://x/y.svg#a'/><image href='http://x/y.png'/><a href='http://x'>t</a></svg>"
    )
    assert "x" not in kept.replace("xmlns", "")
    assert kept.count("url(") == 1
    assert "filter" not in kept
    assert "fill: red" in kept
    assert "stroke: blue" in kept


def test_the_pictures_of_the_course_and_of_matplotlib_look_as_before():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    axes.plot(range(200), linestyle="--", marker="o", label="a $x^2$")
    axes.grid(linestyle=":")
    axes.imshow([[0, 1], [2, 3]])
    axes.legend()
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    pyplot.close(figure)
    plot = file.getvalue().decode()
    kept = shown(plot)
    for sign in ("<path", "<use", "stroke-dasharray: ", "data:image/png;base64,", "clip-path="):
        assert kept.count(sign) == plot.count(sign)
    ours = Picture(100, 50, line((0, 0), (9, 9), "later-edge"), "A title", "A sentence.").static()
    kept = shown(ours)
    assert "later-edge" in kept
    assert "stroke-dasharray" in kept
    assert "A sentence." in kept


@pytest.mark.parametrize("name", ["p402068d19a", "p9e99", "p77b287681e", "12345678"])
def test_the_digits_in_a_name_are_no_size(name):
    inside = f"<clipPath id='{name}'/><path clip-path='url(#{name})' d='M 0 0 L 9 9'/>"
    assert f'clip-path="url(#{name})"' in shown(f"{HEAD}>{inside}</svg>")


def test_a_bitmap_inside_an_svg_goes_through_the_same_gate():
    inside = "<image href='data:image/png;base64,{}' width='9' height='9'/>"
    assert png() in shown(f"{HEAD}>{inside.format(png())}</svg>")
    assert "<image" not in shown(f"{HEAD}>{inside.format(png((20_000, 20_000)))}</svg>")


def test_a_picture_is_what_it_is_and_not_what_it_claims():
    assert picture("image/png", png())
    assert picture("image/jpeg", png()) is None
    assert picture("image/png", png((20_000, 20_000))) is None  # 400 megapixels
    assert bitmap_of(base64.b64decode(png())) == ("image/png", png())
    assert bitmap_of(b"GIF89a") is None
    assert picture_in(f"data:image/png;base64,{png()}") == f"data:image/png;base64,{png()}"
    assert picture_in(f"data:image/png;base64,{png((20_000, 20_000))}") is None
    for other in ("https://x/y.png", "data:text/html;base64,PGI+", "data:image/svg+xml,<svg/>", ""):
        assert picture_in(other) is None


PARTS = st.sampled_from(
    ["<g>", "</g>", "<use href='#a'/>", "id='a'", "<", ">", "<rect ", "'", "&#x0;", "%", "9e9"]
)  # fmt: skip
TEXTS = st.text(max_size=50) | st.lists(PARTS, max_size=20).map("".join)


@settings(max_examples=100)
@given(TEXTS | TEXTS.map(lambda inside: f"{HEAD}>{inside}</svg>"), st.binary(max_size=200))
def test_no_text_and_no_bytes_stop_the_gate(text, content):
    kept = shown(text)
    assert kept is None or shown(kept) == kept
    picture_in(text)
    picture_in(address(text))
    for start in (b"", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"):
        bitmap_of(start + content)
    picture("image/png", text)
