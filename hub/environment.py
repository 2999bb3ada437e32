"""The Python that everybody's servers run in: without the course, and open to students."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from grader.engine.refusal import Refusal
from hub.classroom import CHECKOUT, Classroom
from hub.dependencies import dependencies

NEEDED = (
    "torch",
    "jupyterhub",
    "jupyterlab",
    "nbgrader",
    "ipykernel",
    "ipywidgets",
    "platformdirs",
)


class BadEnvironment(Refusal):
    """The Python that was named lacks something, or students cannot run it."""


class CourseInReach(Refusal):
    """Students could read the keys."""


# Run by a student's account, outside the checkout: what it finds is what a student finds.
_LOOK = """
import importlib.util, json, os, sys
needed, closed = json.loads(sys.argv[1])
def find(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, OSError):
        return False
found = {"missing": [name for name in needed if not find(name)], "keys": find("grader.keys")}
found["open"] = [path for path in closed if os.access(path, os.R_OK)]
print(json.dumps(found))
"""


def make(folder: Path) -> None:
    """A virtual environment of the course's dependencies, at the versions it was tested with."""
    print(f"Making the classroom's Python in {folder}. The first time this takes some minutes.")
    wanted = dependencies(CHECKOUT / "pyproject.toml", ["hub"])
    pins = CHECKOUT / "constraints.txt"
    base = Path(getattr(sys, "_base_executable", sys.executable))
    for command in (
        [base, "-m", "venv", "--clear", folder],
        [folder / "bin" / "python", "-m", "pip", "install", "--constraint", pins, *wanted],
    ):
        if subprocess.run([str(word) for word in command], check=False).returncode:
            raise BadEnvironment(
                f"The classroom's Python could not be made in {folder}; the reason is above.",
                "On Debian and Ubuntu, venv is a package of its own: apt-get install python3-venv. "
                "Or name an environment that has what pyproject.toml asks for: --environment DIR",
            )


def require(room: Classroom, student: str | None = None) -> None:
    """Look at the environment as a student would, or as anybody who may do as little.

    Raises BadEnvironment and CourseInReach.
    """
    if room.accounts and student is None:
        student = "nobody"
    closed = [CHECKOUT / "grader" / "keys", CHECKOUT / "solutions", room.instructors_side]
    found = _look(room.python, closed if room.accounts else (), student)
    if not found:
        raise BadEnvironment(
            f"{student or 'you'} cannot run {room.python}.",
            "Every folder above it has to be open to all (chmod o+x), and the Python it was made "
            "from as well: one in /root or in somebody's home is not. Or leave --environment out, "
            "and start with a Python of the system's: one is made in the classroom's folder.",
        )
    if found["missing"]:
        raise BadEnvironment(
            f"{room.environment} lacks {', '.join(found['missing'])}.",
            f"{room.python} -m pip install -c {CHECKOUT}/constraints.txt "
            + " ".join(found["missing"]),
        )
    if found["open"]:
        raise CourseInReach(
            f"Students could read {found['open'][0]}, and with it the answers.",
            f"Close the checkout to others: chmod o-rx {CHECKOUT}. Then start again.",
        )
    if found["keys"] and room.accounts:
        raise CourseInReach(
            f"The course itself is installed in {room.environment}, keys included.",
            f"{room.python} -m pip uninstall autograd-course, and start again: servers find the "
            "course elsewhere.",
        )


def _look(python: Path, closed: Any, account: str | None) -> dict[str, Any]:
    """What a process of an account finds; nothing if it cannot run this Python."""
    asked = json.dumps([NEEDED, [str(path) for path in closed]])
    try:
        done = subprocess.run(
            [str(python), "-c", _LOOK, asked],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "PYTHONNOUSERSITE": "1"},
            capture_output=True,
            text=True,
            check=False,
            **as_account(account),
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError):
        return {}
    return found


def as_account(name: str | None) -> dict[str, Any]:
    """Arguments for subprocess with which root runs something as somebody."""
    if name is None:
        return {}
    import pwd

    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
