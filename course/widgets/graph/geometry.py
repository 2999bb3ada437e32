"""Where everything in a graph's picture stands: computed once, the same for every step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from course.widgets.frame.layout import Layout, Size, columns_of, lay_out
from course.widgets.frame.look import SMALL_FONT_SIZE
from course.widgets.frame.svg import Band, Curve, Point, text_width
from course.widgets.graph.model import Graph
from course.widgets.graph.texts import box_text, widest_arrows, widest_rows
from course.widgets.graph.words import Words

BOX_HEIGHT = 30.0
NODE_HEIGHT = 26.0
LINK = 6.0
ROW = 18.0
TAG = 20.0
TAG_GAP = 4.0
MOST_TAGS = 3
SPACING = 24.0
NARROWEST_GAP = 56.0
MARGIN = 18.0
SEED_ROOM = 56.0
PORT = 8.0
HALO = 11.0
LABEL_HEIGHT = 20.0
LANE = BOX_HEIGHT / 2 + LINK + NODE_HEIGHT / 2
# Where an edge passes a column, the forward line runs at its height, the gradient's a LANE below.
WAYPOINT = Size(width=0.0, above=4.0, below=LANE + 4.0)


@dataclass(frozen=True)
class Unit:
    """One box's place: left edge, width, the y of the line through its tensor, its reach below."""

    x: float
    width: float
    y: float
    below: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width


@dataclass(frozen=True)
class Geometry:
    """Units by box, curves by edge (forward, and back along the nodes), label centres by edge.

    ``bands`` are the columns and the gaps between them, in turn: see ``Picture``.
    """

    units: tuple[Unit, ...]
    forward: tuple[Curve, ...]
    backward: tuple[Curve, ...]
    labels: tuple[Point, ...]
    bands: tuple[Band, ...]
    width: float
    height: float


def tags_of(graph: Graph, index: int) -> tuple[str, ...]:
    """The texts of a node's saved tags; what does not fit is counted in the last."""
    texts = [one.text() for one in graph.boxes[index].saved]
    if len(texts) > MOST_TAGS:
        texts = [*texts[: MOST_TAGS - 1], f"{len(texts) - MOST_TAGS + 1} more"]
    return tuple(texts)


def geometry_of(graph: Graph) -> Geometry:
    """Lay the whole graph out with room for the longest text of any step."""
    sizes, links = _sizes(graph), [(edge.source, edge.target) for edge in graph.edges]
    arrows = {edge: text_width("x" * n) + 14 for edge, n in widest_arrows(graph).items()}
    column = columns_of(len(sizes), links)
    gaps = [NARROWEST_GAP] * (max(column) + 1)
    for index, width in arrows.items():
        gap = column[graph.edges[index].source]
        gaps[gap] = max(gaps[gap], width + 24)
    layout = lay_out(sizes, links, gaps, SPACING, WAYPOINT)
    units = tuple(_unit(graph, layout, sizes, i) for i in range(len(sizes)))
    forward, backward = _curves(graph, layout, units)
    return Geometry(
        units,
        forward,
        backward,
        _labels(graph, layout, backward, arrows),
        _bands(layout, units, forward),
        layout.width + 2 * MARGIN + SEED_ROOM,
        layout.height + 2 * MARGIN,
    )


def _sizes(graph: Graph) -> list[Size]:
    rows, words, sizes = widest_rows(graph), Words(graph), []
    for index, box in enumerate(graph.boxes):
        main, word = box_text(box)
        widths = [text_width(main) + text_width(word, SMALL_FONT_SIZE) + (8 if word else 0) + 20]
        below = BOX_HEIGHT / 2
        if box.node:
            node = box.node + words.ordinals.get(index, "")
            widths.append(text_width(node, SMALL_FONT_SIZE) + 26)
            below += LINK + NODE_HEIGHT + ROW * (2 if box.kind == "leaf" else 1) + 2
        widths.append(text_width("x" * rows.get(index, 0), SMALL_FONT_SIZE) + 8)
        for tag in tags_of(graph, index):
            widths.append(text_width(f"saved {tag}", SMALL_FONT_SIZE) + 16)
            below += TAG + TAG_GAP
        sizes.append(Size(max(widths), BOX_HEIGHT / 2, below))
    return sizes


def _unit(graph: Graph, layout: Layout, sizes: Sequence[Size], index: int) -> Unit:
    """Tensors with a node are as wide as their column; inputs without grad, as their text."""
    x, y = layout.centre[index]
    left, right = layout.columns[layout.column[index]]
    width = right - left if graph.boxes[index].node else sizes[index].width
    return Unit(MARGIN + x - width / 2, width, MARGIN + y, sizes[index].below)


