"""What a name in a submission says by itself: who put it there, and whether it can be used."""

from __future__ import annotations

import stat
from pathlib import PurePosixPath

_LONGEST_NAME, _LONGEST_PATH = 200, 400
NOT_THEIRS = {"timestamp.txt", "submission_secret.txt"}
"""What nbgrader's exchange lays beside a submission. A learner can write it as well."""
LEFTOVERS = {
    ".ipynb_checkpoints",
    "__pycache__",
    ".git",
    ".DS_Store",
    ".virtual_documents",
    "__MACOSX",
}
"""What programs leave in a folder."""


def may_be_it(path: PurePosixPath, mode: int) -> bool:
    """Whether it is a notebook, which is read whatever it is called: nothing gets its name."""
    return stat.S_ISREG(mode) and path.suffix.lower() == ".ipynb"


def is_usable(path: PurePosixPath) -> bool:
    """Whether a path is text that any program can show and any file system can hold."""
    return path.name.isprintable() and (
        len(path.name.encode(errors="replace")) <= _LONGEST_NAME
        and len(str(path).encode(errors="replace")) <= _LONGEST_PATH
    )


def is_taken(name: str) -> bool:
    """Whether what is graded will have a file of that name, so that no folder can."""
    return name.endswith(".ipynb") or name in NOT_THEIRS
