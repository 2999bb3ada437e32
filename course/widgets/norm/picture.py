"""Draws a block of numbers, what is averaged in it, and which sample has influence on which."""

from __future__ import annotations

from collections.abc import Sequence

from course.widgets.frame import look, svg
from course.widgets.frame.svg import Picture
from course.widgets.frame.values import number
from course.widgets.norm import words as norm_words
from course.widgets.norm.reader import Group, Measured

CELL_WIDTH, CELL_HEIGHT = 44.0, 24.0
GAP = 12.0
LEFT, TOP = 78.0, 44.0
TABLE_CELL = 56.0
PANEL = 236.0
LINE = 22.0
INSET = 2.0


class NormPicture:
    """Some layers on one block, as the choices of a Player.

    Step 0 shows the block. Then comes one step for each group of values with one mean and one
    variance, and one for each sample, which shows whose outputs it has influence on.
    """

    def __init__(self, layers: Sequence[Measured]) -> None:
        self.layers = layers

    @property
    def choices(self) -> Sequence[str]:
        """What each layer is."""
        return [measured.name for measured in self.layers]

    def last_step(self, choice: int) -> int:
        """One step per group, and one per sample."""
        measured = self.layers[choice]
        return len(measured.groups) + measured.shape[0]

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        measured = self.layers[choice]
        count = len(measured.groups)
        group = measured.groups[step - 1] if 0 < step <= count else None
        sample = step - count - 1 if step > count else None
        if group is not None:
            told = norm_words.normalised(measured, group)
        elif sample is not None:
            told = norm_words.influence(measured, sample)
        else:
            told = norm_words.before(measured)
        n, c, h, w = measured.shape
        done = frozenset(e for one in measured.groups[:step] for e in one.entries)
        body = [
            *_frame(measured),
            *(
                part
                for entry in range(n * c * h * w)
                for part in _cell(measured, entry, entry in done, group, sample)
            ),
        ]
        block_width = LEFT + c * (w * CELL_WIDTH + GAP)
        block_height = TOP + n * (h * CELL_HEIGHT + GAP)
        panel_x = block_width + GAP
        if sample is not None:
            body.append(_changed(measured, sample))
        if step > 0:
            body += _statistics(measured, group, panel_x)
            body += _table(measured, sample, panel_x, TOP + 5 * LINE)
        width = panel_x + max(PANEL, 36 + n * TABLE_CELL) + svg.MARGIN
        height = max(block_height, TOP + 5 * LINE + (n + 2) * CELL_HEIGHT) + svg.MARGIN
        return Picture(
            width,
            height,
            "".join(body),
            f"{measured.name} on a block of numbers",
            f"Step {step} of {self.last_step(choice)}: {told}",
        )


def _corner(measured: Measured, entry: int) -> tuple[float, float]:
    """The top left corner of an entry's cell."""
    _, _, h, w = measured.shape
    n, c, row, column = norm_words.coordinates(measured.shape, entry)
    x = LEFT + c * (w * CELL_WIDTH + GAP) + column * CELL_WIDTH
    return x, TOP + n * (h * CELL_HEIGHT + GAP) + row * CELL_HEIGHT


def _frame(measured: Measured) -> list[str]:
    """The names of samples and channels."""
    n, c, h, w = measured.shape
    parts = [
        svg.text(
            f"channel {i}",
            LEFT + i * (w * CELL_WIDTH + GAP) + w * CELL_WIDTH / 2,
            TOP - 18,
            "small",
        )
        for i in range(c)
    ]
    middle = h * CELL_HEIGHT / 2
    parts += [
        svg.text(
            f"sample {i}", LEFT - 10, TOP + i * (h * CELL_HEIGHT + GAP) + middle, "small", "end"
        )
        for i in range(n)
    ]
    return parts


def _cell(
    measured: Measured, entry: int, done: bool, group: Group | None, sample: int | None
) -> list[str]:
    """One number: grey as it goes in, blue once normalised; lit where the step speaks of it."""
    x, y = _corner(measured, entry)
    lit = group is not None and entry in group.entries
    style = "tensor" if done else "constant"
    if sample is not None:
        size = len(measured.x) // measured.shape[0]
        own = range(sample * size, (sample + 1) * size)
        lit = not measured.reached[entry].isdisjoint(own)
        style = "label label-now" if lit else style
    elif lit:
        style += " read"
    shape = svg.box(
        x + INSET, y + INSET, CELL_WIDTH - 2 * INSET, CELL_HEIGHT - 2 * INSET, style, radius=3
    )
    value = _short((measured.y if done else measured.x)[entry])
    words = "small strong" if lit else "small"
    return [shape, svg.text(value, x + CELL_WIDTH / 2, y + CELL_HEIGHT / 2, words)]


