"""Where the boxes of a directed graph go: columns by depth, few crossings, straight long edges.

The classic layered method (Sugiyama, Tagawa and Toda 1981): columns by longest path, invisible
waypoints where an edge crosses a column, sweeps that order each column by its neighbours' median,
and heights by weighted least squares under minimum distances. Pure Python and deterministic, so
every machine draws the same picture, with or without Graphviz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 24
ALIGNMENTS = 400
STILL = 0.05


@dataclass(frozen=True)
class Size:
    """A box: its width, and how far it reaches above and below the line its edges meet."""

    width: float
    above: float
    below: float


@dataclass(frozen=True)
class Layout:
    """``centre[i]``: middle x and edge line y of box i. ``route[e]``: the waypoints of edge e.

    ``columns`` holds (left, right) of each column; ``column[i]`` is the column of box i.
    """

    centre: tuple[tuple[float, float], ...]
    route: tuple[tuple[tuple[float, float], ...], ...]
    column: tuple[int, ...]
    columns: tuple[tuple[float, float], ...]
    width: float
    height: float


def lay_out(
    sizes: Sequence[Size],
    edges: Sequence[tuple[int, int]],
    gaps: Sequence[float],
    spacing: float,
    waypoint: Size,
) -> Layout:
    """Columns from left (inputs) to right (results).

    Args:
        sizes: of each box.
        edges: (source, target) by box; an acyclic graph; parallel edges are allowed.
        gaps: the free width right of column k, as far as given; the last one goes on.
        spacing: the free height between two boxes of a column.
        waypoint: the room an edge takes where it crosses a column.
    """
    column = columns_of(len(sizes), edges)
    chains, placed, links = _waypoints(column, edges)
    order = _order(placed, links)
    reach = [(size.above, size.below) for size in sizes]
    reach += [(waypoint.above, waypoint.below)] * (len(placed) - len(sizes))
    heights = _heights(order, links, reach, spacing, len(sizes))
    spans = _spans(column, sizes, gaps)
    top = min((y - reach[i][0] for i, y in enumerate(heights)), default=0.0)
    bottom = max((y + reach[i][1] for i, y in enumerate(heights)), default=0.0)

    def at(item: int) -> tuple[float, float]:
        left, right = spans[placed[item]]
        return (left + right) / 2, heights[item] - top

    return Layout(
        centre=tuple(at(i) for i in range(len(sizes))),
        route=tuple(tuple(at(i) for i in chain) for chain in chains),
        column=tuple(column),
        columns=tuple(spans),
        width=spans[-1][1] if spans else 0.0,
        height=bottom - top,
    )


def columns_of(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Longest path from the inputs; then to the right whatever shortens edges by it."""
    column = [0] * count
    sources: list[list[int]] = [[] for _ in range(count)]
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        targets[source].append(target)
        sources[target].append(source)
    missing = [len(inputs) for inputs in sources]
    order = [box for box in range(count) if missing[box] == 0]
    for box in order:
        for target in targets[box]:
            column[target] = max(column[target], column[box] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                order.append(target)
    for box in reversed(order):
        if targets[box] and len(targets[box]) >= len(sources[box]):
            column[box] = min(column[target] for target in targets[box]) - 1
    return column


def _waypoints(
    column: Sequence[int], edges: Sequence[tuple[int, int]]
) -> tuple[list[list[int]], list[int], list[tuple[int, int]]]:
    """Waypoints of each edge, the column of every item, and the links between neighbours."""
    placed = list(column)
    chains: list[list[int]] = []
    links: list[tuple[int, int]] = []
    for source, target in edges:
        chain = []
        for between in range(column[source] + 1, column[target]):
            chain.append(len(placed))
            placed.append(between)
        chains.append(chain)
        path = [source, *chain, target]
        links += list(pairwise(path))
    return chains, placed, links


def _neighbours(count: int, links: Sequence[tuple[int, int]]) -> tuple[list[list[int]], ...]:
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        after[source].append(target)
        before[target].append(source)
    return before, after


def _order(placed: Sequence[int], links: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The items of each column from top to bottom: the sweep with the fewest crossings."""
    before, after = _neighbours(len(placed), links)
    columns: list[list[int]] = [[] for _ in range(max(placed, default=-1) + 1)]
    for item in _depth_first(len(placed), before, after):
        columns[placed[item]].append(item)
    best, fewest = [list(one) for one in columns], _crossings(columns, after)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        forwards = sweep % 2 == 0
        near = before if forwards else after
        for index in range(len(columns)) if forwards else reversed(range(len(columns))):
            rank = {item: place for one in columns for place, item in enumerate(one)}
            columns[index].sort(key=lambda item: _barycentre(item, near[item], rank))
        _swap_neighbours(columns, before, after)
        crossings = _crossings(columns, after)
        if crossings < fewest:
            best, fewest = [list(one) for one in columns], crossings
    return best


def _depth_first(
    count: int, before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]
) -> list[int]:
    """Every item, each result followed by its inputs in order: a start with few crossings."""
    seen: dict[int, None] = {}
    waiting = [item for item in reversed(range(count)) if not after[item]]
    while waiting:
        item = waiting.pop()
        if item not in seen:
            seen[item] = None
            waiting += reversed(before[item])
    return list(seen)


def _barycentre(item: int, near: Sequence[int], rank: dict[int, int]) -> float:
    return sum(rank[other] for other in near) / len(near) if near else float(rank[item])


def _crossings(columns: Sequence[Sequence[int]], after: Sequence[Sequence[int]]) -> int:
    total = 0
    for one, following in pairwise(columns):
        rank = {item: place for place, item in enumerate(following)}
        ends = [place for item in one for place in sorted(rank[other] for other in after[item])]
        total += sum(ends[i] > ends[j] for i in range(len(ends)) for j in range(i + 1, len(ends)))
    return total


def _swap_neighbours(
    columns: Sequence[list[int]],
    before: Sequence[Sequence[int]],
    after: Sequence[Sequence[int]],
) -> None:
    """Swap two items of a column wherever that alone removes crossings."""
    rank = {item: place for one in columns for place, item in enumerate(one)}
    for one in columns:
        for place in range(len(one) - 1):
            upper, lower = one[place], one[place + 1]
            gain = 0
            for near in (before, after):
                up, down = [rank[i] for i in near[upper]], [rank[i] for i in near[lower]]
                gain += sum(a > b for a in up for b in down) - sum(b > a for a in up for b in down)
            if gain > 0:
                one[place], one[place + 1] = lower, upper
                rank[upper], rank[lower] = place + 1, place


def _heights(
    order: Sequence[Sequence[int]],
    links: Sequence[tuple[int, int]],
    reach: Sequence[tuple[float, float]],
    spacing: float,
    boxes: int,
) -> list[float]:
    """The edge line of every item: near its neighbours, never closer than the boxes allow."""
    pulls: list[list[tuple[int, float]]] = [[] for _ in reach]
    for source, target in links:
        straight = (source >= boxes) + (
            target >= boxes
        )  # waypoints pull hard: long edges straighten
        weight = (1.0, 3.0, 8.0)[straight]
        pulls[source].append((target, weight))
        pulls[target].append((source, weight))
    y = [0.0] * len(reach)
    for one in order:
        edge = 0.0
        for item in one:
            y[item] = edge + reach[item][0]
            edge = y[item] + reach[item][1] + spacing
    for sweep in range(ALIGNMENTS):
        moved = 0.0
        for one in order if sweep % 2 == 0 else reversed(order):
            wanted = [_pulled(item, pulls[item], y) for item in one]
            offsets = [0.0]
            for upper, lower in pairwise(one):
                offsets.append(offsets[-1] + reach[upper][1] + spacing + reach[lower][0])
            for item, place in zip(one, _least_squares(wanted, offsets), strict=True):
                moved = max(moved, abs(place - y[item]))
                y[item] = place
        if moved < STILL:
            break
    return y


def _pulled(
    item: int, pulls: Sequence[tuple[int, float]], y: Sequence[float]
) -> tuple[float, float]:
    weight = sum(pull for _, pull in pulls)
    if weight == 0:
        return y[item], 0.01
    return sum(y[other] * pull for other, pull in pulls) / weight, weight


def _least_squares(wanted: Sequence[tuple[float, float]], offsets: Sequence[float]) -> list[float]:
    """Places nearest to the wanted ones, each at least its offset below the one before.

    Subtracting the offsets leaves "never decreasing", which pooling adjacent violators solves.
    """
    blocks: list[tuple[float, float, int]] = []
    for (place, weight), offset in zip(wanted, offsets, strict=True):
        mean, mass, size = place - offset, weight, 1
        while blocks and blocks[-1][0] >= mean:
            other_mean, other_mass, other_size = blocks.pop()
            mean = (mean * mass + other_mean * other_mass) / (mass + other_mass)
            mass, size = mass + other_mass, size + other_size
        blocks.append((mean, mass, size))
    flat = [mean for mean, _, size in blocks for _ in range(size)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _spans(
    column: Sequence[int], sizes: Sequence[Size], gaps: Sequence[float]
) -> list[tuple[float, float]]:
    """Left and right of each column: as wide as its widest box."""
    widths = [0.0] * (max(column, default=-1) + 1)
    for box, index in enumerate(column):
        widths[index] = max(widths[index], sizes[box].width)
    spans, x = [], 0.0
    for index, width in enumerate(widths):
        spans.append((x, x + width))
        x += width + (gaps[min(index, len(gaps) - 1)] if gaps else 0.0)
    return spans
