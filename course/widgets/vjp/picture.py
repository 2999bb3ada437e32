"""Draws a vector-Jacobian product: inputs above, outputs and what arrives at the left."""

from __future__ import annotations

from collections.abc import Sequence

from course.widgets.frame import svg
from course.widgets.frame.svg import MARGIN, Picture
from course.widgets.vjp import words
from course.widgets.vjp.reader import Measured, Numbers

CELL = (84.0, 30.0)
GAP = 8.0
LABEL = 116.0
HEAD = 22.0


class VjpPicture:
    """Functions as the choices of a Player; each step shows one part more."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self._measured = measured

    @property
    def choices(self) -> Sequence[str]:
        """The names of the functions."""
        return [one.name for one in self._measured]

    def last_step(self, choice: int) -> int:
        """The function, its Jacobian, what arrives, a step for each input, what came back."""
        return len(self._measured[choice].x) + 3

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        measured = self._measured[choice]
        drawn = _Drawing(measured, step)
        title = f"Vector-Jacobian product of {measured.name}"
        return Picture(
            drawn.width, drawn.height, drawn.content(), title, words.said(measured, step)
        )


class _Drawing:
    """One step of one function, laid out."""

    def __init__(self, measured: Measured, step: int) -> None:
        self.measured, self.step = measured, step
        self.rows, self.columns = len(measured.y), len(measured.x)
        self.grid_left = MARGIN + LABEL + 2 * (CELL[0] + GAP) + GAP
        self.grid_top = MARGIN + 2 * HEAD + CELL[1] + GAP
        self.under = self.grid_top + self.rows * (CELL[1] + GAP) + GAP
        self.width = self.grid_left + self.columns * (CELL[0] + GAP) + MARGIN
        self.height = self.under + 2 * (CELL[1] + GAP) + MARGIN

    def content(self) -> str:
        """Everything that is drawn."""
        parts = [*self._inputs(), *self._outputs()]
        if self.step >= 1:
            parts += self._jacobian()
        if self.step >= 2:
            parts += self._arriving()
        if self.step >= 3:
            parts += self._product()
        if self.step == self.columns + 3:
            parts += self._returned()
        return "".join(parts)

    def _left(self, column: int) -> float:
        return self.grid_left + column * (CELL[0] + GAP)

    def _top(self, row: int) -> float:
        return self.grid_top + row * (CELL[1] + GAP)

    def _inputs(self) -> list[str]:
        y = MARGIN + HEAD
        parts = [svg.text("inputs x", self.grid_left, MARGIN + 8, "words", "start")]
        for j, value in enumerate(self.measured.x):
            parts += _number(value, self._left(j), y, "leaf", 8)
        return parts

    def _outputs(self) -> list[str]:
        left = MARGIN + LABEL
        parts = [svg.text("outputs y", left, self.grid_top - 12, "words", "start")]
        node = self.measured.node
        parts.append(svg.text(node, MARGIN, MARGIN + 8, "muted", "start"))
        for i, value in enumerate(self.measured.y):
            parts += _number(value, left, self._top(i), "tensor", 0)
        return parts

    def _arriving(self) -> list[str]:
        left = MARGIN + LABEL + CELL[0] + GAP
        parts = [svg.text("v arrives", left + CELL[0], self.grid_top - 12, "words", "end")]
        for i, value in enumerate(self.measured.v):
            parts += _number(value, left, self._top(i), "label label-now", 4)
        return parts

    def _jacobian(self) -> list[str]:
        parts = [
            svg.text(
                "the Jacobian",
                self.grid_left,
                self.grid_top - 12,
                "words",
                "start",
            )
        ]
        for i, row in enumerate(self.measured.jacobian):
            for j, value in enumerate(row):
                style = "later" if value == 0 else "node"
                parts += _number(value, self._left(j), self._top(i), style, 0)
        if 3 <= self.step < self.columns + 3:
            j = self.step - 3
            tall = self.rows * (CELL[1] + GAP) - GAP + 6
            parts.append(
                svg.box(self._left(j) - 3, self.grid_top - 3, CELL[0] + 6, tall, "halo", 4)
            )
        return parts

    def _product(self) -> list[str]:
        known = self.measured.product[: self.step - 2]
        return self._row("v times the Jacobian", known, self.under, "label", ())

    def _returned(self) -> list[str]:
        y, differing = self.under + CELL[1] + GAP, self.measured.differing
        if self.measured.returned is None:
            return [
                svg.text("backward returned", MARGIN, y + CELL[1] / 2, "words", "start"),
                svg.text("None", self.grid_left, y + CELL[1] / 2, "strong", "start"),
            ]
        found = self.measured.returned
        return self._row("backward returned", found, y, "label label-now", differing)

    def _row(
        self, label: str, values: Numbers, y: float, style: str, differing: Sequence[int]
    ) -> list[str]:
        parts = [svg.text(label, MARGIN, y + CELL[1] / 2, "words", "start")]
        for j, value in enumerate(values):
            parts += _number(value, self._left(j), y, style, 4, "≠ " if j in differing else "")
        return parts


def _number(
    value: float, x: float, y: float, style: str, radius: float, sign: str = ""
) -> list[str]:
    middle = (x + CELL[0] / 2, y + CELL[1] / 2)
    return [
        svg.box(x, y, *CELL, style, radius),
        svg.text(sign + words.short(value), *middle, "strong" if sign else ""),
    ]