def _curves(
    graph: Graph, layout: Layout, units: Sequence[Unit]
) -> tuple[tuple[Curve, ...], tuple[Curve, ...]]:
    paths = []
    for index, edge in enumerate(graph.edges):
        source, target = units[edge.source], units[edge.target]
        between = [point for x, y in layout.route[index] for point in _through(layout, x, y)]
        paths.append([(source.right, source.y), *between, (target.x, target.y)])
    leaving = _ports([edge.source for edge in graph.edges], [path[1][1] for path in paths])
    meeting = _ports([edge.target for edge in graph.edges], [path[-2][1] for path in paths])
    forward, backward = [], []
    for index, path in enumerate(paths):
        path[0] = (path[0][0], path[0][1] + leaving[index])
        path[-1] = (path[-1][0], path[-1][1] + meeting[index])
        forward.append(Curve(tuple(path)))
        backward.append(Curve(tuple((x, y + LANE) for x, y in reversed(path))))
    return tuple(forward), tuple(backward)


def _through(layout: Layout, x: float, y: float) -> tuple[Point, Point]:
    """A waypoint as two: the line runs level across the whole column."""
    left, right = next(span for span in layout.columns if span[0] <= x <= span[1])
    return (MARGIN + left, MARGIN + y), (MARGIN + right, MARGIN + y)


def _ports(ends: Sequence[int], towards: Sequence[float]) -> list[float]:
    """Where each edge meets the side of its box: spread out, ordered by where it comes from."""
    offsets = [0.0] * len(ends)
    for end in set(ends):
        here = sorted(
            (i for i in range(len(ends)) if ends[i] == end), key=lambda i: (towards[i], i)
        )
        step = min(PORT, (NODE_HEIGHT - 6) / max(1, len(here) - 1))
        for place, index in enumerate(here):
            offsets[index] = (place - (len(here) - 1) / 2) * step
    return offsets


def _bands(layout: Layout, units: Sequence[Unit], forward: Sequence[Curve]) -> tuple[Band, ...]:
    """Each column from its highest box to its lowest, each gap from its highest arrow to its
    lowest; with what the gradient's way, a label and the mark of the active box take beside them.
    """
    columns = [(MARGIN + left, MARGIN + right) for left, right in layout.columns]
    tops, bottoms = [math.inf] * (2 * len(columns)), [-math.inf] * (2 * len(columns))

    def reach(band: int, top: float, bottom: float) -> None:
        tops[band], bottoms[band] = min(tops[band], top), max(bottoms[band], bottom)

    for unit, column in zip(units, layout.column, strict=True):
        reach(2 * column, unit.y - BOX_HEIGHT / 2 - HALO, unit.y + unit.below + HALO)
    for curve in forward:
        for (x, y), (to_x, to) in pairwise(curve.points):
            column = next(i for i, (_, right) in enumerate(columns) if x < right + 1)
            band = 2 * column + (to_x > columns[column][1] + 1)  # else level, across the column
            reach(band, min(y, to) - LABEL_HEIGHT, max(y, to) + LANE + LABEL_HEIGHT)
    sides = [side for column in columns for side in column]
    spans = pairwise(sides)  # a column, the gap behind it, a column, ...
    return tuple(
        Band(left, right, max(0.0, tops[i]), bottoms[i]) for i, (left, right) in enumerate(spans)
    )


def _labels(
    graph: Graph, layout: Layout, backward: Sequence[Curve], widths: dict[int, float]
) -> tuple[Point, ...]:
    """A centre for every edge's label: on its arrow, in the gap it ends in, clear of the others."""
    twins = Counter((edge.source, edge.target) for edge in graph.edges)
    seen: Counter[tuple[int, int]] = Counter()
    taken: list[tuple[float, float, float]] = []
    places: list[Point] = []
    for index, curve in enumerate(backward):
        width = widths.get(index, 0.0)
        pair = graph.edges[index].source, graph.edges[index].target
        middle = (seen[pair] - (twins[pair] - 1) / 2) * (LABEL_HEIGHT - PORT + 4)
        seen[pair] += 1
        choices = _choices(layout, graph, index, curve, middle)
        place = min(choices, key=lambda choice: (_overlap(choice[0], width, taken), choice[1]))[0]
        places.append(place)
        if width:
            taken.append((*place, width))
    return tuple(places)


def _choices(
    layout: Layout, graph: Graph, index: int, curve: Curve, aside: float
) -> list[tuple[Point, float]]:
    """Places for a label, each with how far it is from the best one: ``aside`` of its arrow."""
    edge = graph.edges[index]
    first, last = layout.column[edge.source], layout.column[edge.target]
    start, end = curve.points[0][0], curve.points[-1][0]
    choices: list[tuple[Point, float]] = []
    for gap in range(first, last):
        middle = MARGIN + (layout.columns[gap][1] + layout.columns[gap + 1][0]) / 2
        x, y = curve.at((middle - start) / (end - start))
        choices += [
            ((x, y + aside + shift), abs(shift) + 15.0 * (gap - first))
            for shift in (0.0, -6.0, 6.0, -11.0, 11.0, -22.0, 22.0)
        ]
    return choices


def _overlap(place: Point, width: float, taken: Sequence[tuple[float, float, float]]) -> float:
    """The area shared with labels already placed."""
    total = 0.0
    for x, y, other in taken:
        across = (width + other) / 2 + 4 - abs(place[0] - x)
        down = LABEL_HEIGHT + 2 - abs(place[1] - y)
        total += max(0.0, across) * max(0.0, down)
    return total
