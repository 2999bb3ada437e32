"""The pictures can be read: contrast, sizes, both themes, and without the page's own style."""

import itertools
import re

import pytest

from course.widgets.frame import look, svg
from course.widgets.frame.svg import Curve, Picture

PALETTES = {"light": look.LIGHT, "dark": look.DARK}


@pytest.mark.parametrize("theme", PALETTES)
def test_every_text_has_4_5_to_1_on_everything_it_may_stand_on(theme):
    palette = PALETTES[theme]
    for text, ground in itertools.product(
        (palette.ink, palette.muted), (palette.card, *palette.fill.values())
    ):
        assert look.contrast(text, ground) >= look.TEXT_CONTRAST, (text, ground)


@pytest.mark.parametrize("theme", PALETTES)
def test_every_shape_and_arrow_has_3_to_1_on_the_card(theme):
    palette = PALETTES[theme]
    for stroke in (*palette.stroke.values(), palette.line):
        assert look.contrast(stroke, palette.card) >= look.SHAPE_CONTRAST, stroke


def test_contrast_is_the_ratio_wcag_defines():
    assert look.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert look.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert look.contrast("#FFFFFF", "#777777") == look.contrast("#777777", "#FFFFFF")


def test_a_readable_shade_is_the_colour_itself_where_that_can_be_read():
    assert look.readable("#009E73", "#FFFFFF", 3.0) == "#009E73"
    assert look.readable("#56B4E9", "#FFFFFF", 3.0) != "#56B4E9"


@pytest.mark.parametrize("theme", PALETTES)
def test_a_style_sheet_writes_text_of_12_px_or_more_and_leaves_no_colour_open(theme):
    written = look.style_sheet(".ag-static", PALETTES[theme])
    assert min(map(int, re.findall(r"font-size: (\d+)px", written))) >= 12
    assert "{ink}" not in written
    assert "var(" not in written


def test_the_live_style_sheet_asks_for_no_colour_the_themes_do_not_set():
    asked = set(re.findall(r"var\((--ag-[\w-]+)\)", look.style_sheet(".ag-live")))
    light, dark = look.theme_variables(".ag-stage").splitlines()
    for theme in (light, dark):
        assert asked <= set(re.findall(r"(--ag-[\w-]+):", theme))
    assert '[data-jp-theme-light="false"] .ag-stage' in dark


def test_a_style_of_one_picture_reaches_no_other_part_of_the_page():
    for line in look.style_sheet(".ag-static", look.LIGHT).splitlines():
        assert line.startswith(".ag-static ")


def test_a_static_picture_is_complete_in_itself():
    picture = Picture(300, 80, svg.text("w < 1", 50, 40), "A & B", 'Step 1: "w" is smaller than 1.')
    drawn = picture.static()
    assert 'role="img"' in drawn
    assert "<title>A &amp; B</title>" in drawn
    assert "<desc>Step 1: &quot;w&quot; is smaller than 1.</desc>" in drawn
    assert f"fill: {look.LIGHT.card}" in drawn  # its own card: it may stand on a dark page
    assert "w &lt; 1" in drawn
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")  # and asks nobody


def test_a_long_sentence_stays_inside_the_card():
    sentence = "A sentence that is much longer than the picture is wide, and so needs lines. " * 3
    drawn = Picture(200, 50, "", "T", sentence).static()
    width = int(re.search(r' width="(\d+)" height', drawn)[1])
    for line in re.findall(r'class="sentence">([^<]*)<', drawn):
        assert svg.text_width(line) + svg.MARGIN <= width


def test_a_label_can_be_put_anywhere_on_a_curve():
    curve = Curve(((0, 0), (100, 50), (200, 50)))
    assert curve.at(0.25) == pytest.approx((50, 25), abs=0.1)
    assert curve.at(0.75) == pytest.approx((150, 50), abs=0.1)
    assert Curve(tuple(reversed(curve.points))).at(0.75) == pytest.approx((50, 25), abs=0.1)


def test_figures_use_the_same_colours_and_differ_by_dash_as_well():
    import matplotlib.pyplot as plt

    before = dict(plt.rcParams)
    with look.figure_style():
        styles = list(plt.rcParams["axes.prop_cycle"])
        assert {style["color"] for style in styles} <= set(look.LIGHT.stroke.values())
        assert len({str(style["linestyle"]) for style in styles}) == len(styles)
        assert plt.rcParams["font.size"] >= 12
    assert dict(plt.rcParams) == before