def _changed(measured: Measured, sample: int) -> str:
    """A frame around the sample whose influence a step shows."""
    _, c, h, w = measured.shape
    top = TOP + sample * (h * CELL_HEIGHT + GAP)
    width = LEFT + c * (w * CELL_WIDTH + GAP) - GAP - 2
    return svg.box(4, top - 5, width, h * CELL_HEIGHT + 10, "halo-forward", radius=6)


def _short(value: float) -> str:
    """A number in the five characters that a cell has room for: 1.23, -12.3, 1234, 1e5, 2e-4."""
    for text in (f"{value:.2f}", f"{value:.1f}", f"{value:.0f}"):
        if len(text) <= 5 and (value == 0 or abs(value) >= 0.005):
            return text
    return "0.00" if value == 0 else _power(value)


def _power(value: float) -> str:
    """``2e-4``: one digit, and the power of ten without zeros."""
    return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-")


def _statistics(measured: Measured, group: Group | None, x: float) -> list[str]:
    """Beside the block: which axes the lit group is averaged over, and its two numbers."""
    y = TOP + CELL_HEIGHT / 2
    if group is None:
        lines = ("framed: the sample that is changed", "red and bold: what changes with it")
        return [svg.text(told, x, y + i * LINE, "words", "start") for i, told in enumerate(lines)]
    kind = "running " if measured.remembered else ""
    numbers = (
        f"{kind}mean     = {number(group.mean)}",
        f"{kind}variance = {number(max(group.variance, 0.0))}",
    )
    heading = "remembered, not averaged" if measured.remembered else "averaged over"
    return [
        svg.text(heading, x, y - LINE - 4, "words strong", "start"),
        *_axes(measured, group, x, y - CELL_HEIGHT / 2),
        *(svg.text(told, x, y + (i + 1.2) * LINE, "", "start") for i, told in enumerate(numbers)),
    ]


def _axes(measured: Measured, group: Group, x: float, y: float) -> list[str]:
    """The four axes as boxes, those that are averaged lit."""
    told = norm_words.averaged_axes(measured, group)
    parts = []
    for name in norm_words.AXES:
        share = "" if measured.remembered else told[name]
        label = f"{share} {name}" if share == "part of" else name
        width = svg.text_width(label, look.SMALL_FONT_SIZE) + 20
        style = "tensor read" if share else "later"
        parts.append(svg.box(x, y, width, CELL_HEIGHT, style, radius=3))
        words = "small strong" if share else "small muted"
        parts.append(svg.text(label, x + width / 2, y + CELL_HEIGHT / 2, words))
        x += width + 8
    return parts


def _table(measured: Measured, sample: int | None, x: float, y: float) -> list[str]:
    """The influence of every sample on every output."""
    n, left = measured.shape[0], x + 36
    parts = [svg.text("influence of x[column] on y[row]", x, y - LINE, "strong words", "start")]
    for j in range(n):
        middle = y + CELL_HEIGHT * (j + 1)
        parts.append(svg.text(f"x[{j}]", left + (j + 0.5) * TABLE_CELL, y, "small"))
        parts.append(svg.text(f"y[{j}]", x, middle, "small", "start"))
        for i, row in enumerate(measured.influence):
            corner = left + j * TABLE_CELL, y + CELL_HEIGHT * (i + 0.5)
            parts += _strength(row[j], *corner)
    if sample is not None:
        corner = left + sample * TABLE_CELL - 1, y - CELL_HEIGHT / 2
        height = CELL_HEIGHT * (n + 1) + 5
        parts.append(svg.box(*corner, TABLE_CELL + 2, height, "halo-forward", radius=6))
    return parts


def _strength(strength: float, x: float, y: float) -> list[str]:
    style, words = ("label label-now", "small strong") if strength > 0 else ("node", "small")
    shape = svg.box(
        x + INSET, y + INSET, TABLE_CELL - 2 * INSET, CELL_HEIGHT - 2 * INSET, style, radius=3
    )
    told = number(strength) if len(number(strength)) <= 6 else _power(strength)
    return [shape, svg.text(told, x + TABLE_CELL / 2, y + CELL_HEIGHT / 2, words)]
