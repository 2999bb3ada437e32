"""Files and folders written whole, put in place whole, and opened without following links."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Windows has no links to guard against here, and none of these flags.
_NO_LINKS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def write(target: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file whole or not at all, with these permissions whatever the umask.

    One that holds the content already, and is open to nobody else, is left alone. A link is
    replaced, and what it leads to is not touched. Raises OSError.
    """
    if _holds(target, content, mode):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(fresh, mode)  # mkstemp makes files only their owner can read
        os.replace(fresh, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise


def _holds(target: Path, content: bytes, mode: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        if not target.is_symlink() and target.read_bytes() == content:
            return not stat.S_IMODE(target.stat().st_mode) & ~mode
    return False


def put_in_place(made: Path, place: Path) -> None:
    """Put a finished folder where another one may lie, which is then gone.

    `made` is on the same disk. Between the two steps of this, the old folder lies whole at
    `aside(place)` and the new one at `made`: whoever is killed there has lost neither. If the
    second step fails, the old folder is put back. Raises OSError.
    """
    before = aside(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(place):
        remove(before)  # else it is all that an earlier call, killed halfway, left of the old one
        os.rename(place, before)
    try:
        os.rename(made, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.rename(before, place)
        raise
    remove(before)


def aside(place: Path) -> Path:
    """Where a folder lies while another is put in its place."""
    return place.with_name(f".{place.name}.before")


def remove(path: Path) -> None:
    """Delete a file, a link, or a folder with all that is in it, as far as that is allowed."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def opened(path: str | Path, *, flags: int = 0, folder: int | None = None) -> Iterator[int]:
    """A descriptor to read from, of the path's last part itself: a link raises OSError.

    The path is looked up in an open `folder` if one is given. What would wait for a writer, as a
    pipe would, does not.
    """
    descriptor = os.open(path, _NO_LINKS | flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read_plain(path: str | Path, most: int, *, folder: int | None = None) -> bytes | None:
    """A plain file's bytes, or None if there are more than `most`.

    It is opened first and looked at then, so that nothing can take its place in between. Raises
    OSError for a link, and for what is no plain file.
    """
    with opened(path, folder=folder) as descriptor:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is not a plain file")
        if status.st_size > most:
            return None
        with os.fdopen(os.dup(descriptor), "rb") as file:
            content = file.read(most + 1)
    return content if len(content) <= most else None
