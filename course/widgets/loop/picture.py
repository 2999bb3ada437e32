"""Draws the training loop: its lines, what they read and write, and the way p goes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from course.widgets.frame import svg
from course.widgets.frame.svg import MARGIN, Picture
from course.widgets.loop import words as loop_words
from course.widgets.loop.model import (
    BACKWARD,
    CLEAR,
    CURVATURE,
    FORWARD,
    LOWEST,
    STEP,
    Frame,
    Planned,
    Point,
    Run,
)

LEFT = 336.0
ROW = 28.0
BOX = 30.0
GAP = 10.0
MAP = (372.0, 290.0)
LEVELS = (0.5, 2.0, 4.5, 8.0, 12.5, 18.0)
VIEW = (-2.6, 7.6, -1.6, 4.0)
"""What the map shows at least: lowest and highest p[0], then p[1]."""

NOTES = {CLEAR: "empties p.grad", FORWARD: "reads p", BACKWARD: "adds to p.grad", STEP: "writes p"}
WIDEST_STATE = 3


class LoopPicture:
    """Loops as the choices of a Player; each step is one line that runs."""

    def __init__(self, planned: Sequence[Planned]) -> None:
        self._planned = planned

    @property
    def choices(self) -> Sequence[str]:
        """The optimizer and the order of each loop."""
        return [one.name for one in self._planned]

    def run(self, choice: int) -> Run:
        """What happened in a loop, which runs when it is first asked for."""
        return self._planned[choice].run()

    def last_step(self, choice: int) -> int:
        """One step per line that runs."""
        return len(self.run(choice).frames) - 1

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        run = self.run(choice)
        drawn = _Drawing(run, step)
        width = MARGIN + LEFT + MARGIN + MAP[0] + MARGIN
        title = f"The training loop with {self._planned[choice].name}"
        return Picture(width, drawn.height, drawn.content(), title, loop_words.said(run, step))


class _Drawing:
    """One frame of one run, laid out."""

    def __init__(self, run: Run, at: int) -> None:
        self.run, self.at, self.frame = run, at, run.frames[at]
        self.before: Frame | None = run.frames[at - 1] if at else None
        names = list(run.frames[-1].state)[:WIDEST_STATE]
        self.names = names
        lines, boxes = len(run.order.lines) + 2, 3 + len(names) + bool(names)
        self.height = max(MARGIN * 3 + lines * ROW + boxes * (BOX + GAP), MAP[1] + 5 * MARGIN)

    def content(self) -> str:
        """Everything that is drawn."""
        return "".join([*self._code(), *self._boxes(), *self._map()])

    def _code(self) -> list[str]:
        y = MARGIN + ROW / 2
        rounds = self.run.frames[-1].round_
        now = f"round {self.frame.round_} of {rounds}"
        parts = [
            svg.text(f"opt = {self.run.title}", MARGIN, y, "", "start"),
            svg.text("for round in range(8):", MARGIN, y + ROW, "", "start"),
            svg.text(now, MARGIN + LEFT, y + ROW, "words muted", "end"),
        ]
        for i, line in enumerate(self.run.order.lines):
            middle = y + ROW * (i + 2)
            if i == self.frame.line:
                parts.append(svg.box(MARGIN + 14, middle - 12, LEFT - 14, 24, "label label-now", 4))
                parts.append(svg.text("▸", MARGIN + 4, middle))
            style = "strong" if i == self.frame.line else ""
            parts.append(svg.text(line, MARGIN + 24, middle, style, "start"))
            parts.append(svg.text(NOTES[line], MARGIN + LEFT - 10, middle, "words muted", "end"))
        return parts

    def _boxes(self) -> list[str]:
        """What is remembered between the lines: p, p.grad, the loss, the optimizer's state."""
        top = MARGIN * 2 + ROW * (len(self.run.order.lines) + 2)
        rows: list[tuple[str, Point | float | None, str]] = [
            ("p", self.frame.p, "leaf"),
            ("p.grad", self.frame.grad, "accumulate"),
            ("loss", self.frame.loss, "tensor"),
        ]
        rows += [(n, self.frame.state.get(n), "saved") for n in self.names]
        old = self.before
        was: list[Point | float | None] = [None] * len(rows)
        if old is not None:
            was = [old.p, old.grad, old.loss, *(old.state.get(name) for name in self.names)]
        parts = []
        if self.names:
            y = top + 3 * (BOX + GAP) + 8
            parts.append(svg.text("kept in opt.state[p]:", MARGIN, y, "words muted", "start"))
        for i, ((name, value, style), earlier) in enumerate(zip(rows, was, strict=True)):
            y = top + i * (BOX + GAP) + (24 if i > 2 else 0)
            empty = value is None
            parts.append(svg.text(name, MARGIN, y + BOX / 2, "", "start"))
            parts.append(svg.box(MARGIN + 126, y, 154, BOX, "later" if empty else style, 6))
            said = "None" if name == "p.grad" and empty else "–" if empty else ""
            parts.append(
                svg.text(said or loop_words.point(value), MARGIN + 203, y + BOX / 2, "strong")
            )
            if old is not None and value != earlier:
                parts.append(svg.text("changed", MARGIN + 289, y + BOX / 2, "words", "start"))
                parts.append(svg.box(MARGIN + 123, y - 3, 160, BOX + 6, "halo", 8))
        return parts

    def _map(self) -> list[str]:
        left, top = MARGIN * 2 + LEFT, MARGIN * 2
        ground = _Ground(self.run, left, top)
        frame = self.frame
        path = self.run.path(self.at)
        inside = [ground.contours()]
        inside += [svg.line(ground.at(a), ground.at(b), "forward") for a, b in pairwise(path)]
        inside += [_dot(ground.at(place), 3.0, "constant") for place in path[:-1]]
        if frame.grad is not None:
            inside.append(ground.downhill(frame))
        inside.append(_dot(ground.at(frame.p), 6.0, "leaf"))
        away = -1 if frame.grad is None or frame.grad[1] > 0 else 1  # from the arrow downhill
        inside.append(svg.text("p", *ground.beside(frame.p, away), "strong"))
        window = svg.element(
            "svg", "".join(inside), x=left, y=top, width=MAP[0], height=MAP[1], overflow="hidden"
        )
        legend = "− lr × p.grad: the next step of plain SGD"
        y = top + MAP[1] + MARGIN
        return [
            svg.text(
                "the loss as a map: p[0] to the right, p[1] up", left, top - 14, "words", "start"
            ),
            svg.box(left, top, *MAP, "later"),
            window,
            svg.element("line", x1=left, y1=y, x2=left + 26, y2=y, class_="gradient"),
            svg.text(legend, left + 34, y, "words", "start"),
            svg.element("line", x1=left, y1=y + 20, x2=left + 26, y2=y + 20, class_="forward"),
            svg.text("the way that p has gone", left + 34, y + 20, "words", "start"),
        ]


