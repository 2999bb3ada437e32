"""The assignment that the submissions answer: an exercise of each kind, and cells of nbgrader's."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from grader.authoring import releases
from nbgrader.api import Gradebook

from tests.adversarial import Attack
from tests.conftest import FRONT, ROOT, code
from tests.fixtures.classroom import markdown

ASSIGNMENT = "hostile"
POINTS = {
    "two_path_grad": 8,
    "edge_products": 10,
    "straight_through": 10,
    "make_leaf": 6,
    "will_it_raise": 6,
    "safe_update": 8,
    "scaled_parameter": 6,
    "triple": 4,
    "count": 3,
}
FUNCTIONS = {
    "two_path_grad": "two_path_grad",
    "edge_products": "edge_products",
    "straight_through": "ste_round",
    "make_leaf": "make_leaf",
    "will_it_raise": "second_backward_ok",
    "safe_update": "sgd_inplace",
    "scaled_parameter": "init_weight",
}
ANSWERS = {
    "two_path_grad_answer": "def two_path_grad(x, w):\n    return w + 1, x + 2 * w + 1",
    "edge_products_answer": (
        "def edge_products(a, w1, w2, w3, w4):\n"
        '    return {"a": -(w3 * w1 + w4 * w2), "w1": -w3 * a, "w2": -w4 * a,\n'
        '            "w3": -w1 * a, "w4": -w2 * a}'
    ),
    "straight_through_answer": ("def ste_round(x):\n    return x + (torch.round(x) - x).detach()"),
    "make_leaf_answer": "def make_leaf(t):\n    return t.detach().clone().requires_grad_()",
    "will_it_raise_answer": (
        "def second_backward_ok(expression, x, retain_graph):\n"
        '    y = eval(expression, {"x": x})\n'
        "    y.backward(retain_graph=retain_graph)\n"
        "    try:\n        y.backward()\n    except RuntimeError:\n        return False\n"
        "    return True"
    ),
    "safe_update_answer": (
        "def sgd_inplace(w, g, lr):\n    with torch.no_grad():\n        w -= lr * g"
    ),
    "scaled_parameter_answer": (
        "def init_weight(shape, scale, dtype, device):\n"
        "    return (torch.randn(shape, dtype=dtype, device=device) * scale).requires_grad_()"
    ),
    "triple_answer": "def triple(x):\n    return 3 * x",
    "count_answer": "def count(items):\n    return len(items)",
    "explain": "Gradients of several paths are added.",
}
SETTINGS = """
c.Grading.call_seconds = 2.0
c.Grading.cell_seconds = 5.0
c.Grading.submission_seconds = 200.0
c.Grading.memory_mib = 768
c.Grading.processes = 32
c.Grading.files_mib = 16
c.Grading.output_kib = 256
"""


def _answer(grade_id: str) -> str:
    head, _, body = ANSWERS[grade_id].partition("\n")
    region = f"    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
    return code(grade_id, f"{head}\n{region}", solution=True)


def _text() -> str:
    """The assignment with its solutions, as MyST text."""
    parts = [FRONT, "# Hostile\n\n", code("imports", "import torch\n\nfrom grader import check")]
    for exercise, function in FUNCTIONS.items():
        check = f'check("{exercise}", {function})'
        parts += [_answer(f"{exercise}_answer"), code(exercise, check, points=POINTS[exercise])]
    hidden = "### BEGIN HIDDEN TESTS\nassert triple(-7) == -21\n### END HIDDEN TESTS"
    counted = "1.5 * (count([1]) == 1) + 1.5 * (count([]) == 0)"
    parts += [
        _answer("triple_answer"),
        code("triple", f"assert triple(2) == 6\n{hidden}", points=4),
    ]
    parts += [_answer("count_answer"), code("count", counted, points=3)]
    return "".join(parts) + markdown("explain", "A model answer.", 6)


@functools.cache
def released() -> Path:
    """A course whose only assignment is released."""
    folder = Path(tempfile.mkdtemp(prefix="autograd-course-hostile-"))
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    with (folder / "nbgrader_config.py").open("a") as settings:
        settings.write(SETTINGS)
    text = folder / "solutions" / ASSIGNMENT / f"{ASSIGNMENT}.md"
    text.parent.mkdir(parents=True)
    text.write_text(_text())
    list(releases.generate(folder))
    return folder


def honest(course: Path) -> Any:
    """The release with the right answers in it."""
    notebook = nbformat.read(course / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", 4)
    for cell in notebook.cells:
        cell.source = ANSWERS.get(cell.id, cell.source)
    return notebook


def laid(notebook: Any, one: Attack) -> Any:
    """A notebook with an attack's cells in it. Raises KeyError for a cell there is not."""
    by_id = {cell.id: cell for cell in notebook.cells}
    for name, source in one.answers.items():
        by_id[name].source = source
    for how, name, source in one.own:
        at = notebook.cells.index(by_id[name]) + (how == "after")
        notebook.cells.insert(at, nbformat.v4.new_code_cell(source))
    return notebook


def bystander(course: Path, student: str) -> None:
    """Give somebody whose work is not graded now marks and a comment by hand."""
    with Gradebook(f"sqlite:///{course}/gradebook.db", "autograd-course") as gradebook:
        gradebook.add_student(student)
        submission = gradebook.add_submission(ASSIGNMENT, student)
        (book,) = submission.notebooks
        for grade in book.grades:
            grade.auto_score, grade.manual_score = 1.0, 2.5
        for comment in book.comments:
            comment.manual_comment = "Well said."
        gradebook.db.commit()
