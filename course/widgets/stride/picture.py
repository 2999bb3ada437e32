"""Draws a storage as a ribbon of cells, a tensor as rows of entries, and the line between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from course.widgets.frame import svg
from course.widgets.frame.svg import Picture, text_width
from course.widgets.frame.values import number, shape_text
from course.widgets.stride import words
from course.widgets.stride.reader import Looked

MARGIN = 18.0
INDEX = 20.0
LINE = 22.0
HEIGHT = 30.0
GRADIENT = 24.0
GAP = 22.0
NARROWEST = 42.0


class StridePicture:
    """Tensors made from one x, as the choices of a Player.

    Step 0 shows a tensor as a whole. Then comes one step for each of its entries, and a last one
    with the gradient that reaches each cell.
    """

    def __init__(self, tensors: Sequence[Looked]) -> None:
        self.tensors = tensors
        values = [number(value) for looked in tensors for value in looked.memory]
        self._cell = max([NARROWEST, *(text_width(value) + 16 for value in values)])
        self._left = MARGIN + text_width("its storage") + 12

    @property
    def choices(self) -> Sequence[str]:
        """The texts that made the tensors."""
        return [looked.made for looked in self.tensors]

    def last_step(self, choice: int) -> int:
        """One step for each entry, and one for the gradient."""
        return len(self.tensors[choice].entries) + 1

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        looked, last = self.tensors[choice], self.last_step(choice)
        at = step - 1 if 0 < step < last else None
        if at is not None:
            told = words.entry(looked, at)
        else:
            told = words.arrived(looked) if step == last else words.before(looked)
        now = looked.cells[at] if at is not None else None
        source = looked.sources[at] if at is not None else None
        y = MARGIN
        body = self._ribbon("storage of x", looked.memory, y, source if looked.is_copy else now)
        y += INDEX + HEIGHT
        if step == last:
            body += self._gradients(looked, y)
        y += GRADIENT + GAP / 2
        ribbon = MARGIN + INDEX + HEIGHT
        if looked.is_copy:
            body += self._ribbon("its storage", looked.own, y, now)
            y += INDEX + HEIGHT + GAP / 2
            ribbon = y - GAP / 2
        top = y
        if at is not None and now is not None:
            body.append(self._pointer(looked, at, now, ribbon, top))
        body += self._entries(looked, top, step)
        body += self._facts(looked, at, top)
        rows = len(looked.entries) // self._columns(looked)
        height = max(top + rows * HEIGHT, top + 5 * LINE + 4) + MARGIN
        return Picture(
            self._width(looked),
            height,
            "".join(body),
            f"{looked.made} on the storage of x",
            f"Step {step} of {last}: {told}",
        )

    @staticmethod
    def _columns(looked: Looked) -> int:
        return looked.shape[-1] if looked.shape else 1

    def _facts_left(self, looked: Looked) -> float:
        return self._left + self._columns(looked) * self._cell + GAP

    def _width(self, looked: Looked) -> float:
        cells = max(len(looked.memory), len(looked.own))
        index = looked.indices()[-1]
        longest = f"{words.index_text(index)}: {words.sum_text(looked, index)} = 999"
        facts = max(text_width(longest), text_width(looked.made))
        right = max(self._left + cells * self._cell, self._facts_left(looked) + facts)
        return right + MARGIN

    def _ribbon(self, name: str, values: Sequence[float], y: float, now: int | None) -> list[str]:
        """Cells with their numbers, counted above them."""
        parts = [svg.text(name, MARGIN, y + INDEX + HEIGHT / 2, "small", "start")]
        for cell, value in enumerate(values):
            x = self._left + cell * self._cell
            lit = cell == now
            middle = x + self._cell / 2
            style = "small strong" if lit else "small muted"
            parts.append(svg.text(str(cell), middle, y + INDEX / 2, style))
            shape = "storage read" if lit else "storage"
            parts.append(svg.box(x, y + INDEX, self._cell, HEIGHT, shape))
            inside = "strong" if lit else ""
            parts.append(svg.text(number(value), middle, y + INDEX + HEIGHT / 2, inside))
        return parts

    def _gradients(self, looked: Looked, y: float) -> list[str]:
        """Under each cell of x what reaches it."""
        parts = [svg.text("gradient", MARGIN, y + GRADIENT / 2 + 2, "small", "start")]
        for cell, value in enumerate(looked.gradient):
            x = self._left + cell * self._cell
            style, inside = ("label label-now", "small strong") if value else ("later", "small")
            parts.append(svg.box(x + 5, y + 4, self._cell - 10, GRADIENT - 4, style, radius=3))
            middle = x + self._cell / 2
            parts.append(svg.text(number(value), middle, y + GRADIENT / 2 + 2, inside))
        return parts

    def _corner(self, looked: Looked, at: int, top: float) -> tuple[float, float]:
        row, column = divmod(at, self._columns(looked))
        return self._left + column * self._cell, top + row * HEIGHT

    def _pointer(self, looked: Looked, at: int, cell: int, bottom: float, top: float) -> str:
        """A line from the entry of a step to its cell, behind the entries above it."""
        x, y = self._corner(looked, at, top)
        middle, over = x + self._cell / 2, self._left + (cell + 0.5) * self._cell
        turn = (bottom + top) / 2
        way = ((middle, y + 2), (middle, turn), (over, turn), (over, bottom))
        return "".join(svg.line(start, end, "halo-forward") for start, end in pairwise(way))

    def _entries(self, looked: Looked, top: float, step: int) -> list[str]:
        """The tensor's rows, what was looked at already in blue."""
        parts = []
        for at, (index, value) in enumerate(zip(looked.indices(), looked.entries, strict=True)):
            x, y = self._corner(looked, at, top)
            if not index or index[-1] == 0:
                label = words.index_text(index[:-1])
                parts.append(svg.text(label, self._left - 10, y + HEIGHT / 2, "small", "end"))
            lit = at == step - 1
            style = "tensor read" if lit else "tensor" if at < step else "later"
            parts.append(svg.box(x + 2, y + 2, self._cell - 4, HEIGHT - 4, style, radius=3))
            middle = x + self._cell / 2
            inside = "strong" if lit else ""
            parts.append(svg.text(number(value), middle, y + HEIGHT / 2, inside))
        return parts

    def _facts(self, looked: Looked, at: int | None, top: float) -> list[str]:
        """Beside the tensor: shape, strides, offset, and the sum that gives the cell of a step."""
        x = self._facts_left(looked)
        lines = [
            (looked.made, "strong"),
            ("shape   " + shape_text(looked.shape), ""),
            ("strides " + shape_text(looked.strides), ""),
            (f"offset  {looked.offset}", ""),
        ]
        if at is not None:
            index = looked.indices()[at]
            told = f"{words.sum_text(looked, index)} = {looked.cells[at]}"
            lines.append((f"{words.index_text(index)}: {told}", "strong"))
        else:
            lines.append(("a copy" if looked.is_copy else "a view of x", "strong"))
        return [
            svg.text(line, x, top + (i + 0.6) * LINE, style, "start")
            for i, (line, style) in enumerate(lines)
        ]
