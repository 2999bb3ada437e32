"""The drawing parts of every picture: text, shapes, arrows, and a picture with its sentence."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from course.widgets.frame import look

Point = tuple[float, float]
STATIC_SCOPE = ".ag-static"
MARGIN = 16.0
_STATIC_STYLE = look.style_sheet(STATIC_SCOPE, look.LIGHT)
# No code font in use is wider than this share of its size per character.
_CHARACTER = 0.61


def text_width(content: str, size: float = look.FONT_SIZE) -> float:
    """Room ``content`` needs at ``size`` px, in the pictures' fonts or narrower ones."""
    return len(content) * size * _CHARACTER


def element(tag: str, content: str = "", **attributes: object) -> str:
    """One SVG element; ``class_`` is class, underscores become dashes, numbers lose their noise."""
    parts = [
        f' {name.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for name, value in attributes.items()
        if value is not None
    ]
    return f"<{tag}{''.join(parts)}>{content}</{tag}>" if content else f"<{tag}{''.join(parts)}/>"


def _attribute(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return html.escape(str(value))


def text(content: str, x: float, y: float, style: str = "", anchor: str = "middle") -> str:
    """Text whose middle line is at ``y``; ``style``: small, words, strong, muted."""
    baseline = y + look.FONT_SIZE * 0.35
    return element(
        "text", html.escape(content), x=x, y=baseline, text_anchor=anchor, class_=style or None
    )


def group(parts: Sequence[str], title: str = "", **attributes: object) -> str:
    """Parts that belong together; a browser shows ``title`` where the mouse rests on them."""
    tip = element("title", html.escape(title)) if title else ""
    return element("g", tip + "".join(parts), **attributes)


def box(x: float, y: float, width: float, height: float, style: str, radius: float = 0) -> str:
    """A rectangle by its top left corner."""
    return element(
        "rect", x=x, y=y, width=width, height=height, rx=radius or None, class_=f"shape {style}"
    )


def pill(x: float, y: float, width: float, height: float, style: str) -> str:
    """A rectangle with round ends."""
    return box(x, y, width, height, style, radius=height / 2)


def hexagon(x: float, y: float, width: float, height: float, style: str) -> str:
    """A hexagon that points left and right, by the top left corner of its bounding box."""
    tip = height * 0.42
    points = (
        (x, y + height / 2),
        (x + tip, y),
        (x + width - tip, y),
        (x + width, y + height / 2),
        (x + width - tip, y + height),
        (x + tip, y + height),
    )
    return element("polygon", points=_points(points), class_=f"shape {style}")


def line(start: Point, end: Point, style: str) -> str:
    """A straight line."""
    return element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=style)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_attribute(float(x))},{_attribute(float(y))}" for x, y in points)


@dataclass(frozen=True)
class Curve:
    """A smooth line through ``points`` that leaves and meets each of them horizontally."""

    points: tuple[Point, ...]

    def path(self, shorten: float = 0.0) -> str:
        """SVG path data; its end drawn back by ``shorten`` to make room for an arrow head."""
        points = list(self.points)
        end, previous = points[-1], points[-2]
        points[-1] = (end[0] - math.copysign(shorten, end[0] - previous[0]), end[1])
        commands = [f"M{_points(points[:1])}"]
        for start, stop in pairwise(points):
            half = (stop[0] - start[0]) / 2
            handles = ((start[0] + half, start[1]), (stop[0] - half, stop[1]), stop)
            commands.append(f"C{_points(handles)}")
        return "".join(commands)

    def at(self, share: float) -> Point:
        """The point at ``share`` in [0, 1] of the horizontal way."""
        first, last = self.points[0][0], self.points[-1][0]
        x = first + share * (last - first)
        for start, stop in pairwise(self.points):
            if min(start[0], stop[0]) <= x <= max(start[0], stop[0]) and start[0] != stop[0]:
                return x, _height(start, stop, x)
        return self.points[-1]


