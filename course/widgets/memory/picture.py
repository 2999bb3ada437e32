"""Draws storages as ribbons of cells, and under each the tensors that look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from course.widgets.frame import svg
from course.widgets.frame.look import SMALL_FONT_SIZE
from course.widgets.frame.svg import Picture, text_width
from course.widgets.frame.values import shape_text
from course.widgets.frame.words import clipped
from course.widgets.memory.model import Frame, Handle, SavedCopy, Strip

MARGIN = 18.0
LINE = 22.0
INDEX = 18.0
RIBBON = 30.0
ROW = 34.0
BOX = 26.0
MARK = 16.0
GAP = 16.0
NARROWEST_CELL = 40.0
MARKER = "▶ "
_WORD = {"leaf": "leaf", "constant": "no grad"}
Row = tuple[str, int, str]  # what stands in it, and the key of a handle or a saved tensor


def _row(one: Handle | SavedCopy) -> Row:
    if isinstance(one, Handle):
        return "handle", one.key, ""
    return "saved", *one.key


def _box_text(one: Handle | SavedCopy) -> tuple[str, str]:
    """What stands in the box at the left: a name, and a word on its kind."""
    if isinstance(one, SavedCopy):
        return clipped(one.name or "a tensor"), "saved"
    shape = shape_text(one.shape)
    return clipped(f"{one.name} {shape}"), _WORD.get(one.kind, one.made_by)


def _facts(one: Handle | SavedCopy) -> str:
    """What stands at the right of a tensor's row; its version follows."""
    if isinstance(one, Handle):
        return f"offset {one.offset} · stride {shape_text(one.stride)} · "
    if one.counted:
        return f"{one.node} saved version {one.then}, now {one.now}"
    unnoticed = ": changed, and not counted" if one.changed else ""
    return f"{one.node} saved version {one.then}{unnoticed}"


@dataclass(frozen=True)
class Verdict:
    """How a story ended: a word, the gradients, and the style of the box they stand in."""

    word: str
    grads: str
    style: str


@dataclass(frozen=True)
class Layout:
    """Where every row and ribbon of some frames stands, the same for each of them."""

    boxes: float
    cell: float
    cells: int
    facts: float
    ribbons: dict[int, float]
    rows: dict[Row, float]
    bottom: float

    @property
    def left(self) -> float:
        """The left edge of the first cell."""
        return MARGIN + self.boxes + GAP

    @property
    def right(self) -> float:
        """Where the facts begin, right of the longest storage."""
        return self.left + self.cells * self.cell + GAP

    @property
    def width(self) -> float:
        """From margin to margin."""
        return self.right + self.facts + MARGIN


def lay_out(frames: Sequence[Frame], top: float) -> Layout:
    """Room for every tensor that any frame shows, from ``top`` down."""
    shown = [one for frame in frames for one in frame.shown]
    here: dict[int, dict[Row, None]] = {}
    for frame in frames:
        for strip in frame.strips:
            here.setdefault(strip.number, {})
        for one in frame.shown:
            here[one.strip].setdefault(_row(one))
    y, ribbons, rows = top, {}, {}
    for number in sorted(here):
        ribbons[number] = y + INDEX
        y += INDEX + RIBBON + 6
        for row in sorted(here[number], key=lambda row: row[0]):  # tensors before saved ones
            rows[row] = y + ROW / 2
            y += ROW
        y += GAP
    strips = [strip for frame in frames for strip in frame.strips]
    values = [value for strip in strips for value in strip.values]
    facts = [_facts(one) + ("version 10" if isinstance(one, Handle) else "") for one in shown]
    boxes = [text_width(a) + 10 + text_width(b, SMALL_FONT_SIZE) for a, b in map(_box_text, shown)]
    return Layout(
        max([*boxes, text_width("storage 10")]) + 20,
        max([NARROWEST_CELL, *(text_width(value) + 14 for value in values)]),
        max([1, *(len(strip.values) for strip in strips)]),
        max([0.0, *(text_width(fact, SMALL_FONT_SIZE) for fact in facts)]),
        ribbons,
        rows,
        y,
    )


