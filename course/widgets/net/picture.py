"""Draws a view of a net: boxes from the input at the top to the loss at the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from course.widgets.frame import svg
from course.widgets.frame.layout import Layout, Size, lay_out
from course.widgets.frame.look import SMALL_FONT_SIZE
from course.widgets.frame.svg import Picture, Point
from course.widgets.frame.values import number
from course.widgets.frame.words import clipped
from course.widgets.net import words
from course.widgets.net.model import Item, Net, View

HEIGHT, PLAIN_HEIGHT = 46.0, 30.0
GAP = 40.0
SPACING = 56.0
MARGIN = 22.0
BESIDE = 30.0
NARROWEST = 120.0
HEAD = 10.0
LABEL = 20.0
LONGEST_GRADIENT = ".grad: norm 0.0001234"


class NetPicture:
    """The views of a net as the choices of a Player; each step is the turn of one box."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.views = list(net.views().values())
        self._layouts: dict[int, Layout] = {}

    @property
    def choices(self) -> Sequence[str]:
        """The whole net, then every module that opens."""
        return [view.name for view in self.views]

    def last_step(self, choice: int) -> int:
        """One step per box, and one for what came of it."""
        return len(self.views[choice].items) + 1

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        view = self.views[choice]
        last = self.last_step(choice)
        now = len(view.items) - step if 0 < step < last else -1
        if step == 0:
            told = words.start(self.net, view)
        else:
            told = words.end(self.net) if step == last else words.turn(self.net, view, now)
        ran = set(range(len(view.items) - min(step, len(view.items)), len(view.items)))
        layout = self._laid_out(choice)
        body = [self._edge(view, layout, i, ran, now) for i in range(len(view.edges))]
        body += [
            self._item(layout, i, item, i in ran, i == now) for i, item in enumerate(view.items)
        ]
        return Picture(
            layout.height + 2 * MARGIN + 2 * BESIDE,
            layout.width + 2 * MARGIN,
            "".join(body),
            f"Modules of {view.name}",
            f"Step {step} of {last}: {told}",
        )

    def _laid_out(self, choice: int) -> Layout:
        """The layout's columns are this picture's rows: it runs from top to bottom."""
        if choice not in self._layouts:
            view = self.views[choice]
            sizes = [Size(_height(item), _width(item) / 2, _width(item) / 2) for item in view.items]
            way = Size(0.0, 8.0, 8.0)
            self._layouts[choice] = lay_out(sizes, view.edges, [GAP], SPACING, way)
        return self._layouts[choice]

    def _item(self, layout: Layout, index: int, item: Item, ran: bool, now: bool) -> str:
        down, across = layout.centre[index]
        width, height = _width(item), _height(item)
        left, top = MARGIN + BESIDE + across - width / 2, MARGIN + down - height / 2
        style = "later" if item.is_outside else "tensor" if item.is_module else "node"
        shape = svg.box(left, top, width, height, style, radius=9 if item.is_module else 14)
        middle = left + width / 2
        title, below = clipped(item.name), _below(self.net, item, ran)
        # A box that opens has a plus at its corner; a click on it is a choice in the list.
        parts = [shape, svg.text(title, middle, top + 15, "strong" if item.is_module else "small")]
        if below:
            parts.append(svg.text(below, middle, top + 33, "words"))
        if item.opens:
            parts.append(svg.text("+", left + width - 12, top + 15, "strong"))
        if now:
            parts.insert(0, svg.box(left - 6, top - 6, width + 12, height + 12, "halo", radius=12))
        return svg.group(
            parts,
            title=_details(self.net, item),
            data_active="" if now else None,
            data_open=item.opens or None,
        )

    def _edge(self, view: View, layout: Layout, index: int, ran: set[int], now: int) -> str:
        source, target = view.edges[index]
        points = self._way(view, layout, index)
        if target not in ran:
            return _arrow(points, "forward")
        norm = words.norm_of(self.net.between(view.items[source], view.items[target]))
        if norm is None:
            return _arrow(points, "forward")
        fresh = " gradient-now" if target == now else ""
        drawn = _arrow(points[::-1], f"gradient{fresh}")
        x, y = _middle(points)
        content = number(norm)
        width = svg.text_width(content, SMALL_FONT_SIZE) + 12
        x += width / 2 + 7  # beside the arrow, whose head would be hidden
        style = "label label-now" if fresh else "label"
        return drawn + svg.group(
            [
                svg.pill(x - width / 2, y - LABEL / 2, width, LABEL, style),
                svg.text(content, x, y, "small strong" if fresh else "small"),
            ]
        )

    def _way(self, view: View, layout: Layout, index: int) -> list[Point]:
        """The points of an edge from its source at the top to its target."""
        source, target = view.edges[index]
        (down, across), (to_down, to_across) = layout.centre[source], layout.centre[target]
        start = (MARGIN + BESIDE + across, MARGIN + down + _height(view.items[source]) / 2)
        end = (MARGIN + BESIDE + to_across, MARGIN + to_down - _height(view.items[target]) / 2)
        between = [(MARGIN + BESIDE + y, MARGIN + x) for x, y in layout.route[index]]
        return [start, *between, end]


