"""Draws a dataset's samples, the order a sampler gives them, and the batches cut from it."""

from __future__ import annotations

from collections.abc import Sequence

from course.widgets.batch import words as batch_words
from course.widgets.batch.reader import Plan, Reading
from course.widgets.frame import look, svg
from course.widgets.frame.svg import MARGIN, Picture

CELL = 34.0
HEIGHT = 26.0
GAP = 10.0
LEFT = 132.0
BAND = 62.0
INSET = 2.0


class BatchPicture:
    """Plans as the choices of a Player.

    Step 0 shows the dataset. Then comes, for every epoch and rank, one step for the order that its
    sampler gives, and one for each batch.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = plans

    @property
    def choices(self) -> Sequence[str]:
        """How the order comes about, and how it is cut."""
        return [plan.name for plan in self.plans]

    def last_step(self, choice: int) -> int:
        """One step for each order, and one for each batch."""
        return sum(1 + len(reading.batches) for reading in self.plans[choice].readings)

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        plan = self.plans[choice]
        at, index = _place(plan, step)
        if at is None:
            told = batch_words.before(plan)
        elif index is None:
            told = batch_words.begun(plan, plan.readings[at])
        else:
            told = batch_words.read(plan, plan.readings[at], index)
        body = _dataset(plan, at, index)
        for row, reading in enumerate(plan.readings):
            y = MARGIN + HEIGHT + 3 * GAP + row * BAND
            begun = at is not None and row <= at
            done = len(reading.batches) if at is not None and row < at else 0
            if row == at:
                done = 0 if index is None else index + 1
            body += _band(reading, y, begun, done, now=index if row == at else None)
        widest = max(_width(reading) for reading in plan.readings)
        width = LEFT + max(plan.count * CELL, widest) + MARGIN
        height = MARGIN + HEIGHT + 3 * GAP + len(plan.readings) * BAND + MARGIN
        return Picture(
            width,
            height,
            "".join(body),
            f"Two epochs, {plan.name}",
            f"Step {step} of {self.last_step(choice)}: {told}",
        )


def _place(plan: Plan, step: int) -> tuple[int | None, int | None]:
    """Which reading a step belongs to, and which of its batches; None before the first."""
    left = step - 1
    if left < 0:
        return None, None
    for at, reading in enumerate(plan.readings):
        if left <= len(reading.batches):
            return at, left - 1 if left else None
        left -= 1 + len(reading.batches)
    raise IndexError(step)


def _dataset(plan: Plan, at: int | None, index: int | None) -> list[str]:
    """A box for each sample, those lit that the present batch holds."""
    lit: tuple[int, ...] = ()
    if at is not None and index is not None:
        lit = plan.readings[at].batches[index].numbers
    y = MARGIN
    parts = [svg.text("dataset", MARGIN, y + HEIGHT / 2, "words strong", "start")]
    for number in range(plan.count):
        parts += _cell(number, LEFT + number * CELL, y, "constant", number in lit)
    return parts


def _cell(number: int, x: float, y: float, style: str, lit: bool) -> list[str]:
    style = "label label-now" if lit else style
    words = "small strong" if lit else "small"
    return [
        svg.box(x + INSET, y + INSET, CELL - 2 * INSET, HEIGHT - 2 * INSET, style, radius=3),
        svg.text(str(number), x + CELL / 2, y + HEIGHT / 2, words),
    ]


def _groups(reading: Reading) -> list[tuple[int, ...]]:
    """The batches of an order, and behind them what none of them took."""
    groups = [batch.numbers for batch in reading.batches]
    rest = reading.order[sum(map(len, groups)) :]
    return [*groups, rest] if rest else groups


def _width(reading: Reading) -> float:
    return len(reading.order) * CELL + GAP * (len(_groups(reading)) - 1)


def _band(reading: Reading, y: float, begun: bool, done: int, now: int | None) -> list[str]:
    """One epoch of one loader: its order, cut into batches, which fill as they are read."""
    title = batch_words.whose(reading)
    parts = [svg.text(title, MARGIN, y + HEIGHT / 2, "words strong" if begun else "words", "start")]
    x = LEFT
    for index, group in enumerate(_groups(reading)):
        dropped = index >= len(reading.batches)
        width = len(group) * CELL
        for place, number in enumerate(group):
            left = x + place * CELL
            if not begun:
                parts.append(
                    svg.box(left + INSET, y + INSET, CELL - 2 * INSET, HEIGHT - 2 * INSET, "later")
                )
                continue
            style = "tensor" if index < done else "freed" if dropped else "node"
            parts += _cell(number, left, y, style, index == now)
        if begun:
            parts.append(_under("left out" if dropped else f"batch {index + 1}", x, width, y))
        if index == now:
            parts.append(svg.box(x - 3, y - 3, width + 6, HEIGHT + 6, "halo", radius=6))
        x += width + GAP
    return parts


def _under(label: str, x: float, width: float, y: float) -> str:
    """What a group is called, as long as its place: batch 4, or 4."""
    if svg.text_width(label, look.SMALL_FONT_SIZE) > width + GAP:
        label = label.removeprefix("batch ").removeprefix("left ")
    return svg.text(label, x + width / 2, y + HEIGHT + 14, "small muted")
