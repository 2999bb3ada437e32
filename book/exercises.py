"""Exercises as pages: what is asked, the starting code, and in folds the hints and an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import nbformat

from book import links
from grader.engine.catalogue import Chapter, chapters, tasks
from grader.engine.task import Task
from grader.notebook.texts import notebooks, places, way
from grader.notebook.texts.cells import (
    Cell,
    Notebook,
    grade_id,
    headings,
    slug,
    source_of,
    without_marks,
)

_FACTS = re.compile(r"\n+\*(\d+ points?[^\n]*?)(?: · stuck\?[^\n]*)?\*\s*\Z")
"""The line below what is asked: in a notebook it also says how to get a hint."""


@dataclass(frozen=True)
class Page:
    """A page as MyST Markdown, the name of its file, and its title."""

    name: str
    title: str
    text: str
    facts: str = ""


def pages(root: Path) -> Iterator[Page]:
    """The page of every chapter, each followed by those of its exercises."""
    for chapter in chapters():
        own = list(_exercises(chapter, root))
        yield _list(chapter, own)
        yield from own


def _list(chapter: Chapter, own: list[Page]) -> Page:
    lessons = [one for one in way.of_course().lessons if one.chapter == chapter.name]
    led = " · ".join(f"[{one.title}](#{links.lesson(one.name)})" for one in lessons)
    title = f"Exercises of chapter {int(chapter.name[:2])}"
    lines = [
        f"({links.chapter(chapter.name)})=",
        f"# {title}",
        "",
        f"They practise {led}.",
        "",
        *(f"- [{one.title}](#{links.exercise(one.name)}): {one.facts}" for one in own),
        "",
        "```{toctree}\n:hidden:\n:maxdepth: 1\n",
        *(one.name for one in own),
        "```",
    ]
    return Page(chapter.name, title, "\n".join(lines) + "\n")


def _exercises(chapter: Chapter, root: Path) -> Iterator[Page]:
    place = places.exercises(chapter.name)
    release = nbformat.read(root / place, as_version=4)
    solved = notebooks.read(root / "solutions" / chapter.name / f"{chapter.name}.md")
    known = tasks()
    for section in _sections(release):
        names = [grade_id(cell) for cell in section]
        task = next((known[name] for name in names if name in known), None)
        if task is not None:
            yield _exercise(section, task, solved, place)
        elif any(_is_by_hand(cell) for cell in section):
            yield _written(section, solved, place)


def _sections(notebook: Notebook) -> Iterator[list[Cell]]:
    """The cells of a notebook by headings of the second level."""
    section: list[Cell] = []
    for cell in notebook.cells:
        if headings(cell, "2"):
            yield section
            section = []
        section.append(cell)
    yield section


def _is_by_hand(cell: Cell) -> bool:
    """Whether a person grades what a learner writes into this cell."""
    mark = cell["metadata"].get("nbgrader", {})
    return bool(cell["cell_type"] == "markdown" and mark.get("solution") and mark.get("grade"))


def _exercise(section: list[Cell], task: Task, solved: Notebook, place: PurePosixPath) -> Page:
    asked, facts, title = _asked(section, f"{task.id}_answer", place)
    start = next(cell for cell in section if grade_id(cell) == f"{task.id}_answer")["source"]
    answer = without_marks(source_of(solved, f"{task.id}_answer") or "")
    hints = [fold(f"Hint {n} of {len(task.hints)}", hint) for n, hint in enumerate(task.hints, 1)]
    parts = [
        *_top(task.id, title, facts),
        asked,
        "## Starting code",
        f"```python\n{start}\n```",
        f"In the course's notebook, `check` says whether yours is right, and if it is not, which "
        f'mistake you made: `check("{task.id}", {", ".join(task.functions)})`.',
        *_section(task),
        "## Hints",
        *hints,
        *_answer(f"```python\n{answer}\n```"),
    ]
    return Page(task.id, title, "\n\n".join(parts) + "\n", facts)


def _written(section: list[Cell], solved: Notebook, place: PurePosixPath) -> Page:
    name = next(grade_id(cell) for cell in section if _is_by_hand(cell))
    asked, facts, title = _asked(section, name, place)
    answer = without_marks(source_of(solved, name) or "")
    parts = [*_top(name, title, facts), asked, *_answer(links.in_the_book(answer, place))]
    return Page(name, title, "\n\n".join(parts) + "\n", facts)


def _asked(section: list[Cell], answer: str, place: PurePosixPath) -> tuple[str, str, str]:
    """What is asked, the line of facts below it, and the title above it."""
    above = section[: [grade_id(cell) for cell in section].index(answer)]
    text = "\n\n".join(
        cell["source"] if cell["cell_type"] == "markdown" else f"```python\n{cell['source']}\n```"
        for cell in above
    )
    heading, _, asked = text.partition("\n")
    facts = _FACTS.search(asked)
    asked = _FACTS.sub("", asked).strip()
    return links.in_the_book(asked, place), facts[1] if facts else "", heading.lstrip("# ").strip()


def _top(name: str, title: str, facts: str) -> list[str]:
    return [f"({links.exercise(name)})=", f"# {title}", f"*{facts}*"]


def _section(task: Task) -> list[str]:
    """Where the lesson explains what this exercise needs."""
    found = way.of_course().section(task.id, task.chapter)
    if found is None:
        return []
    lesson, heading = found
    cell = slug(heading) if heading else ""
    name = heading or lesson.title
    return [f"To read first: [{name}](#{links.lesson(lesson.name, cell)})."]


def _answer(answer: str) -> list[str]:
    inner = fold("Yes, show it", answer)
    asked = "Most is learned from an answer of your own. Have you read every hint, and tried?"
    return ["## A model answer", fold("Show a model answer", f"{asked}\n\n{inner}")]


def fold(summary: str, content: str) -> str:
    """Markdown that stays closed until it is asked for."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"