def _arrow(points: Sequence[Point], style: str) -> str:
    """A smooth line through the points that leaves and meets each of them vertically."""
    (x, y), (_, before) = points[-1], points[-2]
    sign = 1 if y > before else -1
    ended = [*points[:-1], (x, y - sign * HEAD * 0.8)]
    path = f"M{ended[0][0]:.1f},{ended[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(ended):
        half = (y2 - y1) / 2
        path += f"C{x1:.1f},{y1 + half:.1f} {x2:.1f},{y2 - half:.1f} {x2:.1f},{y2:.1f}"
    back = y - sign * HEAD
    tip = f"{x:.1f},{y:.1f} {x - HEAD * 0.45:.1f},{back:.1f} {x + HEAD * 0.45:.1f},{back:.1f}"
    first = style.split()[0]
    return svg.element("path", d=path, class_=style) + svg.element(
        "polygon", points=tip, class_=f"{first}-head"
    )


def _middle(points: Sequence[Point]) -> Point:
    """Where an edge's label stands: half way down its middle piece."""
    (x1, y1), (x2, y2) = points[len(points) // 2 - 1], points[len(points) // 2]
    return (x1 + x2) / 2, (y1 + y2) / 2


def _height(item: Item) -> float:
    return HEIGHT if item.is_module else PLAIN_HEIGHT


def _width(item: Item) -> float:
    """Wide enough for every line that a box shows at some step."""
    name = svg.text_width(clipped(item.name)) + 44
    below = (f"{item.word} · {len(item.nodes):,} nodes", LONGEST_GRADIENT)
    words = max(svg.text_width(text, SMALL_FONT_SIZE) for text in below) + 24
    return max(NARROWEST, name, words if item.is_module else 0.0)


def _below(net: Net, item: Item, ran: bool) -> str:
    """The second line of a module's box: what it is, and once it ran, what its parameters got."""
    if not item.is_module:
        return ""
    weights = words.weights_of(net, item)
    if ran and weights:
        norm = words.norm_of(weights.values())
        return "no gradient" if norm is None else f".grad: norm {number(norm)}"
    return f"{item.word} · {words.counted(len(item.nodes), 'node')}"


def _details(net: Net, item: Item) -> str:
    """What the mouse can ask for."""
    weights = words.weights_of(net, item)
    lines = [f"{item.name} {item.word}".strip(), words.counted(len(item.nodes), "node")]
    shown = list(weights.items())[:MOST_LINES]
    lines += [f"{name}: norm {number(norm or 0.0)}" for name, norm in shown]
    if len(weights) > MOST_LINES:
        lines.append(f"and {len(weights) - MOST_LINES} more parameters")
    return "\n".join(lines)


MOST_LINES = 12
