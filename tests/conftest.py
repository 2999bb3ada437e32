"""What every test stands on: an environment of its own, small courses, and programs it may need."""

import functools
import gc
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

# Before torch is imported: tests run side by side, and each would take every core. And a sum in
# other parts is another number.
os.environ["OMP_NUM_THREADS"] = "1"

# Hundreds of processes import the course. Where nothing compiled is kept, each compiles all of it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What a command says does not hang on whose terminal it is.
for _name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
    os.environ.pop(_name, None)

# No test reads or writes what belongs to whoever runs it.
_own = tempfile.mkdtemp(prefix="autograd-course-tests-")
for _name in ("AUTOGRAD_COURSE_DATA", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
    os.environ[_name] = os.path.join(_own, _name.lower())

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent

# What is collected holds hundreds of thousands of objects, which Python would go through again and
# again: a fifth of all that tests compute.
gc.set_threshold(10_000, 20, 20)

# The same examples in every run, on however slow a machine: what changes is the code.
# Other examples, in each run: `make test ARGS=--hypothesis-profile=search`.
for _name, _same in (("search", False), ("course", True)):
    settings.register_profile(
        _name,
        deadline=None,
        derandomize=_same,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("course")

FRONT = """\
---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

"""


SLOW = {
    "adversarial/test_adversarial.py": (110, "a class of attacks, many of which run into limits"),
    "hub/test_hub.py": (90, "a hub, servers and Unix users"),
    "hub/test_hub_in_chromium.py": (30, "the same in a browser"),
    "box/test_ordinary_user.py": (70, "another user"),
    "authoring/test_prove.py": (105, "every mistake of every exercise"),
    "authoring/test_mutants.py": (40, "a sample of the mutants of every exercise"),
    "authoring/test_new.py": (15, "a copy of the course, released and proved"),
    "course/test_lessons.py": (130, "every lesson is run"),
    "book/test_book.py": (25, "the book is made from lessons that were run, and read in a browser"),
    "course/in_jupyterlab": (80, "one JupyterLab in one browser, for all modules of the folder"),
    "judge/batch/test_pool.py": (100, "batches of processes, which are killed, and a Dask cluster"),
    "judge/batch/test_plugins.py": (40, "a class graded by nbgrader's own commands"),
    "judge/batch/test_nbgrader_stock.py": (20, "kernels that nbgrader starts for each submission"),
    "judge/batch/test_replay.py": (10, "the graded class"),
    "judge/batch/test_regrade.py": (10, "the graded class"),
    "authoring/test_releases.py": (40, "every chapter is released"),
    "judge/pages/test_feedback.py": (30, "a browser"),
    "judge/books/test_postgres.py": (20, "a database server"),
    "classroom/test_following.py": (10, "what arrives is graded, in boxes"),
    "project/test_newcomer.py": (30, "a clone with JupyterLab, and a kernel for every chapter"),
    "project/test_environment.py": (30, "environments are made"),
    "project/test_wheel.py": (20, "a wheel is built and installed"),
    "demo/test_demo.py": (30, "a made-up class is graded"),
    "diagnosis/test_truth.py": (30, "every exercise, with pairs of its mistakes and mutants"),
    "authoring/test_seal.py": (30, "the whole course is sealed"),
    "notebook/test_workspace.py": (20, "JupyterLab"),
    "box/test_ends.py": (25, "boxes that run into their limits"),
    "box/test_cells.py": (20, "boxes of every level that import torch"),
    "report/test_desk_guide.py": (10, "a class is graded"),
}
"""What takes long, by module or folder: about how many seconds on a quiet core, and of what.

The longest begin first, so that no core is left alone with one at the end; `make test FAST=1`
leaves all of them out, and whatever else asks for a fixture of NEVER_FAST. What is in neither takes
a few seconds a module.
"""

NEVER_FAST = {"hub_programs", "lab", "graded_class"}  # a hub, JupyterLab, a class that is graded

TOGETHER = ("hub", "course/in_jupyterlab", "judge/batch")
"""Folders whose modules stand on the same hub, JupyterLab or graded class: one worker has them."""
APART = ("course/test_lessons.py", "authoring/test_prove.py")
"""Modules whose tests have nothing to share, and take too long for one worker."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """One worker more than there are cores: many tests wait, for a kernel, a box or a browser."""
    return (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    ) + 1


@functools.cache
def seconds_of(path):
    """What the table says of a module, or of the folder that it lies in."""
    own = path.relative_to(ROOT / "tests")
    return SLOW.get(own.as_posix(), SLOW.get(own.parent.as_posix(), (0, "")))[0]


def group_of(nodeid):
    """Which tests one worker has, in their order, so that what they stand on is made once."""
    module = nodeid.partition("::")[0].removeprefix("tests/")
    if module in APART:
        return nodeid
    return next((folder for folder in TOGETHER if module.startswith(f"{folder}/")), module)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    config.option.loadscopereorder = False  # the longest come first already
    return Scheduling(config, log)


def pytest_collection_modifyitems(items):
    for item in items:
        if seconds_of(item.path) or NEVER_FAST & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
    # A stable sort keeps each module together.
    items.sort(key=lambda item: ("hub_programs" not in item.fixturenames, -seconds_of(item.path)))


def pytest_collection_finish():
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """What a test draws it draws in every run, alone or behind others."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.default_generator.manual_seed(0)  # of the device alone that there is
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(0)


def pytest_unconfigure(config):
    shutil.rmtree(_own, ignore_errors=True)


@pytest.fixture(autouse=True)
def environment_kept():
    """A class's nbgrader_config.py sets variables for the kernels of whoever reads it."""
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def program():
    """Find a program, by any of its names; without it the test is skipped, and fails on CI."""

    def find(*names):
        found = next(filter(None, map(shutil.which, names)), None)
        if found is None:
            lack = f"needs the program {' or '.join(names)}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(lack)
        return found

    return find


@pytest.fixture(scope="session")
def hub_programs(program):
    """What tests/hub/rooms.py needs; and only root can make accounts."""
    if os.geteuid() != 0:
        pytest.skip("accounts are root's to make")
    for name in ("bwrap", "node", "npm", "nsenter", "pgrep", "setpriv", "useradd"):
        program(name)


@pytest.fixture(scope="session")
def hub(hub_programs):
    """A classroom of six that is open: tests/hub/rooms.py says how to use it."""
    from tests.hub.rooms import LONG_NAME, classroom

    names = ",".join([*(f"student-{number}" for number in range(1, 6)), LONG_NAME])
    with classroom(students=names) as room:
        yield room


@pytest.fixture(scope="session")
def crew_here():
    """The boxes of `here`, which take seconds to begin with."""
    from tests.fixtures.crew import Here

    crew = Here()
    yield crew
    crew.examiner.close()


@pytest.fixture
def here(crew_here, monkeypatch):
    """A crew that judges in the process of the test, and whatever command is typed there."""
    monkeypatch.setattr("grader.cli.grade.crew_of", lambda *asked: crew_here)
    monkeypatch.setattr("grader.cli.regrade.crew_of", lambda *asked: crew_here)
    crew_here.judged.clear()
    return crew_here


@pytest.fixture(scope="session")
def graded_class(tmp_path_factory):
    """A class of one of each kind, graded once for all tests: read it, and copy it to write."""
    from tests.fixtures import classroom

    return classroom.graded(tmp_path_factory)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all processes of the session see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def run_lesson(shared_folder):
    """Give a lesson's text, get the lesson after its one run of this session."""
    from tests.fixtures.lesson_texts import executed

    folder = shared_folder / "executed-lessons"
    folder.mkdir(exist_ok=True)
    return lambda lesson: executed(lesson, folder)


@pytest.fixture
def command(monkeypatch, capsys):
    """Type an `autograd-course` command: `command("workspace")` gives its status and its text."""
    from grader.cli import main

    def typed(*argv):
        monkeypatch.setattr(sys, "argv", ["autograd-course", *map(str, argv)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return end.value.code or 0, said.out + said.err

    return typed


@pytest.fixture
def same_answers(monkeypatch):
    """What reference and mistakes do is worked out once for all that a test checks."""
    from grader.notebook import checking

    monkeypatch.setattr(checking, "answers_for", functools.cache(checking.answers_for))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A small course: one lesson, and one chapter of two exercises with a file beside it."""
    # nbgrader starts alembic for each new gradebook, to ask which form of it is the newest.
    monkeypatch.setattr("nbgrader.api.get_alembic_version", newest_gradebook)
    return small_course(tmp_path / "course")


@functools.cache
def newest_gradebook():
    """nbgrader's answer to that, asked once."""
    from nbgrader.dbutil import _temp_alembic_ini

    with _temp_alembic_ini("sqlite://") as settings:
        said = subprocess.check_output(
            ["alembic", "-c", settings, "heads"], env=environment(), text=True
        )
    return said.split()[0]


def small_course(folder):
    """Lay a small course into a folder."""
    lessons = folder / "course" / "lessons"
    lessons.mkdir(parents=True)
    for name in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (lessons / "00-start-here.md").write_text(
        FRONT + "# Start here\n\n[Exercises](../exercises/01-demo/01-demo.ipynb)\n\n"
        "```{code-cell} ipython3\n1 + 1\n```\n"
    )
    chapter = folder / "solutions" / "01-demo"
    chapter.mkdir(parents=True)
    (chapter / "numbers.csv").write_text("1,2,3\n")
    (chapter / "01-demo.md").write_text(
        FRONT
        + "# Demo\n\n## Double\n\nWrite it.\n\n"
        + code(
            "double_answer",
            "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
            solution=True,
        )
        + code("double", "assert double(2) == 4", points=8)
        + "## Halve\n\n"
        + code(
            "halve_answer",
            "def halve(x):\n    ### BEGIN SOLUTION\n    return x / 2\n    ### END SOLUTION",
            solution=True,
        )
        + code("halve", "assert halve(2) == 1", points=3)
    )
    return folder


def code(grade_id, source, *, points=None, solution=False):
    """One nbgrader code cell as MyST text; a graded one if it has points."""
    graded = "" if points is None else f"  points: {points}\n"
    return (
        f"```{{code-cell}} ipython3\n---\nnbgrader:\n  grade: {str(points is not None).lower()}\n"
        f"  grade_id: {grade_id}\n  locked: {str(not solution).lower()}\n{graded}"
        f"  schema_version: 3\n  solution: {str(solution).lower()}\n  task: false\n---\n"
        f"{source}\n```\n\n"
    )


def environment(**extra):
    """What a process sees when this environment is activated and this checkout is the course."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)} | extra


def run(*argv, cwd, timeout=300, **extra):
    """Run a module of this Python (`run("nbgrader", "export", cwd=...)`), keeping what it says."""
    return subprocess.run(
        [sys.executable, "-m", *map(str, argv)],
        cwd=cwd,
        env=environment(**extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