def _dot(at: Point, radius: float, style: str) -> str:
    return svg.element("circle", cx=at[0], cy=at[1], r=radius, class_=f"shape {style}")


class _Ground:
    """The map: from numbers to places in its window, with one scale for both directions."""

    def __init__(self, run: Run, left: float, top: float) -> None:
        places = [frame.p for frame in run.frames if all(map(math.isfinite, frame.p))]
        xs, ys = [p[0] for p in places], [p[1] for p in places]
        low_x, high_x = min(VIEW[0], min(xs) - 0.5), max(VIEW[1], max(xs) + 0.5)
        low_y, high_y = min(VIEW[2], min(ys) - 0.5), max(VIEW[3], max(ys) + 0.5)
        self.scale = min(MAP[0] / (high_x - low_x), MAP[1] / (high_y - low_y))
        self.middle = ((low_x + high_x) / 2, (low_y + high_y) / 2)

    def at(self, p: Point) -> Point:
        """Where a point of the plane lies in the window; p[1] grows upwards."""
        return (
            MAP[0] / 2 + (p[0] - self.middle[0]) * self.scale,
            MAP[1] / 2 - (p[1] - self.middle[1]) * self.scale,
        )

    def contours(self) -> str:
        """Lines of equal loss, each with its loss, and the lowest point."""
        x, y = self.at(LOWEST)
        parts = []
        for level in LEVELS:
            rx, ry = (math.sqrt(2 * level / curve) * self.scale for curve in CURVATURE)
            parts.append(
                svg.element(
                    "ellipse", cx=x, cy=y, rx=rx, ry=ry, class_="shape constant", style="fill: none"
                )
            )
        for told, label in self._levels():
            parts.append(svg.text(told, *label, "small muted"))
        parts.append(svg.text("+", x, y, "strong"))
        return "".join(parts)

    def _levels(self) -> Iterator[tuple[str, Point]]:
        """The loss of each contour, and where it stands: up and right, where few paths go."""
        x, y = self.at(LOWEST)
        for level in LEVELS:
            rx, ry = (math.sqrt(2 * level / curve) * self.scale for curve in CURVATURE)
            yield loop_words.point(level), (x + 0.64 * rx, y - 0.77 * ry)

    def beside(self, p: Point, away: int) -> Point:
        """Where the name of p stands: above it for -1, below it for 1, or where no number is."""
        x, y = self.at(p)
        places = [(x, y + 16 * away), (x, y - 16 * away), (x - 16, y), (x + 16, y)]

        def covered(place: Point) -> bool:
            return any(
                abs(place[0] - at[0]) < svg.text_width(f"{told}p") / 2
                and abs(place[1] - at[1]) < 14
                for told, at in self._levels()
            )

        return next((place for place in places if not covered(place)), places[0])

    def downhill(self, frame: Frame) -> str:
        """An arrow from p by minus the learning rate times p.grad, as long as it can be seen."""
        assert frame.grad is not None
        start = self.at(frame.p)
        end = self.at(
            (frame.p[0] - frame.lr * frame.grad[0], frame.p[1] - frame.lr * frame.grad[1])
        )
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = math.hypot(dx, dy)
        if not 4 < length < math.inf:
            return ""
        ux, uy = dx / length, dy / length
        head = min(12.0, length / 2)
        back = (end[0] - ux * head, end[1] - uy * head)
        wings = [
            (back[0] - uy * head * 0.45, back[1] + ux * head * 0.45),
            (back[0] + uy * head * 0.45, back[1] - ux * head * 0.45),
        ]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (end, *wings))
        return svg.line(start, back, "gradient") + svg.element(
            "polygon", points=points, class_="gradient-head"
        )
