"""Draws the graph's own picture, with a flag at each node where something bad is born."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from course.widgets.frame import svg
from course.widgets.frame.look import SMALL_FONT_SIZE
from course.widgets.frame.svg import Picture
from course.widgets.graph import geometry as place
from course.widgets.graph.model import Graph
from course.widgets.graph.picture import GraphPicture
from course.widgets.nan import words as nan_words
from course.widgets.nan.search import Birth

FLAG = 18.0
ABOVE = 6.0


@dataclass(frozen=True)
class Searched:
    """One loss: its name, its graph, and the births in it by step."""

    name: str
    graph: Graph
    births: dict[int, Birth]


class NanPicture:
    """Some losses as the choices of a Player: forward, then backward, and what is born where."""

    def __init__(self, losses: Sequence[Searched]) -> None:
        self.losses = losses
        self._pictures = [GraphPicture(one.graph, f"Graph of {one.name}") for one in losses]

    @property
    def choices(self) -> Sequence[str]:
        """The name of each loss."""
        return [one.name for one in self.losses]

    def last_step(self, choice: int) -> int:
        """The number of the choice's last step."""
        return len(self.losses[choice].graph.programs[0].steps) - 1

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn, with a flag for every birth up to it."""
        loss = self.losses[choice]
        drawn = self._pictures[choice].draw(loss.graph.programs[0], step)
        if step == self.last_step(choice):
            note = nan_words.verdict(loss.graph, loss.births)
        else:
            note = nan_words.told(loss.births[step]) if step in loss.births else ""
        down = FLAG + ABOVE
        flags = [
            self._flag(choice, birth, number == step)
            for number, birth in loss.births.items()
            if number <= step
        ]
        body = svg.group([drawn.body, *flags], transform=f"translate(0 {down:g})")
        sentence = f"{drawn.sentence} {note}".strip()
        bands = tuple(replace(band, bottom=band.bottom + down) for band in drawn.bands)
        height = drawn.height + down
        return replace(drawn, body=body, height=height, sentence=sentence, bands=bands)

    def _flag(self, choice: int, birth: Birth, now: bool) -> str:
        unit = self._pictures[choice].geometry.units[birth.box]
        content = nan_words.flag(birth)
        width = svg.text_width(content, SMALL_FONT_SIZE) + 14
        middle = unit.x + unit.width / 2
        bottom = unit.y - place.BOX_HEIGHT / 2 - ABOVE / 2
        style = "label label-now" if now else "label"
        return svg.group(
            [
                svg.box(middle - width / 2, bottom - FLAG, width, FLAG, style, radius=3),
                svg.text(content, middle, bottom - FLAG / 2, "small strong" if now else "small"),
            ]
        )
