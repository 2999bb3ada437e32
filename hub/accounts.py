"""The Unix accounts of a class: made where they are missing, and only those are ever removed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from grader.engine.refusal import Refusal
from hub.classroom import Classroom

_MADE = "accounts-made"


class NoAccount(Refusal):
    """A Unix account could not be made or removed."""


def missing(names: Iterable[str]) -> list[str]:
    """Those that this machine does not know."""
    return [name for name in names if not _exists(name)]


def make(room: Classroom) -> list[str]:
    """Make the accounts that are missing: a home closed to others, no password, a shell.

    Without a password nobody signs in to the machine with them; JupyterHub, which is root, needs
    none.
    """
    made = missing(room.everybody)
    if made and not shutil.which("useradd"):
        raise NoAccount(
            f"There is no program useradd, and these accounts are missing: {', '.join(made)}.",
            "Make them with what your machine has, each with a group of its own name and a home "
            "that is closed to others, and start again.",
        )
    for name in made:
        command = ["useradd", "--create-home", "--user-group", "--shell", "/bin/bash", name]
        _run([*command, "--comment", "made by autograd-course", "--key", "HOME_MODE=0700"])
        with (room.hub / _MADE).open("a") as file:
            file.write(f"{name}\n")
    return made


def remove(room: Classroom) -> list[str]:
    """Remove the accounts that were made here, with their homes."""
    record = room.hub / _MADE
    names = list(dict.fromkeys(record.read_text().split())) if record.exists() else []
    for name in names:
        if _exists(name):
            _run(["userdel", "--remove", name])
    record.unlink(missing_ok=True)
    return names


def open_homes(room: Classroom) -> list[Path]:
    """Homes that other users can look into."""
    homes = [room.home(name) for name in room.everybody]
    return [home for home in homes if home.is_dir() and home.stat().st_mode & 0o077]


def group_of(name: str | None) -> int:
    """An account's own group; without a name, that of whoever runs this."""
    return os.getgid() if name is None else pwd.getpwnam(name).pw_gid


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # userdel says so and goes on where the account had no mail.
    if done.returncode not in (0, 12 if command[0] == "userdel" else 0):
        raise NoAccount(
            f"`{' '.join(command)}` failed: {done.stderr.strip()}",
            "Mend what it names, and start again: accounts that exist are left as they are.",
        )
