"""A class of forty that hands in one assignment: honest, mistaken, half done, broken and late."""

import functools
import json
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

import nbformat
from filelock import FileLock
from nbgrader.api import Gradebook

from grader import releases
from grader.judge.form import course_directory
from tests.conftest import FRONT, ROOT, code

ASSIGNMENT = "mixed"
EXERCISES = ("two_path_grad", "edge_products")
PLAIN = ("triple", "count")
BY_HAND = ("explain", "sketch", "own_code")
POINTS = {"two_path_grad": 8, "edge_products": 10, "triple": 4, "count": 3}

ANSWERS = {
    "two_path_grad_answer": "def two_path_grad(x, w):\n    return w + 1, x + 2 * w + 1",
    "edge_products_answer": (
        "def edge_products(a, w1, w2, w3, w4):\n"
        '    return {"a": -(w3 * w1 + w4 * w2), "w1": -w3 * a, "w2": -w4 * a,\n'
        '            "w3": -w1 * a, "w4": -w2 * a}'
    ),
    "triple_answer": "def triple(x):\n    return 3 * x",
    "count_answer": "def count(items):\n    return len(items)",
    "explain": "Gradients of several paths are added.",
    "own_code": "x = torch.ones(3)",
}
HIDDEN_TEST = "triple(-7) == -21"

SETTINGS = """
c.LateSubmissionPlugin.penalty_method = "zero"
c.Grading.call_seconds = 2.0
c.Grading.cell_seconds = 20.0
"""
DUE = datetime(2026, 1, 15, 12)
IN_TIME, LATE = "2026-01-10 09:00:00.000000 UTC", "2026-01-20 09:00:00.000000 UTC"


def markdown(grade_id, text, points, *, task=False):
    """A Markdown cell that a person grades, as MyST text."""
    flags = {"grade": not task, "solution": not task, "task": task, "locked": task}
    about = {"grade_id": grade_id, "points": points, "schema_version": 3} | flags
    return "+++ " + json.dumps({"nbgrader": about}) + f"\n\n{text}\n\n+++\n\n"


def answer(grade_id):
    """A solution cell whose release asks for the answer."""
    head, _, body = ANSWERS[grade_id].partition("\n")
    region = f"    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
    return code(grade_id, f"{head}\n{region}", solution=True)


def assignment_text():
    """The assignment with its solutions: two exercises, an instructor's own cells, all kinds."""
    by_hand = code("own_code", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION", solution=True)
    by_hand = by_hand.replace("grade: false", "grade: true").replace(
        "  schema_version", "  points: 2\n  schema_version"
    )
    return (
        FRONT
        + "# Mixed\n\n"
        + code("imports", "import torch\n\nfrom grader import check")
        + answer("two_path_grad_answer")
        + code("two_path_grad", 'check("two_path_grad", two_path_grad)', points=8)
        + answer("edge_products_answer")
        + code("edge_products", 'check("edge_products", edge_products)', points=10)
        + answer("triple_answer")
        + code(
            "triple",
            "assert triple(2) == 6\n### BEGIN HIDDEN TESTS\n"
            f"assert {HIDDEN_TEST}\n### END HIDDEN TESTS",
            points=4,
        )
        + answer("count_answer")
        + code("count", "1.5 * (count([1]) == 1) + 1.5 * (count([]) == 0)", points=3)
        + markdown("explain", "A model answer.", 6)
        + markdown("sketch", "Sketch the graph.", 5, task=True)
        + by_hand
    )


@functools.cache
def released():
    """A course whose only assignment is released, once for all tests of this process."""
    folder = Path(tempfile.mkdtemp(prefix="autograd-course-class-"))
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    with (folder / "nbgrader_config.py").open("a") as settings:
        settings.write(SETTINGS)
    text = folder / "solutions" / ASSIGNMENT / f"{ASSIGNMENT}.md"
    text.parent.mkdir(parents=True)
    text.write_text(assignment_text())
    list(releases.generate(folder))
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "autograd-course") as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
    return folder


def course(folder, students):
    """A copy of the course with the submissions of some students, by name."""
    shutil.copytree(released(), folder)
    for student in students:
        hand_in(folder, student)
    return folder


