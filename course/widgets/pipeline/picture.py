"""Draws a pipeline's schedule: a row for each stage, a column for each tick."""

from __future__ import annotations

from collections.abc import Sequence

from course.widgets.frame import svg
from course.widgets.frame.svg import Picture
from course.widgets.pipeline import words as pipeline_words
from course.widgets.pipeline.schedules import FORWARD, Schedule

CELL, ROW = 36.0, 34.0
LEFT, TOP = 84.0, 46.0
INSET = 2.0
KEPT = 190.0
LEGEND = 40.0


class PipelinePicture:
    """Some schedules of one batch as the choices of a Player; each step runs one tick more."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self.schedules = schedules

    @property
    def choices(self) -> Sequence[str]:
        """What each schedule is called."""
        return [schedule.name for schedule in self.schedules]

    def last_step(self, choice: int) -> int:
        """One step per tick."""
        return self.schedules[choice].ticks

    def picture(self, choice: int, step: int) -> Picture:
        """The schedule up to a tick, drawn."""
        schedule = self.schedules[choice]
        told = pipeline_words.tick(schedule, step - 1) if step else pipeline_words.before(schedule)
        body = [
            *_heads(schedule),
            *(part for tick in range(schedule.ticks) for part in _column(schedule, tick, step)),
            *_kept(schedule, step),
            *_legend(schedule),
        ]
        return Picture(
            _right(schedule) + KEPT + svg.MARGIN,
            TOP + schedule.stages * ROW + LEGEND,
            "".join(body),
            f"{schedule.name}: what each stage does in each tick",
            f"Step {step} of {schedule.ticks}: {told}",
        )


def _right(schedule: Schedule) -> float:
    return LEFT + schedule.ticks * CELL + 16


def _middle(stage: int) -> float:
    return TOP + stage * ROW + ROW / 2


def _heads(schedule: Schedule) -> list[str]:
    """The names of rows and columns."""
    parts = [svg.text("tick", LEFT - 12, TOP - 14, "words muted", "end")]
    parts += [
        svg.text(str(tick), LEFT + (tick + 0.5) * CELL, TOP - 14, "small muted")
        for tick in range(schedule.ticks)
    ]
    parts += [
        svg.text(f"stage {stage}", LEFT - 12, _middle(stage), "small", "end")
        for stage in range(schedule.stages)
    ]
    return parts


def _column(schedule: Schedule, tick: int, step: int) -> list[str]:
    """What is known of one tick: dashed and empty as long as it has not run."""
    works, parts = schedule.at(tick), []
    for stage in range(schedule.stages):
        work = works.get(stage)
        if tick >= step:
            style, said = "later", ""
        elif work is None:
            style, said = "node", "idle"
        else:
            style = "tensor" if work.kind == FORWARD else "label label-now"
            said = f"{work.kind}{work.micro}"
        corner = LEFT + tick * CELL + INSET, TOP + stage * ROW + INSET
        parts.append(svg.box(*corner, CELL - 2 * INSET, ROW - 2 * INSET, style, radius=3))
        if said:
            strong = tick == step - 1
            words = "words muted" if work is None else "small strong" if strong else "small"
            parts.append(svg.text(said, LEFT + (tick + 0.5) * CELL, _middle(stage), words))
    if tick == step - 1:
        height = schedule.stages * ROW
        parts.append(svg.box(LEFT + tick * CELL, TOP, CELL, height, "halo-forward", radius=5))
    return parts


def _kept(schedule: Schedule, step: int) -> list[str]:
    """Beside each row, the micro-batches whose activations its stage keeps."""
    x = _right(schedule)
    parts = [svg.text("activations kept of", x, TOP - 14, "words strong", "start")]
    for stage in range(schedule.stages):
        kept = schedule.kept(stage, step - 1)
        for place, micro in enumerate(kept):
            left = x + place * 22
            parts.append(svg.box(left, _middle(stage) - 10, 20, 20, "saved", radius=3))
            parts.append(svg.text(str(micro), left + 10, _middle(stage), "small"))
        if not kept:
            parts.append(svg.text("none", x, _middle(stage), "words muted", "start"))
    return parts


def _legend(schedule: Schedule) -> list[str]:
    """What the letters stand for."""
    y = TOP + schedule.stages * ROW + 20
    told = "F: forward pass of a micro-batch · B: its backward pass · idle: the bubble"
    return [svg.text(told, LEFT, y, "words muted", "start")]
