"""What to read for an exercise, as a sentence that ends in a link where there is something."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.diagnosis.messages import say
from grader.engine.task import Task
from grader.notebook.texts import links, places, way


@dataclass(frozen=True)
class Line:
    """A sentence that ends in the name of a place, and where that place may lie."""

    said: str
    name: str = ""
    places: tuple[PurePosixPath, ...] = ()
    anchor: str = ""

    def __str__(self) -> str:
        return f"{self.said} {self.name}".strip()

    @property
    def page(self) -> str:
        """As HTML: a link where the place is to be found from the current folder."""
        name, here = html.escape(self.name), places.from_here(*self.places)
        if here is not None:
            name = f"<a href='{html.escape(here + self.anchor)}'>{name}</a>"
        return f"{_code(self.said)} {name}".strip()


def section(task: Task) -> Iterable[Line]:
    """Where a lesson explains what the exercise needs."""
    found = way.of_course().section(task.id, task.chapter)
    if found is None:
        return ()
    lesson, heading = found
    anchor = links.to_heading(heading) if heading else ""
    place = (places.lesson(lesson.name),)
    return (Line(say("onward.section"), heading or lesson.title, place, anchor),)


def _code(text: str) -> str:
    pieces = html.escape(text).split("`")
    return "".join(f"<code>{one}</code>" if i % 2 else one for i, one in enumerate(pieces))