class MemoryPicture:
    """The frames of one story, or one frame on its own, as pictures of one size."""

    def __init__(self, frames: Sequence[Frame], code: Sequence[str], title: str) -> None:
        self.frames, self.code, self.title = frames, code, title
        self.top = MARGIN + LINE * len(code) + (GAP / 2 if code else 0)
        self.layout = lay_out(frames, self.top)
        longest = max((text_width(f"{MARKER}{line}") for line in code), default=0.0)
        self.width = max(self.layout.width, longest + 2 * MARGIN)
        self.height = self.layout.bottom + (2 * LINE + GAP if code else 0)

    def draw(self, position: int, sentence: str, verdict: Verdict | None = None) -> Picture:
        """The frame after statement ``position``, and where it is the last one the verdict."""
        at = min(position, len(self.frames) - 1)
        frame, before = self.frames[at], self.frames[at - 1] if at else Frame((), ())
        if position != at:
            before = frame  # the statement raised: nothing changed
        body = [self._code(position, len(self.frames) <= position)]
        body += [self._ribbon(strip, before) for strip in frame.strips]
        versions = {handle.key: handle.version for handle in before.handles}
        body += [self._tensor(one, one.version > versions.get(one.key, 0)) for one in frame.handles]
        body += [self._saved(one) for one in frame.saved]
        body += self._verdict(verdict) if verdict is not None else []
        return Picture(self.width, self.height, "".join(body), self.title, sentence)

    def _verdict(self, verdict: Verdict) -> list[str]:
        """Both lines in one box."""
        y, wide = self.layout.bottom, max(map(text_width, (verdict.word, verdict.grads))) + 20
        return [
            svg.box(MARGIN, y, wide, 2 * LINE, verdict.style, 4),
            svg.text(verdict.word, MARGIN + 10, y + LINE / 2 + 1, "strong", "start"),
            svg.text(verdict.grads, MARGIN + 10, y + LINE * 1.5 - 1, "", "start"),
        ]

    def _code(self, position: int, raised: bool) -> str:
        lines = []
        for number, line in enumerate(self.code):
            now = number == position
            style = "strong" if now else "" if number < position else "muted"
            y = MARGIN + LINE * (number + 0.5)
            if now:
                mark = "✗" if raised else MARKER.strip()
                lines.append(svg.text(mark, MARGIN, y, style, "start"))
            lines.append(svg.text(line, MARGIN + text_width(MARKER), y, style, "start"))
        return svg.group(lines)

    def _ribbon(self, strip: Strip, before: Frame) -> str:
        y, old = self.layout.ribbons[strip.number], before.strip(strip.number)
        name = svg.text(f"storage {strip.number}", MARGIN, y + RIBBON / 2, "strong", "start")
        parts, edited = [name], False
        for index, value in enumerate(strip.values):
            x = self.layout.left + index * self.layout.cell
            changed = old is not None and old.values[index] != value
            edited |= changed
            style = "storage read" if changed else "storage"
            middle = x + self.layout.cell / 2
            parts.append(svg.text(str(index), middle, y - INDEX / 2, "small muted"))
            parts.append(svg.box(x, y, self.layout.cell, RIBBON, style))
            parts.append(svg.text(value, middle, y + RIBBON / 2, "strong" if changed else ""))
        return svg.group(parts, data_active="" if edited else None)

    def _tensor(self, handle: Handle, counted: bool) -> str:
        y = self.layout.rows[_row(handle)]
        parts = [self._label(handle, y, handle.kind, 0 if handle.kind == "tensor" else 9)]
        x = self.layout.right + text_width(_facts(handle), SMALL_FONT_SIZE)
        style = "small strong" if counted else "small"
        parts.append(svg.text(f"version {handle.version}", x, y, style, "start"))
        for cell in sorted(set(handle.cells)):
            if cell >= self.layout.cells:
                continue
            x = self.layout.left + cell * self.layout.cell
            here = [index for index, place in enumerate(handle.cells) if place == cell]
            content = str(here[0]) if len(here) == 1 else f"×{len(here)}"
            mark = svg.box(x + 4, y - MARK / 2, self.layout.cell - 8, MARK, handle.kind, 4)
            parts += [mark, svg.text(content, x + self.layout.cell / 2, y, "small")]
        return svg.group(parts, title=handle.made_by)

    def _saved(self, copy: SavedCopy) -> str:
        y = self.layout.rows[_row(copy)]
        return self._label(copy, y, "saved read" if copy.counted or copy.changed else "saved", 3)

    def _label(self, one: Handle | SavedCopy, y: float, style: str, radius: float) -> str:
        """The box at the left, and the facts at the right of the cells."""
        layout, (main, word) = self.layout, _box_text(one)
        strong = isinstance(one, SavedCopy) and (one.counted or one.changed)
        return (
            svg.box(MARGIN, y - BOX / 2, layout.boxes, BOX, style, radius)
            + svg.text(main, MARGIN + 10, y, "strong", "start")
            + svg.text(word, MARGIN + layout.boxes - 10, y, "words muted", "end")
            + svg.text(_facts(one), layout.right, y, "small strong" if strong else "small", "start")
        )