def hand_in(course, student):
    """Collect one student's submission; the name says what kind it is."""
    folder = course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)
    notebook = nbformat.read(course / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", 4)
    cells = {cell.id: cell for cell in notebook.cells}
    kind = student.rpartition("-")[0]
    for name, source in ANSWERS.items():
        cells[name].source = source
    (folder / "timestamp.txt").write_text(IN_TIME)
    KINDS[kind](notebook, cells, folder)
    path = folder / f"{ASSIGNMENT}.ipynb"
    if not path.exists() and not getattr(KINDS[kind], "without_notebook", False):
        nbformat.write(notebook, path)


KINDS = {}


def kind(work):
    """Register a kind of submission under its function's name."""
    KINDS[work.__name__.strip("_")] = work
    return work


def instead(work):
    """The same, of a kind that writes its own notebook or none."""
    work.without_notebook = True
    return kind(work)


@kind
def honest(notebook, cells, folder):
    pass


@kind
def noisy(notebook, cells, folder):
    cells["two_path_grad_answer"].source = (
        "import sys, warnings\nimport matplotlib.pyplot as plt\n"
        "def two_path_grad(x, w):\n"
        '    print("a great many words " * 200)\n    print("on stderr", file=sys.stderr)\n'
        '    warnings.warn("as torch does")\n    return [w + 1, x + w + (w + 1)]\n'
        'plt.plot([1, 2]); print("outside", file=sys.stderr)'
    )
    cells[
        "triple_answer"
    ].source = "import sys\ndef triple(x):\n    print(x, file=sys.stderr)\n    return 3 * x"


@kind
def first_path_only(notebook, cells, folder):
    cells["two_path_grad_answer"].source = "def two_path_grad(x, w):\n    return w + 1, w + 1"


@kind
def swapped(notebook, cells, folder):
    cells["two_path_grad_answer"].source = "def two_path_grad(x, w):\n    return x + 2*w + 1, w + 1"


@kind
def wrong_where_w_is_zero(notebook, cells, folder):
    cells["two_path_grad_answer"].source = (
        "def two_path_grad(x, w):\n    dw = x + 2 * w + 1\n"
        "    return w + 1, torch.where(w == 0, dw + 1, dw)"
    )


@kind
def partly(notebook, cells, folder):
    for name in ("edge_products_answer", "triple_answer"):
        cells[name].source = f"def {name.removesuffix('_answer')}(*args):\n    return None"
    cells["count_answer"].source = "def count(items):\n    return 0"


@instead
def untouched(notebook, cells, folder):
    release = folder.parents[2] / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    shutil.copy(release, folder)


@kind
def raising(notebook, cells, folder):
    cells["two_path_grad_answer"].source = (
        "class Seen(Exception):\n    pass\n"
        "def two_path_grad(x, w):\n    raise Seen(f'inputs {x.tolist()}')"
    )


@kind
def broken_syntax(notebook, cells, folder):
    cells["two_path_grad_answer"].source = "def two_path_grad(x, w:\n    return"


@kind
def endless(notebook, cells, folder):
    cells["edge_products_answer"].source = "def edge_products(*a):\n    while True:\n        pass"


@kind
def exits(notebook, cells, folder):
    cells["two_path_grad_answer"].source = "import os\ndef two_path_grad(x, w):\n    os._exit(0)"


@kind
def prints_a_score(notebook, cells, folder):
    cells["count_answer"].source = "def count(items):\n    return 10 ** 6"
    cells["triple_answer"].source = "print(4.0)\ndef triple(x):\n    return 7"


@kind
def deleted_cells(notebook, cells, folder):
    gone = {"two_path_grad", "triple", "sketch"}
    notebook.cells = [cell for cell in notebook.cells if cell.id not in gone]


@kind
def edited_tests(notebook, cells, folder):
    cells["triple_answer"].source = "def triple(x):\n    return 0"
    cells["triple"].source = "pass"
    cells["two_path_grad"].source = "100.0"
    cells["edge_products"].metadata.nbgrader.points = 1000


@kind
def copied_cells(notebook, cells, folder):
    notebook.cells.append(nbformat.from_dict(dict(cells["two_path_grad"]) | {"id": "again"}))


@instead
def renamed(notebook, cells, folder):
    nbformat.write(notebook, folder / "mixed final (2).ipynb")


@instead
def broken_json(notebook, cells, folder):
    (folder / f"{ASSIGNMENT}.ipynb").write_text(nbformat.writes(notebook)[:-200])


@instead
def empty(notebook, cells, folder):
    (folder / f"{ASSIGNMENT}.ipynb").write_bytes(b"")


@instead
def nothing(notebook, cells, folder):
    (folder / "notes.txt").write_text("I will hand in tomorrow.")


@kind
def late(notebook, cells, folder):
    (folder / "timestamp.txt").write_text(LATE)


@kind
def no_time(notebook, cells, folder):
    (folder / "timestamp.txt").write_text("yesterday, I think")


@kind
def linked(notebook, cells, folder):
    (folder / "data.csv").symlink_to(folder.parents[2] / "gradebook.db")
    (folder / "solution").symlink_to(folder.parents[2] / "solutions")
    os.mkfifo(folder / "pipe")
    (folder / "mine.txt").write_text("kept")


def shared(factory, name, make):
    """What `make` lays into a folder of that name, made once for all processes that run tests."""
    base = factory.getbasetemp()
    place = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / name
    with FileLock(f"{place}.lock"):
        if not place.is_dir():
            made = place.with_name(f"{name}.unfinished")
            shutil.rmtree(made, ignore_errors=True)
            make(made)
            made.rename(place)
    return place


def the_forty():
    """Their names: eleven honest ones, and the other kinds in turn."""
    others = [name for name in KINDS if name != "honest"]
    names = [f"honest-{number:02}" for number in range(11)]
    return [*names, *(f"{others[n % len(others)]}-{n // len(others)}" for n in range(29))]


def rows(course):
    """Everything the gradebook says of every submission, without its random ids."""
    found = {}
    directory = course_directory(course)
    with Gradebook(directory.db_url, directory.course_id) as gradebook:
        for submission in gradebook.assignment_submissions(ASSIGNMENT):
            (book,) = submission.notebooks
            found[submission.student.id] = {
                "received": submission.timestamp,
                "late": submission.total_seconds_late,
                "penalty": book.late_submission_penalty,
                "score": book.score,
                "grades": {
                    grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                    for grade in book.grades
                },
                "comments": {row.name: row.comment for row in book.comments},
            }
        gradebook.db.commit()
    return found


def scores(course, student):
    """The automatic score of every graded cell of one student."""
    return {name: auto for name, (auto, _, _) in rows(course)[student]["grades"].items()}


def notebook(course, student):
    """A student's graded notebook."""
    return nbformat.read(course / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", 4)


def page(course, student):
    """A student's feedback page."""
    return (course / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html").read_text()
