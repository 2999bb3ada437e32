"""Sections of lessons, by a lesson's name and words of a heading; numbers follow from its text."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from grader.notebook.texts import links, places
from grader.notebook.texts.home import HOME

TEXTS = HOME / "course" / "lessons"
_HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
_CODE = re.compile(r"^(```+|~~~+).*?^\1\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Section:
    """Part of a lesson. `words` stand in its heading; without words the whole lesson is meant."""

    lesson: str
    words: str = ""

    @property
    def heading(self) -> str:
        """The heading as it stands today, or nothing if the lesson is to be read as a whole."""
        lines = _headings(self.lesson)
        return next((line for line in lines if self.words and self.words in line), "")

    @property
    def title(self) -> str:
        """The lesson's own title, with its number."""
        lines = _headings(self.lesson)
        return lines[0] if lines else self.lesson

    @property
    def link(self) -> str | None:
        """The way to it from the current folder; None where no workspace lies around it."""
        page = places.from_here(places.lesson(self.lesson))
        if page is None:
            return None
        return page + (links.to_heading(self.heading) if self.heading else "")

    def __str__(self) -> str:
        return f"lesson {self.title}" + (f", section {self.heading}" if self.heading else "")


@functools.cache
def _headings(lesson: str) -> tuple[str, ...]:
    """Every heading of a lesson, its title first; nothing where its text does not lie."""
    try:
        text = (TEXTS / f"{lesson}.md").read_text(encoding="utf-8")
    except OSError:
        return ()
    return tuple(line.replace("`", "") for line in _HEADING.findall(_CODE.sub("", text)))
