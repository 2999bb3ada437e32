"""An instructor's own assignment, with every kind of cell nbgrader has and two notebooks."""

import atexit
import functools
import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from unittest import mock

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from nbgrader.converters import GenerateAssignment
from traitlets.config import Config

from grader.judge.form import course_directory, read_forms

ASSIGNMENT = "ps1"


def flagged(cell, grade_id, *, points=None, **flags):
    """The cell with nbgrader's settings."""
    cell.id = grade_id
    cell.metadata["nbgrader"] = {
        "grade": False,
        "grade_id": grade_id,
        "locked": False,
        "schema_version": 3,
        "solution": False,
        "task": False,
    } | flags
    if points is not None:
        cell.metadata["nbgrader"]["points"] = points
    return cell


def problems():
    """The notebook with the solutions in it."""
    cells = [
        new_markdown_cell("# Problems\n\nRead $x^2$ first.", id="intro"),
        new_code_cell("import math\nSCALE = 2", id="setup"),
        flagged(new_code_cell("def given(x):\n    return SCALE * x"), "given", locked=True),
        flagged(
            new_code_cell(
                "def square(x):\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION"
            ),
            "square_answer",
            solution=True,
        ),
        flagged(
            new_code_cell(
                "assert square(2) == 4\n### BEGIN HIDDEN TESTS\n"
                'assert square(-3) == 9, "minus times minus is plus"\n### END HIDDEN TESTS'
            ),
            "square",
            grade=True,
            locked=True,
            points=2,
        ),
        flagged(
            new_code_cell("### BEGIN SOLUTION\nroot = math.sqrt\n### END SOLUTION"),
            "root_answer",
            solution=True,
        ),
        flagged(
            new_code_cell("1.5 if root(4) == 2 else 0.0"),
            "root",
            grade=True,
            locked=True,
            points=3,
        ),
        flagged(
            new_code_cell("### BEGIN SOLUTION\nprint(42)\n### END SOLUTION"),
            "shown",
            grade=True,
            solution=True,
            points=1,
        ),
        flagged(
            new_markdown_cell("### BEGIN SOLUTION\nBecause.\n### END SOLUTION"),
            "why",
            grade=True,
            solution=True,
            points=4,
        ),
        flagged(new_markdown_cell("Do it, and say how."), "deed", task=True, points=5),
        new_raw_cell("raw text", id="raw"),
        new_code_cell("# a place to try things", id="scratch"),
    ]
    return new_notebook(cells=cells, metadata=KERNEL)


KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def essay():
    """The assignment's other notebook."""
    answer = flagged(new_markdown_cell("Write."), "essay", grade=True, solution=True, points=6)
    return new_notebook(cells=[answer], metadata=KERNEL)


def released(folder):
    """Release the assignment in a folder, and return nbgrader's view of the course."""
    source = folder / "source" / ASSIGNMENT
    (source / "data").mkdir(parents=True)
    (source / "data" / "numbers.csv").write_text("1,2,3\n")
    (folder / "nbgrader_config.py").write_text("c = get_config()\n")
    nbformat.write(problems(), source / "problems.ipynb")
    nbformat.write(essay(), source / "essay.ipynb")
    directory = course_directory(folder)
    directory.assignment_id = ASSIGNMENT
    # nbgrader runs `alembic` by name to make a gradebook.
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    with mock.patch.dict(os.environ, {"PATH": path}):
        GenerateAssignment(coursedir=directory, config=Config(directory.config)).start()
    return course_directory(folder)


@functools.cache
def course():
    """A course in which the assignment is released. Nobody writes in it: copy it to do so."""
    folder = tempfile.mkdtemp(prefix="course-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    released(Path(folder))
    return Path(folder)


def form():
    """The form of the notebook with the problems."""
    return read_forms(course_directory(course()), ASSIGNMENT)["problems"]


def release():
    """The released notebook's bytes."""
    return (course() / "release" / ASSIGNMENT / "problems.ipynb").read_bytes()
