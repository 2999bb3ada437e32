"""Draws a run as a timeline: down the page goes time, across it the network."""

from __future__ import annotations

from collections.abc import Sequence

from course.widgets.frame import svg
from course.widgets.frame.look import SMALL_FONT_SIZE
from course.widgets.frame.svg import Picture, text_width
from course.widgets.frame.values import Value, number, shape_text
from course.widgets.frame.words import clipped
from course.widgets.hook import words as says
from course.widgets.hook.model import HOOKS, Event, Run, Timeline

MARGIN = 16.0
ROW = 22.0
HEAD = 30.0
LANE = 43.0
GAP = 14.0
WIDEST_VALUE = 22
WIDEST_VALUES = 24
LONGEST_LANE = 5
MARK_WIDTH, MARK_HEIGHT = 22.0, 14.0
FORWARD_TITLE, BACKWARD_TITLE = "y = model(x)", "y.sum().backward()"
NOTHING, COMPARED = "None", "without the change"


def _tensors(values: Sequence[Value | None]) -> str:
    """The numbers of some tensors, or where they would be wide their shapes."""
    for widest in (WIDEST_VALUE, 0):
        told = ", ".join("None" if v is None else v.short(widest) for v in values)
        if len(values) == 1 or len(told) <= WIDEST_VALUES:
            break
    return told


def _left(value: Value | None) -> str:
    """One result: its numbers, or where they are many its shape and norm."""
    short = _tensors([value])
    if value is None or value.norm is None or short != shape_text(value.shape):
        return short
    return f"{short}, norm {number(value.norm)}"


def _returned(event: Event) -> str:
    if event.kind == "accumulate" and event.returned:
        return "None, .grad edited"
    if event.kind in ("pack", "unpack") and not event.returned:
        return "the tensor"
    return _tensors(event.returned) if event.returned else NOTHING


def _hook(event: Event) -> str:
    return f"{HOOKS[event.kind].name} · {event.place}"


