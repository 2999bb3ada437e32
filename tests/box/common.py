"""What the tests of the box share: pools by level of isolation, ways to run code, a box's end."""

import atexit
import functools
import os
import shutil
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader.box.both.channel import Channel, Spill, read_message
from grader.box.both.limits import MIB, Limits
from grader.box.outside.boxes import Boxes

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VISIBLE = [HERE / "visible"]
SMALL = Limits(
    call=60.0, cell=60.0, submission=300.0, grace=0.5, memory=512 * MIB, files=16 * MIB, start=120.0
)
HASTY = replace(SMALL, call=0.6, cell=0.6)  # for what is meant to run out of time


def _others_can_read(path):
    """Whether a user without rights of its own can reach a path."""
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents) if one.is_dir())


# As root each box is a user of its own, who without a wall must reach Python where it lies.
_PYTHON = all(map(_others_can_read, {Path(sys.base_prefix), Path(sys.prefix)}))
LEVELS = ["full", "cold", *(["landlock"] if os.geteuid() != 0 or _PYTHON else [])]
WALLED = ["full", "cold"]


@functools.cache
def pool(level, limits=SMALL):
    """A pool of bare boxes that run what they are sent; it lasts as long as the tests do."""
    boxes = Boxes(limits, level, handler="run_code", visible=VISIBLE, bare=True)
    atexit.register(boxes.close)
    return boxes


def run(box, source, **names):
    """Run code in a box; what it left in `result`."""
    request = {"source": textwrap.dedent(source), "names": names}
    return box.call(request)[0]["result"]


def refused(box, source, **names):
    """Run code in a box that must raise OSError; the name of its errno."""
    body = textwrap.indent(textwrap.dedent(source), "    ")
    trial = (
        "import errno, os\ntry:\n" + body + "\n    result = 'done'\n"
        "except OSError as error:\n    result = errno.errorcode.get(error.errno, str(error))\n"
    )
    outcome = run(box, trial, **names)
    assert outcome != "done", f"the box could do this: {source}"
    return outcome


def parent_of(pid):
    """The process that started another: of a box's, the zygote."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("PPid:"))


def open_to_all(path):
    """Let every user read what lies at `path`: no wall is proved by the machine's own rights."""
    for one in (path, *path.parents):
        if one.stat().st_uid == os.geteuid() and one != one.parent:
            one.chmod(one.stat().st_mode | (0o055 if one.is_dir() else 0o044))


class Peer:
    """A box's end of a line, with nobody at it."""

    def __init__(self):
        asked, self.requests = os.pipe()
        self.replies, answers = os.pipe()
        self.gone, self.going = os.pipe()
        out, self.out = os.pipe()
        self.asked, self.answers = asked, answers
        self.spill = Spill(out)
        self.line = Channel(
            self.requests, self.replies, self.gone, (self.spill,), lambda one: one.drain(100)
        )

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        for fd in (self.asked, self.requests, self.replies, self.answers, self.gone, self.going):
            os.close(fd)
        os.close(self.spill.fd)
        os.close(self.out)

    def read_nonces(self):
        """Take the message that lies there; the nonces of its questions."""
        return [header["nonce"] for header, _ in read_message(self.asked)]


def soon(seconds=0.3):
    """A deadline that is to pass."""
    return time.monotonic() + seconds


def patiently():
    """A deadline for what has come or will, on however busy a machine."""
    return soon(300)


def need_bubblewrap():
    """Without bubblewrap two levels cannot be tried: a skip, and on CI a failure."""
    if shutil.which("bwrap") is None:
        lack = "needs the program bwrap"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lack)
