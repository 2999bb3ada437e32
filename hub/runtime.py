"""Where servers keep the sockets of their kernels: a short path, whatever the classroom's is."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from grader.engine.refusal import Refusal
from hub.classroom import Classroom

MOST = 107
"""Characters that Linux takes for the path of a socket."""
_PREFIX = "autograd-class-"
# What follows the folder made here: random letters of it, the person's number, the kernel's id.
_REST = len("/" + _PREFIX + "12345678" + "/12345" + "/kernel-" + 36 * "0" + "-ipc-5")


class NoRuntimeFolder(Refusal):
    """There is no folder whose path is short enough for sockets."""


@contextlib.contextmanager
def made(room: Classroom) -> Iterator[Path]:
    """A folder with one for each person, closed to everybody else, until the hub ends.

    As root it is root's, and a person's own is theirs. Raises NoRuntimeFolder.
    """
    top = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_place()))
    try:
        top.chmod(0o711)
        for name in room.everybody:
            own = of(top, room, name)
            own.mkdir(mode=0o700)
            if room.accounts:
                account = pwd.getpwnam(name)
                os.chown(own, account.pw_uid, account.pw_gid)
        yield top
    finally:
        shutil.rmtree(top, ignore_errors=True)


def of(top: Path, room: Classroom, name: str) -> Path:
    """Somebody's own, by their number: names may have 32 characters."""
    return top / str(room.everybody.index(name))


def _place() -> str:
    """The first folder that is kept while a hub runs, can be written and is short enough."""
    wanted = ["/run"] if os.geteuid() == 0 else [os.environ.get("XDG_RUNTIME_DIR", "")]
    for folder in [*wanted, tempfile.gettempdir(), "/tmp"]:
        if len(os.fsencode(folder)) + _REST <= MOST and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise NoRuntimeFolder(
        "No folder for sockets can be written whose path is short enough: neither that for "
        "temporary files nor /tmp.",
        "Name one for this command: TMPDIR=/a/short/path make hub",
    )
