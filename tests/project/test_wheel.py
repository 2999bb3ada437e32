"""The course as one file for pip: what it carries, and that it runs where there is no checkout."""

import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import ROOT, environment

LEFT = ("tests", "benchmarks", "docs", "hub", "workspace", ".git", ".venv", "build", "dist")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy, so that nothing is left in the checkout."""
    copy, out = tmp_path_factory.mktemp("source") / "course", tmp_path_factory.mktemp("dist")
    skipped = shutil.ignore_patterns(*LEFT, "__pycache__", "*.egg-info", "gradebook.db*")
    shutil.copytree(ROOT, copy, ignore=skipped)
    code = f"import sys; from setuptools import build_meta as b; print(b.build_wheel({str(out)!r}))"
    built = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, timeout=300
    )
    assert built.returncode == 0, built.stderr
    [path] = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder that the wheel was unpacked into as pip does, without the packages it needs."""
    target = tmp_path_factory.mktemp("installed")
    arguments = ["install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel]
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True, timeout=300)
    return target


def run(installed, folder, *arguments):
    """Python in a folder that is no checkout, with the installed course alone."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(PYTHONPATH=str(installed), PYTHONSAFEPATH="1"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_carries_lessons_exercises_solutions_and_settings(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    for pattern in ("course/lessons/*.md", "exercises/*/*", "solutions/*/*.md"):
        found = [path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)]
        assert found
        assert {f"autograd_course/{path}" for path in found} <= held
    assert "autograd_course/nbgrader_config.py" in held
    for folder in ("course", "grader"):
        ours = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and not {"__pycache__", "lessons"} & {*path.parts}
        }
        assert ours - held == set()


def test_the_wheel_carries_nothing_of_tests_or_anybodys_work(wheel):
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if ".dist-info" not in top} == {
        "autograd_course",
        "course",
        "grader",
    }


def test_installed_it_lays_a_workspace_into_any_folder_and_finds_it_again(installed, tmp_path):
    here = tmp_path / "O'Hara's ünicode folder"
    here.mkdir()
    said = run(installed, here, "-m", "grader.cli", "workspace")
    workspace = here / "autograd-course-workspace"
    assert "is made" in said
    assert (workspace / "lessons" / "lesson-00-start-here.ipynb").is_file()
    assert (workspace / "exercises" / "01-graphs" / "01-graphs.ipynb").is_file()
    run(installed, workspace / "exercises", "-m", "grader.cli", "workspace")
    assert [path.name for path in here.iterdir()] == [workspace.name]
    assert not (workspace / "exercises" / workspace.name).exists()


def test_installed_it_checks_hints_and_solves(installed, tmp_path):
    code = (
        "import grader; from grader import check, hint, solution\n"
        "print(grader.__file__)\n"
        "print(check('two_path_grad', lambda x, w: (w + 1, w + 1)))\n"
        "print(solution(reveal=True))\n"
    )
    said = run(installed, tmp_path, "-c", code)
    assert said.startswith(str(installed))
    assert "You followed only the path" in said
    assert "The section to read: 1." in said
    assert "def two_path_grad" in said


def test_a_learners_commands_come_first_and_a_teachers_under_a_heading(command):
    status, said = command("--help")
    assert status == 0
    headings = [said.index(name) for name in ("To learn", "To teach a class", "To write exercises")]
    assert headings == sorted(headings)
    first = said[headings[0] : headings[1]]
    assert re.findall(r"(?m)^\W*(open|reset|workspace|progress|doctor)\b", first) == [
        "open",
        "reset",
        "workspace",
        "progress",
        "doctor",
    ]
