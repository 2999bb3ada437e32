"""The way through a course: its lessons in order, what each teaches for, and where each leads on.

All of it is read from the lessons' texts. The section of an exercise is the one in which its
chapter's lesson links to it, first of all in a box.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.engine.outline import Entry, outline
from grader.notebook.texts.home import HOME

LESSONS = HOME / "course" / "lessons"
"""The texts of this course's lessons."""


@dataclass(frozen=True)
class Lesson:
    """A lesson: its name (`01-graphs-2`), its title, and the heading above each exercise's link."""

    name: str
    title: str
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def chapter(self) -> str:
        """Its chapter's name: `01-graphs` of `01-graphs-2` too."""
        return re.sub(r"-\d+$", "", self.name)

    @property
    def link(self) -> str:
        """A link to it by name."""
        return f"[{self.title}](lesson:{self.name})"


@dataclass(frozen=True)
class Way:
    """The lessons of a course, in order."""

    lessons: tuple[Lesson, ...]

    def section(self, exercise: str, chapter: str) -> tuple[Lesson, str] | None:
        """The lesson, and the heading in it, that an exercise of a chapter belongs to."""
        own = [lesson for lesson in self.lessons if lesson.chapter == chapter]
        for lesson in own:
            if exercise in lesson.sections:
                return lesson, lesson.sections[exercise]
        return (own[0], "") if own else None

    def from_lesson(self, name: str) -> str:
        """Where a lesson leads on, as the text of its last cell; "" for the only one there is."""
        names = [lesson.name for lesson in self.lessons]
        if name not in names:
            return ""
        here = self.lessons[names.index(name)]
        following = self.lessons[names.index(name) + 1 :]
        part = next((one for one in following if one.chapter == here.chapter), None)
        after = next((one for one in following if one.chapter != here.chapter), None)
        own = [entry for entry in outline() if entry.chapter == here.chapter]
        ways = [
            f"The second part of this lesson: {part.link}" if part else None,
            _exercises(own),
            f"The next lesson: {after.link}" if after else None,
        ]
        return _list(ways)

    def back(self, chapter: str) -> str:
        """The way from a chapter's exercises back to its lessons, in a line."""
        own = [lesson.link for lesson in self.lessons if lesson.chapter == chapter]
        return f"Back to the lesson: {' · '.join(own)}" if own else ""

    def after(self, chapter: str) -> Lesson | None:
        """The first lesson of the next chapter, if there is one."""
        return next((one for one in self.lessons if one.chapter > chapter), None)

    def on(self, chapter: str) -> str:
        """The way from a chapter's exercises on to the next lesson."""
        after = self.after(chapter)
        return _list([f"The next lesson: {after.link}" if after else None])


def _list(ways: Sequence[str | None]) -> str:
    lines = [f"- {way}" for way in ways if way]
    return "\n".join(["## Where to go from here", "", *lines]) if lines else ""


def _exercises(own: Sequence[Entry]) -> str | None:
    if not own:
        return None
    count = f"The {len(own)} exercises" if len(own) > 1 else "The exercise"
    return f"{count} of this chapter: begin with [{own[0].title}](exercise:{own[0].id})"


def of_course(folder: Path = LESSONS) -> Way:
    """The way through the lessons whose texts lie in a folder; empty where none are."""
    texts = sorted(folder.glob("[0-9][0-9]-*.md"), key=lambda text: text.stem)
    return Way(tuple(_read(text.stem, text.read_text(encoding="utf-8")) for text in texts))


@functools.lru_cache(maxsize=128)
def _read(stem: str, text: str) -> Lesson:
    in_boxes: dict[str, str] = {}
    elsewhere: dict[str, str] = {}
    title = under = ""
    for line in _prose(text):
        if heading := re.match(r"(##?) +(.+)", line):
            title = title or heading[2].strip()
            under = heading[2].strip() if heading[1] == "##" else ""
        found = in_boxes if line.startswith(">") else elsewhere
        for exercise in re.findall(r"\]\(exercise:([\w-]+)\)", line):
            found.setdefault(exercise, under)
    return Lesson(stem, title or stem, elsewhere | in_boxes)


def _prose(text: str) -> Iterator[str]:
    """The lines of a text outside its fences and its front matter."""
    fence = ""
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    for line in body.splitlines():
        mark = re.match(r"`{3,}|~{3,}", line)
        if fence:
            fence = "" if line.startswith(fence) else fence
        elif mark:
            fence = mark[0]
        else:
            yield line
