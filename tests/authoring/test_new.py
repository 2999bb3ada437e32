"""A new exercise is laid as a skeleton, through which the proof leads to a whole one."""

import shutil

import pytest

from grader.authoring.new import NotLaid, lay
from tests.conftest import ROOT
from tests.fixtures.commands import forked

PARTS = (
    "grader/tasks/graphs/slope_at.py",
    "grader/keys/graphs/slope_at.py",
    "grader/tasks/graphs/__init__.py",
    "grader/keys/graphs/right_answers.py",
    "solutions/01-graphs/01-graphs.md",
    "docs/coverage.md",
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of this repository, of the tracked files that a course's author works on."""
    folder = tmp_path_factory.mktemp("checkout")
    # What is compiled comes along, but for what another process is about to write.
    left = shutil.ignore_patterns("*.pyc.*", ".ipynb_checkpoints", "*.ipynb")
    for name in ("grader", "course", "solutions", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=left)
    shutil.copytree(ROOT / "exercises", folder / "exercises")
    for name in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def typed(checkout, *words):
    """An `autograd-course` command of that checkout's own course: its status and its text."""
    done = forked("grader.cli", *words, cwd=checkout, PYTHONPATH=str(checkout))
    return done.returncode, done.stdout


def mend(checkout, path, *changes):
    file = checkout / path
    text = file.read_text()
    for old, new in changes:
        assert old in text, (path, old)
        text = text.replace(old, new)
    file.write_text(text)


def test_the_skeleton_leads_through_the_proof_to_a_whole_exercise(checkout):
    status, told = typed(checkout, "new-exercise", "01-graphs", "slope_at")
    assert status == 0, told
    assert all(part in told for part in PARTS)
    status, told = typed(checkout, "prove", "slope_at")
    assert status == 1
    for lack in ("no title", "no statement", "hints", "NotImplementedError", "coverage.md"):
        assert lack in told, told
    assert "make exercises" in told
    assert "KeyError" not in told

    mend(
        checkout,
        PARTS[0],
        ('"""…"""\n\nfrom', '"""The slope of a cube."""\n\nfrom'),
        ('    """…"""', '    """Return dy/dx of y = x**3."""'),
        ('= "…", 5', '= "Slope", 5'),
        ('("…", "…", "…")', '("Read 1.1.", "Measure it.", "The power comes down.")'),
    )
    mend(
        checkout,
        PARTS[1],
        ('"""…"""\n\nfrom', '"""The slope of a cube."""\n\nfrom'),
        ('raise NotImplementedError("torch\'s own way to the right answer")', "return 3 * x**2"),
        ('"""…"""', '"""You returned x itself, which is the slope of x**2 / 2."""'),
    )
    mend(checkout, PARTS[3], ('raise NotImplementedError("another way that is right, too")',
                              "return 3 * x * x"))  # fmt: skip
    mend(checkout, PARTS[4], ("## slope_at\n\n…", "## slope_at\n\nReturn dy/dx of `y = x**3`."),
         ("    raise NotImplementedError\n    ###", "    return 3 * x * x\n    ###"))  # fmt: skip
    mend(checkout, PARTS[5], ("| … |", "| the slope of a power |"))
    status, told = typed(checkout, "exercises")
    assert status == 0, told
    status, told = typed(checkout, "prove", "slope_at")
    assert status == 0, told
    assert "slope_at: all 13 promises hold" in told


@pytest.mark.parametrize(
    ("chapter", "exercise", "said"),
    [
        ("01-grphs", "slope_at", "Did you mean '01-graphs'?"),
        ("zzz", "slope_at", "There are 01-graphs"),
        ("01-graphs", "two_path_grad", "is taken"),
        ("02-leaves", "op_names", "is taken: walk_graph"),
        ("01-graphs", "class", "cannot be the id"),
        ("01-graphs", "Slope", "cannot be the id"),
        ("01-graphs", "a/../b", "cannot be the id"),
        ("01-graphs", "", "cannot be the id"),
    ],
)
def test_what_cannot_be_laid_is_refused_before_a_file_is_written(chapter, exercise, said, checkout):
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*") if path.is_file()}
    with pytest.raises(NotLaid) as refusal:
        lay(checkout, chapter, exercise)
    assert said in str(refusal.value)
    assert before == {
        path: path.stat().st_mtime_ns for path in checkout.rglob("*") if path.is_file()
    }
