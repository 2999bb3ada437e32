"""Collecting: whose a submission is, and when it came, as the exchange's file system says."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbgrader.exchange.default.collect import ExchangeCollect

from grader.notebook.files import put_in_place, read_plain

TIMESTAMP = "timestamp.txt"


class Collect(ExchangeCollect):  # type: ignore[misc]
    """nbgrader's own, which believes what a student's process wrote: the name and the time in the
    folder's name, and timestamp.txt.

    Here a submission is its owner's, and came when its files were last changed. A process can set
    any time of a file but that of its last change, which is the system's (ctime).
    """

    src_records: list[dict[str, Any]]

    def init_src(self) -> None:
        """List what was handed in, and leave out what somebody else put there."""
        super().init_src()
        self.src_records = [one for one in self.src_records if not one["forged"]]

    def _path_to_record(self, path: str) -> dict[str, Any]:
        """A folder of the exchange, STUDENT+ASSIGNMENT+TIME+RANDOM: the first is a claim."""
        name = os.path.basename(path)
        student = name.partition(f"+{self.coursedir.assignment_id}+")[0]
        owner = _owner(path)
        forged = self.check_owner and owner != student
        if forged:
            self.log.error(
                "%s says that it is %s's and was handed in by %s. It is not collected.",
                name,
                student,
                owner,
            )
        return {
            # A forged one is sorted under a name of its own: it takes nobody's place.
            "username": f"{student} (by {owner})" if forged else student,
            "filename": name,
            "timestamp": arrival(path),
            "forged": forged,
        }

    def copy_files(self) -> None:
        """Each by itself: one that cannot be read costs nobody else theirs."""
        if not self.src_records:
            self.log.warning("No submissions of %s to collect", self.coursedir.assignment_id)
        for record in self.src_records:
            student = record["username"]
            try:
                self._collect(student, record)
            except (OSError, RuntimeError) as error:
                self.log.error(
                    "%s's submission was not collected, and stays in the exchange: %s",
                    student,
                    error,
                )

    def _collect(self, student: str, record: dict[str, Any]) -> None:
        assignment = self.coursedir.assignment_id
        target = Path(
            self.coursedir.format_path(self.coursedir.submitted_directory, student, assignment)
        )
        before = self.coursedir.get_existing_timestamp(str(target)) if target.is_dir() else None
        newer = before is None or record["timestamp"] > before
        if target.is_dir() and not (
            (self.update and newer) or (self.before_duedate and before != record["timestamp"])
        ):
            self.log.info("Nothing newer to collect: %s %s", student, assignment)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".collecting-") as folder:
            fresh = Path(folder, "fresh")
            self.do_copy(str(Path(self.inbound_path, record["filename"])), str(fresh))
            (fresh / TIMESTAMP).unlink(missing_ok=True)
            arrived = record["timestamp"].strftime("%Y-%m-%d %H:%M:%S.%f UTC")
            (fresh / TIMESTAMP).write_text(arrived)
            put_in_place(fresh, target)
        self.log.info("Collected: %s %s", student, assignment)

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copies files and folders, and nothing that a link leads to.

        Followed, a link in a submission would hand its sender any file that the grader can read.
        Raises OSError, and RuntimeError for a submission that is too large.
        """
        copy(Path(src), Path(dest), 1000 * self.coursedir.max_dir_size)


def copy(source: Path, target: Path, most: int) -> None:
    """Copy a folder whose owner may change it at any moment, `most` bytes of it.

    Everything is opened where it was seen, so that nothing can become a link in between. A link is
    copied as one; what is neither file, folder nor link is left out.
    """
    left = most
    for here, folders, files, descriptor in os.fwalk(source, follow_symlinks=False):
        place = target / os.path.relpath(here, source)
        place.mkdir(mode=0o700)
        for name in (*folders, *files):
            mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                (place / name).symlink_to(os.readlink(name, dir_fd=descriptor))
            elif stat.S_ISREG(mode):
                content = read_plain(name, left, folder=descriptor)
                if content is None:
                    raise RuntimeError("it is larger than a submission may be")
                left -= len(content)
                (place / name).touch(mode=0o600)
                (place / name).write_bytes(content)


def arrival(folder: str) -> datetime:
    """When anything in a submission was last changed (naive UTC, as nbgrader's)."""
    newest = max(os.lstat(path).st_ctime for path in _walk(folder))
    return datetime.fromtimestamp(newest, UTC).replace(tzinfo=None)


def _walk(folder: str) -> Iterable[str]:
    yield folder
    for here, folders, files in os.walk(folder):
        yield from (os.path.join(here, name) for name in (*folders, *files))


def _owner(path: str) -> str:
    """Who made a folder; of a link, who made the link."""
    state = os.lstat(path)
    if not stat.S_ISDIR(state.st_mode):
        return "somebody who put no folder there"
    try:
        return pwd.getpwuid(state.st_uid).pw_name
    except KeyError:
        return f"user {state.st_uid}"
