"""What holds for root's boxes and batches holds for an ordinary user's: the same tests, by one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.box.common import ROOT, need_bubblewrap

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


@pytest.mark.parametrize("module", ["walls", "ends", "channel", "levels", "cells"])
def test_an_ordinary_users_boxes_hold(module, own):
    passes_for_an_ordinary_user(own, f"tests/box/test_{module}.py")


def test_an_ordinary_user_grades_a_class_and_takes_a_killed_batch_up_again(own):
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
        "PYTHONDONTWRITEBYTECODE": "1",
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