def _height(start: Point, stop: Point, x: float) -> float:
    """y of the cubic between two horizontal tangents at ``x``, by halving its parameter."""
    low, high = 0.0, 1.0
    half = (stop[0] - start[0]) / 2
    across = (start[0], start[0] + half, stop[0] - half, stop[0])
    forwards = stop[0] > start[0]
    for _ in range(24):
        middle = (low + high) / 2
        if (_cubic(across, middle) < x) == forwards:
            low = middle
        else:
            high = middle
    return _cubic((start[1], start[1], stop[1], stop[1]), low)


def _cubic(values: tuple[float, float, float, float], t: float) -> float:
    a, b, c, d = values
    s = 1 - t
    return s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d


def arrow(curve: Curve, style: str, head: float) -> str:
    """``curve`` with a head of length ``head`` at its end; styles ``forward``, ``gradient``."""
    (x, y), previous = curve.points[-1], curve.points[-2]
    back = x - math.copysign(head, x - previous[0])
    tip = ((x, y), (back, y - head * 0.45), (back, y + head * 0.45))
    first = style.split()[0]
    return element("path", d=curve.path(shorten=head * 0.8), class_=style) + element(
        "polygon", points=_points(tip), class_=f"{first}-head"
    )


@dataclass(frozen=True)
class Band:
    """A strip of a picture, from left to right, and what it shows there from top to bottom."""

    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Picture:
    """One drawn state: SVG content of ``width`` × ``height`` px, and the sentence that says it.

    ``bands`` are its columns and the gaps between them, in turn, from left to right. A page that is
    too narrow breaks the picture at a gap, like a line of music, and shows that gap on both lines.
    """

    width: float
    height: float
    body: str
    title: str
    sentence: str
    bands: tuple[Band, ...] = ()

    def live(self) -> str:
        """SVG without a style of its own: the page's theme gives the colours."""
        bands = ";".join(
            " ".join(f"{one:.0f}" for one in (band.left, band.right, band.top, band.bottom))
            for band in self.bands
        )
        return self._svg(self.body, self.width, self.height, "ag-live", data_bands=bands or None)

    def static(self) -> str:
        """SVG complete in itself: its own white card and colours, the sentence written above."""
        lines = textwrap.wrap(
            self.sentence, max(40, int((self.width - 2 * MARGIN) / text_width("x")))
        )
        above = look.LINE_HEIGHT * len(lines) + MARGIN
        height = self.height + above
        width = max([self.width, *(text_width(one) + 2 * MARGIN for one in lines)])
        caption = [
            text(one, MARGIN, MARGIN + look.LINE_HEIGHT * i, "sentence", "start")
            for i, one in enumerate(lines)
        ]
        body = element("g", self.body, transform=f"translate(0 {above:g})")
        card = element(
            "rect", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=8, class_="card"
        )
        style = element("style", _STATIC_STYLE)
        return self._svg(style + card + "".join(caption) + body, width, height, "ag-static")

    def _repr_mimebundle_(self, **options: object) -> dict[str, str]:
        """The static SVG and the sentence, for every page that shows a notebook's outputs."""
        svg = self.static()
        return {
            "text/plain": self.sentence,
            "text/html": f'<div style="overflow-x: auto">{svg}</div>',
            "image/svg+xml": svg,
        }

    def _svg(
        self, content: str, width: float, height: float, scope: str, **attributes: object
    ) -> str:
        labels = element("title", html.escape(self.title)) + element(
            "desc", html.escape(self.sentence)
        )
        return element(
            "svg",
            labels + content,
            xmlns="http://www.w3.org/2000/svg",
            role="img",
            aria_label=f"{self.title}. {self.sentence}",
            width=math.ceil(width),
            height=math.ceil(height),
            style="max-width: none",  # pages shrink pictures, and with them the text
            viewBox=f"0 0 {math.ceil(width)} {math.ceil(height)}",
            class_=scope,
            **attributes,
        )
