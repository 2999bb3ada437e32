"""Handing in: a submission appears in the exchange whole, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from pathlib import Path

from nbgrader.exchange.default.submit import ExchangeSubmit

MEGABYTE = 1_000_000
UNDER_WAY = ".under-way-"
"""How a submission that is being written is named. Collecting looks for STUDENT+ASSIGNMENT+TIME."""


class Submit(ExchangeSubmit):  # type: ignore[misc]
    """nbgrader's own, in two steps: written beside where it belongs, then renamed.

    A server that ends in between leaves nothing that could be collected, and what was handed in
    before stays as it is. Each refusal is a sentence or two for the student who reads it.
    """

    def copy_files(self) -> None:
        """Hand in: write it beside its place, then rename it."""
        self.init_release()
        renamed = self._renamed()
        self._refuse_large()
        final = self.assignment_filename
        hidden = Path(self.inbound_path, UNDER_WAY + secrets.token_urlsafe(12))
        # nbgrader finds the feedback of a submission by what it keeps of it here.
        kept = Path(self.cache_path, final.rsplit("+", 1)[0])
        secret = secrets.token_hex(64)
        try:
            for folder in (hidden, kept):
                self._write(folder, secret, renamed)
            _close(hidden)
            hidden.rename(hidden.with_name(final))
        except OSError as error:
            for left in (hidden, kept):
                shutil.rmtree(left, ignore_errors=True)
            self.fail(self._why(error))
        self.log.info("Submitted as: %s", final)

    def _write(self, folder: Path, secret: str, renamed: dict[str, str]) -> None:
        """One copy of what is handed in, and what nbgrader puts beside it. Raises OSError."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.do_copy(self.src_path, folder)
        except shutil.Error as error:
            raise _first(error) from error
        for here, released in renamed.items():
            (folder / here).rename(folder / released)
        (folder / "timestamp.txt").write_text(self.timestamp)
        (folder / "submission_secret.txt").write_text(secret)

    def _renamed(self) -> dict[str, str]:
        """The name each notebook of the assignment should have, where it has another here.

        One that was renamed is handed in under its own name: nobody's work is lost to that.
        """
        source = Path(self.src_path)
        released = {path.name for path in Path(self.release_path).glob("*.ipynb")}
        there = {path.name for path in source.glob("*.ipynb")}
        missing, extra = sorted(released - there), sorted(there - released)
        if missing and not there:
            self.fail(
                f"Not submitted: {source} holds no notebook. Move the folder away, and fetch the "
                f"assignment again: you get {' and '.join(missing)} as it was released."
            )
        if len(missing) > 1 or (missing and len(extra) > 1):
            self.fail(
                f"Not submitted: {' and '.join(missing)} is not in {source}, which holds "
                f"{', '.join(sorted(there))}. Give your notebook its name back, and submit again."
            )
        return dict(zip(extra, missing, strict=False))

    def _refuse_large(self) -> None:
        """nbgrader would leave a large file out, and say so in a log."""
        most = self.coursedir.max_file_size / 1000
        for path in sorted(Path(self.src_path).rglob("*")):
            state = path.lstat()
            if stat.S_ISREG(state.st_mode) and state.st_size > most * MEGABYTE:
                self.fail(
                    f"Not submitted: {path.name} has {state.st_size / MEGABYTE:.0f} MB, and "
                    f"{most:.0f} MB is the most. If it is your notebook, clear its outputs (Edit, "
                    "Clear Outputs of All Cells), save it and submit again. Move other large files "
                    "elsewhere."
                )

    def _why(self, error: OSError) -> str:
        before = "Your notebook, and what you handed in before, are as they were."
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return f"Not submitted: {error.strerror}: {error.filename}. {before}"
        if str(error.filename or "").startswith(str(self.cache_path)):
            return f"Not submitted: there is no room left in your home. Delete something. {before}"
        return (
            "Not submitted: the disk that submissions are written to is full. Tell your "
            f"instructor, and submit again once there is room. {before}"
        )


def _close(folder: Path) -> None:
    """Only its owner and the grader can enter: what is made in `inbound` has the grader's group."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o750)


def _first(error: shutil.Error) -> OSError:
    """The first of what went wrong while copying: shutil keeps each as text."""
    _, target, why = error.args[0][0]
    full = os.strerror(errno.ENOSPC)
    return OSError(errno.ENOSPC, full, target) if full in why else OSError(errno.EIO, why, target)
