"""nbgrader as shipped: with nbgrader_config.py alone, a chapter is graded as it deserves.

What each exercise's check says is proved elsewhere; one chapter, whose answers are functions and
classes, shows it under nbgrader.
"""

import csv
import functools
import re
import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook

from grader.notebook.texts import notebooks
from tests.conftest import ROOT
from tests.fixtures import kernels
from tests.fixtures.commands import forked

NOISY = """

import beside_the_notebook
import functools as _functools, os as _os, sys as _sys, warnings as _warnings

def _noisy(function):
    @_functools.wraps(function)
    def call(*args, **kwargs):
        _warnings.warn("a warning as torch gives it")
        print("a line on stderr", file=_sys.stderr, flush=True)
        _os.write(2, b"a line from C++\\n")
        return function(*args, **kwargs)
    return call

{name} = _noisy({name})
get_ipython().events.register("post_execute", lambda: print("a late line", file=_sys.stderr))
"""

LIVE = "<script>window.taken = 1</script><img src='x' onerror='window.taken = 2'>"


class Chapter:
    """A chapter's notebooks, and which cells answer which exercise."""

    def __init__(self, text):
        self.name = text.stem
        self.solution = notebooks.read(text)
        self.answers, self.points = {}, {}
        waiting = []
        for cell in self.solution.cells:
            mark = cell.metadata.get("nbgrader", {})
            if mark.get("grade"):
                self.points[mark.grade_id] = mark.points
                self.answers[mark.grade_id] = [cell.id] if mark.solution else waiting
                waiting = []
            elif mark.get("solution"):
                waiting.append(cell.id)
        cells = {cell.id: cell for cell in self.solution.cells}
        self.source = {name: cell.source for name, cell in cells.items()}
        self.written = [name for name in self.points if cells[name].cell_type == "markdown"]
        self.exercises = [name for name in self.points if name not in self.written]
        self.students = {}

    def classmates(self):
        """Who hands in, and what they solved."""
        everything = [*self.exercises, *self.written]
        return {"some": self.exercises[::2], "solved": everything, "untouched": []}

    def submit(self, course, student, solved, *, noisy=False):
        """Hand in the release with some exercises solved."""
        folder = course / "exercises" / self.name
        notebook = nbformat.read(folder / f"{self.name}.ipynb", 4)
        theirs = {cell.id: cell for cell in notebook.cells}
        for cell in (cell for exercise in solved for cell in self.answers[exercise]):
            theirs[cell].source = self.source[cell]
            if noisy:
                for name in re.findall(r"(?m)^def (\w+)", self.source[cell]):
                    theirs[cell].source += NOISY.format(name=name)
        if noisy:
            shown = f"from IPython.display import HTML, display\ndisplay(HTML({LIVE!r}))"
            notebook.cells.append(nbformat.v4.new_code_cell(shown))
        submitted = course / "submitted" / student / self.name
        shutil.copytree(folder, submitted)
        nbformat.write(notebook, submitted / f"{self.name}.ipynb")


TEXT = ROOT / "solutions" / "08-functions" / "08-functions.md"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class of one chapter, graded by the four commands an instructor types."""
    course = tmp_path_factory.mktemp(TEXT.stem)
    chapter = Chapter(TEXT)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    shutil.copytree(TEXT.parent, course / "solutions" / chapter.name)
    text = course / "solutions" / chapter.name / f"{chapter.name}.md"
    notebooks.build(text, text.with_suffix(".ipynb"))

    @functools.cache
    def nbgrader(command, *argv):
        # Without the judge: nbgrader runs the submissions itself.
        said = forked(
            "nbgrader", command, *argv, cwd=course, timeout=600, AUTOGRAD_COURSE_JUDGE="0"
        )
        assert said.returncode == 0, said.stdout
        return said.stdout

    nbgrader("generate_assignment", chapter.name)
    chapter.students = chapter.classmates()
    chapter.submit(course, "noisy", chapter.students["solved"], noisy=True)
    # Files handed in beside the notebook: one it imports, and some named like modules it needs.
    noisy = course / "submitted" / "noisy" / chapter.name
    (noisy / "beside_the_notebook.py").write_text("")
    for module in ("ipykernel_launcher", "random", "torch"):
        (noisy / f"{module}.py").write_text("1 / 0\n")
    for student, solved in chapter.students.items():
        chapter.submit(course, student, solved)
    with kernels.settings() as config:
        own = [f"--KernelManager.{name}={value}" for name, value in config.KernelManager.items()]
        nbgrader("autograde", chapter.name, *own)
    return course, chapter, nbgrader


def submission(course, chapter, student, look):
    """What `look` finds in a student's submission in the gradebook."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "autograd-course") as gradebook:
        found = look(gradebook.find_submission(chapter.name, student))
        gradebook.db.commit()
        return found


