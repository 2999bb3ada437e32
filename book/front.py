"""The front page: what the book is, and the way through it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from book import links
from grader.engine.outline import outline
from grader.notebook.texts import way

_MINUTES = re.compile(r"^\*\*Time\*\* about (\d+) minutes", re.MULTILINE)


def text(chapters: Sequence[str]) -> str:
    """The front page as MyST Markdown. `chapters` are the names of the pages of exercises."""
    course = way.of_course()
    return "\n".join(
        [
            _OPENING,
            "## Lessons",
            "",
            *(_line(lesson) for lesson in course.lessons),
            "",
            "## Exercises",
            "",
            f"{len(outline())} functions and classes to write, chapter by chapter, each with hints "
            "and a model answer in folds:",
            "",
            *(_exercises(name) for name in chapters),
            "",
            _CLOSING,
            _tree("Lessons", [f"lessons/{lesson.name}" for lesson in course.lessons]),
            _tree("Exercises", [f"exercises/{name}" for name in chapters]),
            _tree("When something goes wrong", ["errors"]),
        ]
    )


_OPENING = f"""\
# PyTorch autograd

What autograd records, what `backward()` does with it, and why a gradient is missing, zero, nan or
wrong. Every output on these pages came from running the code above it. Pictures can be stepped with
the buttons above them, or with the arrow keys while the slider has the focus.

Questions have their answers folded away. Say what you expect before you open one.

**You have an error, or a loss that does not fall?** Go to
[Errors and symptoms](#{links.index()}), or paste the error's last line into the search.
"""

_CLOSING = """\
To run the code, to have your answers checked, and to be told which mistake you made, take the
course itself: the same lessons as notebooks.
"""


def _line(lesson: way.Lesson) -> str:
    text = (way.LESSONS / f"{lesson.name}.md").read_text(encoding="utf-8")
    minutes = _MINUTES.search(text)
    time = f" ({minutes[1]} minutes)" if minutes else ""
    return f"- [{lesson.title}](#{links.lesson(lesson.name)}){time}"


def _exercises(chapter: str) -> str:
    own = [entry for entry in outline() if entry.chapter == chapter]
    points = sum(entry.points for entry in own)
    count = f"{len(own)} exercise{'s' * (len(own) != 1)}"
    title = next(one.title for one in way.of_course().lessons if one.chapter == chapter)
    return f"- [{title}](#{links.chapter(chapter)}): {count}, {points} points"


def _tree(caption: str, pages: Sequence[str]) -> str:
    lines = ["```{toctree}", ":hidden:", f":caption: {caption}", ":maxdepth: 2", "", *pages, "```"]
    return "\n".join(["", *lines, ""])


def lessons() -> list[Path]:
    """The texts of the lessons, in order."""
    return [way.LESSONS / f"{lesson.name}.md" for lesson in way.of_course().lessons]
