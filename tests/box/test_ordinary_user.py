"""What holds for root's boxes and batches holds for an ordinary user's, where it could differ."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.box.common import ROOT, need_bubblewrap
from tests.fixtures import classroom
from tests.judge.batch.test_pool import MANY

_USER = 61_234
_BECOME = f"""
import os, sys
os.setgroups([])
os.setresgid({_USER}, {_USER}, {_USER})
os.setresuid({_USER}, {_USER}, {_USER})
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def reachable(paths):
    """bubblewrap's arguments for a view of this machine in which anyone can reach these paths."""
    args = ["--dev-bind", "/", "/"]
    for path in paths:
        closed = [one for one in Path(path).parents if not one.stat().st_mode & 0o001]
        if closed:
            hidden = str(closed[-1])
            if hidden not in args:
                args += ["--perms", "0755", "--tmpfs", hidden]
            parents = [one for one in Path(path).parents if one.is_relative_to(hidden)][::-1]
            args += [word for one in parents[1:] for word in ("--dir", str(one))]
            args += ["--ro-bind", str(path), str(path)]
    return args


@pytest.fixture
def own():
    """A folder of that user's own. Not pytest's: its parents are closed again by the next run."""
    with tempfile.TemporaryDirectory(prefix="autograd-course-user-") as folder:
        os.chown(folder, _USER, _USER)
        yield folder


CHOSEN = {
    # Who may read, write, signal and see what is decided by the user, at each level.
    "test_walls": "",
    # What a user may use up: the kernel counts memory, files and processes by user, and root's
    # boxes have a user each. A watchdog and signals reach only one's own.
    "test_ends": "memory or files or file_is or processes or thread or fork or killing or closing",
    # Landlock is tried where root's boxes cannot be, for it has no users of its own.
    "test_channel": "landlock",
    # What is tried to find the strongest level needs rights: to mount, to be root of a namespace.
    "test_levels": "namespaces or cold_worker or bubblewrap or nothing_works or no_isolation",
    # A box warmed up for notebooks: its files and its Python are read by another user.
    "test_cells": "every_level",
}
"""What an ordinary user runs again of these modules; of each, names that it matches (empty: all).

The others end the same for every user, since no right is asked for in them: what the channel makes
of bytes and what a cell's outputs become is worked out in one process, a call's limits are timed
by the judge, and what is refused before there is a box has none.
"""


def chosen():
    """pytest's expression for all of these, and for Landlock wherever it is tried."""
    parts = [f"({module} and ({names}))" if names else module for module, names in CHOSEN.items()]
    return " or ".join([*parts, "landlock"])


def test_an_ordinary_users_boxes_hold(own):
    passes_for_an_ordinary_user(own, *(f"tests/box/{module}.py" for module in CHOSEN),
                                "-k", chosen())  # fmt: skip


def test_an_ordinary_user_grades_a_class_and_takes_a_killed_batch_up_again(own, graded_class):
    # Theirs is compared with the class that was graded here.
    made = classroom.copy(graded_class, Path(own) / graded_class.name, MANY)
    for path in (made, *made.rglob("*")):
        os.chown(path, _USER, _USER, follow_symlinks=False)
    passes_for_an_ordinary_user(own, "tests/judge/batch/test_pool.py", "-k", "mid_batch")


def passes_for_an_ordinary_user(own, *chosen):
    """Run some tests of this repository as a user without rights."""
    if os.geteuid() != 0:
        pytest.skip("this is one: the modules themselves are the test")
    need_bubblewrap()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": own,
        "TMPDIR": own,
        "USER": "somebody",
        "OMP_NUM_THREADS": "1",
        classroom.MADE: own,
        "HYPOTHESIS_STORAGE_DIRECTORY": f"{own}/hypothesis",
        **{name: os.environ[name] for name in ("CI",) if name in os.environ},
    }
    view = reachable([sys.base_prefix, sys.prefix, ROOT])
    tests = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
    tests += [f"--basetemp={own}/pytest", *chosen]
    done = subprocess.run(
        ["bwrap", *view, "--cap-add", "ALL", "--", sys.executable, "-c", _BECOME, *tests],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