def scores(course, chapter, student):
    """The automatic score of every exercise of a student."""

    def look(found):
        return {grade.name: grade.auto_score for book in found.notebooks for grade in book.grades}

    return submission(course, chapter, student, look)


def test_every_exercise_earns_its_points_where_it_is_solved_and_nothing_where_it_is_not(graded):
    course, chapter, _ = graded
    for student, solved in chapter.students.items():
        earned = scores(course, chapter, student)
        assert {name: earned[name] for name in chapter.exercises} == {
            name: chapter.points[name] if name in solved else 0 for name in chapter.exercises
        }


def test_the_untouched_release_earns_nothing(graded):
    course, chapter, _ = graded
    assert set(scores(course, chapter, "untouched").values()) == {0}


def test_no_warning_and_no_file_beside_it_costs_a_right_answer_its_points(graded):
    course, chapter, _ = graded
    assert scores(course, chapter, "noisy") == scores(course, chapter, "solved")


def test_a_written_answer_is_graded_by_hand_and_reaches_feedback_and_export(graded):
    course, chapter, nbgrader = graded
    assert chapter.written

    def by_hand(found):
        for book in found.notebooks:
            for grade in book.grades:
                if grade.name in chapter.written:
                    assert grade.needs_manual_grade
                    grade.manual_score = chapter.points[grade.name]
                    grade.needs_manual_grade = False
            for comment in book.comments:
                if comment.name in chapter.written:
                    comment.manual_comment = "A clear explanation."

    submission(course, chapter, "solved", by_hand)
    nbgrader("generate_feedback", chapter.name)
    page = (course / "feedback" / "solved" / chapter.name / f"{chapter.name}.html").read_text()
    total = float(sum(chapter.points.values()))
    assert f"(Score: {total} / {total})" in page
    assert "A clear explanation." in page
    untouched = course / "feedback" / "untouched" / chapter.name / f"{chapter.name}.html"
    assert f"(Score: 0.0 / {total})" in untouched.read_text()

    nbgrader("export")
    rows = {row["student_id"]: row for row in csv.DictReader((course / "grades.csv").open())}
    some = float(sum(chapter.points[name] for name in chapter.students["some"]))
    earned = {student: float(row["score"]) for student, row in rows.items()}
    assert earned["solved"] == total
    assert earned["untouched"] == 0
    assert earned["some"] == some
    assert {float(row["max_score"]) for row in rows.values()} == {total}


def test_feedback_shows_the_verdicts_and_nothing_live_that_a_submission_displayed(graded):
    course, chapter, nbgrader = graded
    nbgrader("generate_feedback", chapter.name)
    some, noisy = (
        (course / "feedback" / student / chapter.name / f"{chapter.name}.html").read_text()
        for student in ("some", "noisy")
    )
    for exercise in chapter.exercises:
        assert f"<code>{exercise}</code>" in some
    assert "CheckFailed" in some
    assert "✓" in some
    assert "window.taken" in noisy  # as text
    assert "<script>window" not in noisy
    assert not re.search(r"<img[^>]*onerror", noisy)