class HookPicture:
    """The runs of a Timeline as the choices of a Player, one step for each call of a hook."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        events = [event for run in timeline.runs for event in run.events]
        results = [result for run in timeline.runs for result in run.results]
        self.left = MARGIN + LANE / 2
        x = self.left + LANE * (len(timeline.lanes) - 0.5) + GAP
        self.columns = []
        for cells in (
            [*map(_hook, events), *(f"{r.name} · {r.relation}" for r in results)],
            [*(f"{_tensors(e.received)} ≠" for e in events), *(_left(r.value) for r in results)],
            [*map(_returned, events), *(_left(r.without) for r in results), COMPARED],
        ):
            self.columns.append(x)
            x += max(text_width(cell, SMALL_FONT_SIZE) for cell in cells) + GAP
        self.width = x
        self.rows = len(timeline.runs[0].events)
        self.top = MARGIN + HEAD
        shown = self.rows + len(timeline.runs[0].results) + 3
        self.height = self.top + ROW * shown + GAP + MARGIN

    @property
    def choices(self) -> Sequence[str]:
        """Which hook changes something, if any."""
        titles = [run.change.title for run in self.timeline.runs if run.change is not None]
        return ["all hooks observe", *titles]

    def last_step(self, choice: int) -> int:
        """One step for each call, and one for what the run left."""
        return self.rows + 1

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        run = self.timeline.runs[choice]
        called = min(step, self.rows)
        body = [self._lanes(), self._titles(run, step)]
        body += [self._way(run, i) for i in range(1, called)]
        body += [self._call(run, i, now=i == step - 1) for i in range(called)]
        if step == 0:
            told = says.before(run, self.timeline.lanes[1::2])
        elif step > self.rows:
            body += self._results(run)
            told = says.after(run)
        else:
            told = says.one(run.events[step - 1])
        sentence = f"Step {step} of {self.last_step(choice)}: {told}"
        return Picture(self.width, self.height, "".join(body), "Timeline of hooks", sentence)

    def _x(self, lane: int) -> float:
        return self.left + lane * LANE

    def _y(self, run: Run, index: int) -> float:
        """The middle of a row; a title stands above the first of each pass."""
        titles = 1 if run.events[index].is_forward else 2
        return self.top + ROW * (index + titles + 0.5)

    def _lanes(self) -> str:
        """The network across the page, and a line down from each of its parts."""
        parts, bottom = [], self.top + ROW * (self.rows + 2)
        for lane, name in enumerate(self.timeline.lanes):
            x, layer = self._x(lane), lane % 2 == 1
            style = "node" if layer else "tensor" if lane else "leaf"
            wide = LANE - 3
            parts.append(svg.line((x, self.top), (x, bottom), "pointer"))
            parts.append(svg.box(x - wide / 2, MARGIN, wide, 22, style, 0 if layer else 8))
            parts.append(svg.text(clipped(name, LONGEST_LANE), x, MARGIN + 11, "small strong"))
        return svg.group(parts)

    def _titles(self, run: Run, step: int) -> str:
        """The line that runs in each pass, and the names of the columns."""
        first = next(i for i, event in enumerate(run.events) if not event.is_forward)
        parts = []
        for column, name in zip(self.columns, ("hook", "called with", "returned"), strict=True):
            parts.append(svg.text(name, column, MARGIN + 11, "small muted", "start"))
        for title, row, shown in (
            (FORWARD_TITLE, 0, True),
            (BACKWARD_TITLE, first + 1, step > first),
        ):
            y = self.top + ROW * (row + 0.5)
            if shown:
                parts.append(svg.text(title, self.columns[0], y, "strong", "start"))
        return svg.group(parts)

    def _way(self, run: Run, index: int) -> str:
        """The line from one call to the next."""
        before, event = run.events[index - 1], run.events[index]
        start = (self._x(before.lane), self._y(run, index - 1))
        end = (self._x(event.lane), self._y(run, index))
        return svg.line(start, end, "forward" if event.is_forward else "gradient")

    def _call(self, run: Run, index: int, now: bool) -> str:
        """One call: its mark, and what it was called with and returned."""
        event, y = run.events[index], self._y(run, index)
        x, parts = self._x(event.lane), list[str]()
        strength = "small strong" if now else "small"
        cells = (_hook(event), _tensors(event.received), _returned(event))
        for place, (column, cell) in enumerate(zip(self.columns, cells, strict=True)):
            style = strength
            if place == 1 and event.differs:
                cell, style = f"{cell} ≠", "small strong"
            if place == 2:
                style = "small strong" if event.returned else f"{strength} muted"
            parts.append(svg.text(cell, column, y, style, "start"))
        if event.returned:
            wide = text_width(cells[2], SMALL_FONT_SIZE) + 8
            parts.insert(0, svg.box(self.columns[2] - 4, y - 10, wide, 20, "label label-now", 4))
        marks = self._mark(event, x, y)
        if now:
            marks.append(
                svg.element(
                    "circle",
                    cx=x,
                    cy=y,
                    r=13,
                    class_="halo-forward" if event.is_forward else "halo",
                )
            )
        here = svg.group(marks, data_active="" if now else None)
        return svg.group([*parts, here], title=HOOKS[event.kind].register)

    @staticmethod
    def _mark(event: Event, x: float, y: float) -> list[str]:
        """The shape says whose hook it is, as in every picture of the course."""
        corner = (x - MARK_WIDTH / 2, y - MARK_HEIGHT / 2, MARK_WIDTH, MARK_HEIGHT)
        if event.kind == "accumulate":
            return [svg.hexagon(*corner, "accumulate")]
        if event.kind in ("node_pre", "node_post"):
            return [svg.pill(*corner, "node")]
        if event.kind in ("pack", "unpack"):
            return [svg.box(*corner, "saved", 3)]
        if event.kind == "tensor":
            return [svg.box(*corner, "leaf" if event.leaf else "tensor", 6 if event.leaf else 0)]
        return [svg.box(*corner, "node", 0)]

    def _results(self, run: Run) -> list[str]:
        """What the run left, and what it would have left without the change."""
        y = self.top + ROW * (self.rows + 2) + GAP
        names = [svg.text("afterwards", self.columns[0], y, "strong", "start")]
        parts = []
        if run.change is not None:
            parts.append(svg.text(COMPARED, self.columns[2], y, "small muted", "start"))
        for i, result in enumerate(run.results, start=1):
            row = y + ROW * i
            style = "small" if result.relation == "the same" else "small strong"
            name, cells = result.name, [_left(result.value)]
            if run.change is not None:
                name, cells = f"{name} · {result.relation}", [*cells, _left(result.without)]
            names.append(svg.text(name, self.columns[0], row, style, "start"))
            for column, cell in zip(self.columns[1:], cells, strict=False):
                parts.append(svg.text(cell, column, row, style, "start"))
        return [svg.group(names, data_active=""), *parts]
