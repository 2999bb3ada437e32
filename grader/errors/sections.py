"""Sections of lessons, by a lesson's name and words of a heading; numbers follow from its text."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

_HOME = Path(__file__).resolve().parents[2]
TEXTS = _HOME / "course" / "lessons"
NOTEBOOKS = _HOME.parent / "lessons"
"""On a student's side the lessons lie beside the code, as notebooks."""
_HEADING = re.compile(r"^#{1,4} (.+?)\s*$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```\s*$", re.MULTILINE | re.DOTALL)


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
    def anchor(self) -> str:
        """What follows the `#` in a link to the heading."""
        return self.heading.replace(" ", "-")

    def __str__(self) -> str:
        return f"lesson {self.title}" + (f", section {self.heading}" if self.heading else "")


@functools.cache
def _headings(lesson: str) -> tuple[str, ...]:
    text = _text_of(lesson)
    return tuple(line.replace("`", "") for line in _HEADING.findall(_CODE.sub("", text)))


def _text_of(lesson: str) -> str:
    """A lesson's prose, from its text or from its notebook; nothing where there is neither."""
    try:
        return (TEXTS / f"{lesson}.md").read_text(encoding="utf-8")
    except OSError:
        pass
    try:
        cells = json.loads((NOTEBOOKS / f"{lesson}.ipynb").read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return ""
    prose = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    return "\n\n".join("".join(one) for one in prose)
