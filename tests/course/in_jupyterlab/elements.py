"""Notebooks of what the course adds to JupyterLab: questions, a verdict, and pictures."""

import ast
import re

from grader.notebook.texts import places
from tests.fixtures.lesson_texts import LESSONS, cells

PLACE, PICTURES = "elements.ipynb", "pictures.ipynb"
EXERCISE = str(places.exercises("01-graphs"))
WRONG = "def two_path_grad(x, w):\n    return w + 1, w + 1\n"

KEPT = """\
from IPython.display import display

display(ask("start-predict"), ask("start-choose"), ask("start-order"))
"""
"""Questions of the course, whose answers are recorded; the kernel knows `ask` from its start."""

BUSY = """\
import pathlib
import time

while pathlib.Path("busy").exists():
    time.sleep(0.05)
"""
"""Ends when a file is taken away beside the notebook."""

QUESTIONS = """\
from course.quiz import choice, order, predict


def give():
    return 2 + 3


display(
    choice("Which?", {"three": "Too few.", "five": "Both."}, answer="five"),
    predict("What?", give, why="It adds.", beliefs={"6": "That multiplies."}),
    order("Sort.", {"x": "x = 1", "y": "y = x"}, {("x", "y"): "It needs x."}, gives="y"),
)
"""

CHECK = """\
def weighted_backward(x, v):
    return v


check("vjp_vector", weighted_backward)
"""

PICTURE = """\
import torch
from course.widgets import explore

x = torch.tensor(2.0, requires_grad=True)
w = torch.tensor(1.0, requires_grad=True)
a = x + w
b = w + 1
y = a * b
explore(y)
"""


def bound(node):
    """The names that a statement or any part of it gives a meaning to."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        elif isinstance(part, ast.alias):
            yield part.asname or part.name.partition(".")[0]
        elif isinstance(part, ast.FunctionDef | ast.ClassDef):
            yield part.name


A_PICTURE = re.compile(r"^explore\w*\(", re.MULTILINE)


def first_picture(lesson):
    """The source of a lesson's first picture and of the cells that it needs."""
    code = [cell.source for cell in cells(lesson) if cell.cell_type == "code"]
    first = next(i for i, source in enumerate(code) if A_PICTURE.search(source))
    needed, sources = set(), []
    for source in reversed(code[: first + 1]):
        tree = ast.parse(source)
        given = set(bound(tree))
        if not sources or needed & given:
            sources.insert(0, source)
            used = {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)}
            needed = (needed | used) - given
    return "\n\n".join(sources)


PICTURED = {one.stem: one for one in LESSONS if A_PICTURE.search(one.read_text("utf-8"))}
"""The lessons with a picture, found without parsing all of them: tests are named after these."""

PICTURED_AT = {"05-hooks": 30, "06-optimizer-loop": 12}
"""The steps of two of them that the README shows."""

ELEMENTS = (KEPT, BUSY, "1 + 1", QUESTIONS, CHECK, PICTURE)
ASKED, CHECKED, DRAWN = 3, 4, 5
"""The cells of three kinds of questions, of a verdict, and of a picture."""
