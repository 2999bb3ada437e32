"""What tests read in the lessons: cells, headings, links, questions, and one run of each."""

import ast
import functools
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from filelock import FileLock
from nbclient import NotebookClient

from grader import notebooks

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "course" / "lessons").glob("*.md"))
ASKS = {"choice", "order", "predict"}


class Asked(NamedTuple):
    """A question of a lesson: its id, which function asks it, and the cell it stands in."""

    name: str
    kind: str
    cell: Any


every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)


@functools.cache
def cells(text):
    """The cells of a MyST Markdown text."""
    return notebooks.read(text).cells


def tags(cell):
    """The tags of a cell."""
    return set(cell.metadata.get("tags", ()))


def prose(text):
    """The Markdown of a text, without its code."""
    return "\n\n".join(cell.source for cell in cells(text) if cell.cell_type == "markdown")


def headings(text):
    """The headings of a text, in order."""
    return re.findall(r"^#{1,6} +(.+)$", prose(text), flags=re.MULTILINE)


def slug(heading):
    """A heading's anchor on a web page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links(text):
    """The targets of a text's links."""
    return re.findall(r"\]\(([^)]+)\)", prose(text))


@functools.cache
def questions(text):
    """The questions a lesson asks, in order."""
    calls = [
        (node, cell)
        for cell in cells(text)
        if cell.cell_type == "code"
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call)
    ]
    return [
        Asked(keyword.value.value, call.func.id, cell)
        for call, cell in calls
        if isinstance(call.func, ast.Name) and call.func.id in ASKS
        for keyword in call.keywords
        if keyword.arg == "id"
    ]


def ask(cell, folder, **names):
    """The question that a cell makes, run on its own with nothing but torch and the quizzes."""
    import torch

    from course import quiz

    # From a file, so that the lines of a function can be read back and shown.
    file = folder / "question.py"
    file.write_text(cell.source, encoding="utf-8")
    tree = ast.parse(cell.source)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr), "a question's cell ends in the question"
    names |= {"torch": torch} | {name: getattr(quiz, name) for name in ASKS}
    exec(compile(tree, file, "exec"), names)
    return eval(compile(ast.Expression(last.value), file, "eval"), names)


def executed(text, shared):
    """The lesson after one run from top to bottom, done once for all tests of a session.

    `shared` is a folder that all processes of the session see.
    """
    file = shared / f"{text.stem}.ipynb"
    with FileLock(f"{file}.lock"):
        if not file.exists():
            notebook = notebooks.read(text)
            client = NotebookClient(
                notebook, kernel_name="python3", timeout=120, allow_errors=True,
                store_widget_state=False, resources={"metadata": {"path": str(shared)}},
            )  # fmt: skip
            before = os.environ.get("PYTHONPATH", "")
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), before]))
            try:
                client.execute()
            finally:
                os.environ["PYTHONPATH"] = before
            nbformat.write(notebook, file)
    return nbformat.read(file, as_version=4)
