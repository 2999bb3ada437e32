"""The student side of the course, sealed once for all tests of a session."""

import subprocess
import sys
import sysconfig

from grader.student_side import seal
from tests.classroom import shared
from tests.conftest import ROOT, environment

# Neither .pth files nor the folder it stands in: what the editable install adds is not there. Any
# attempt to open a file of the checkout outside of the environment ends the program.
_ALONE = """
import os, sys
sys.path[:0] = {path!r}

def refuse(event, arguments, inside=os.path.join({root!r}, ""), allowed={allowed!r}):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str):
        path = os.path.abspath(arguments[0])
        if path.startswith(inside) and not path.startswith(allowed):
            os.write(2, b"opened " + path.encode())
            os._exit(70)

sys.addaudithook(refuse)
"""


def sealed_side(factory):
    """The folder that `seal` writes; read it, and write nothing into it."""
    return shared(factory, "student-side", seal)


def alone(side, program, **extra):
    """Run a program where the student side is the only course there is; what it printed."""
    places = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), sys.prefix]
    front = _ALONE.format(
        path=[str(side / "python"), *places[:2]], root=str(ROOT), allowed=tuple(places)
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", front + program],
        cwd=side,
        env=environment(**extra),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
