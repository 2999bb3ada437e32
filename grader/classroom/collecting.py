"""Collecting: whose a submission is, and when it came, as the exchange's file system says."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbgrader.exchange.default.collect import ExchangeCollect

from grader.judge.intake.naming import why_no_student
from grader.judge.intake.printable import quote
from grader.judge.intake.receipts import SECRET, TIMESTAMP, parsed
from grader.judge.sitting.tidying import SET_ASIDE, move_aside
from grader.notebook.files import put_in_place, read_plain

Record = dict[str, Any]
"""A folder of the exchange: username, filename, timestamp (naive UTC), whether it is forged."""

_LONGEST = 1000  # bytes of a timestamp


class Collect(ExchangeCollect):  # type: ignore[misc]
    """nbgrader's own, which believes what a student's process wrote: the name and the time in the
    folder's name, and timestamp.txt.

    Here a submission is its owner's, and came when its files were last changed. A process can set
    any time of a file but that of its last change, which is the system's (ctime).
    """

    src_records: list[Record]
    choose: Callable[[list[Record], list[Record]], list[Record]] | None = None
    """Takes what nbgrader would collect, everybody's newest, and all that was handed in."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.collected: list[str] = []
        self.failed: list[Record] = []
        self._handed_in: list[Record] = []

    def init_src(self) -> None:
        """List what was handed in, and leave out what somebody else put there."""
        self._handed_in.clear()
        super().init_src()
        newest, every = (
            [one for one in records if not one["forged"]]
            for records in (self.src_records, self._handed_in)
        )
        self.src_records = newest if self.choose is None else self.choose(newest, every)

    def _sort_by_timestamp(self, records: list[Record]) -> list[Record]:
        """nbgrader asks for the newest of each student by this."""
        found: list[Record] = super()._sort_by_timestamp(records)
        self._handed_in += (one for one in found if one not in self._handed_in)
        return found

    def _path_to_record(self, path: str) -> Record:
        """A folder of the exchange, STUDENT+ASSIGNMENT+TIME+RANDOM: the first is a claim."""
        name = os.path.basename(path)
        student = name.partition(f"+{self.coursedir.assignment_id}+")[0]
        try:
            owner, came = _owner(path), arrival(path)
        except OSError as error:  # its owner changes it just now, or closed it
            self.log.error("%s cannot be read: %s. It is not collected.", quote(name), error)
            owner, came = "nobody", datetime.min
        forged = came == datetime.min or (self.check_owner and owner != student)
        if why_no_student(student) is not None:
            self.log.error("%s is no student's: it is not collected.", quote(name))
            forged = True
        elif forged and came != datetime.min:
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
            "timestamp": came,
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
                self.failed.append(record)
                self.log.error(
                    "%s's submission was not collected, and stays in the exchange: %s",
                    student,
                    error,
                )

    def target(self, student: str) -> Path:
        """Where a student's submission comes to lie."""
        step, assignment = self.coursedir.submitted_directory, self.coursedir.assignment_id
        return Path(self.coursedir.format_path(step, student, assignment))

    def came(self, student: str) -> datetime | None:
        """When what was collected last of a student came (naive UTC), if anything says so."""
        try:
            return parsed(read_plain(self.target(student) / TIMESTAMP, _LONGEST) or b"")
        except OSError:
            return None

    def _collect(self, student: str, record: Record) -> None:
        assignment, target = self.coursedir.assignment_id, self.target(student)
        before = self.came(student)
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
            if target.is_dir() and not self._is_collected(student, target, before):
                move_aside(Path(self.coursedir.root), target)
                self.log.error(
                    "%s handed in %s, and other work lay in its place: it was set aside, in %s.",
                    student,
                    assignment,
                    SET_ASIDE,
                )
            put_in_place(fresh, target)
        self.collected.append(student)
        self.log.info("Collected: %s %s", student, assignment)

    def _is_collected(self, student: str, target: Path, came: datetime | None) -> bool:
        """Whether what lies there is from the exchange: it has the time, or the secret, of one."""
        theirs = [one for one in self._handed_in if one["username"] == student]
        if any(one["timestamp"] == came for one in theirs):
            return True
        secret = _secret(target)
        places = (Path(self.inbound_path, one["filename"]) for one in theirs)
        return secret is not None and any(_secret(place) == secret for place in places)

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copies files and folders, and nothing that a link leads to.

        Followed, a link in a submission would hand its sender any file that the grader can read.
        Raises OSError, and RuntimeError for a submission that is too large.
        """
        copy(Path(src), Path(dest), 1000 * self.coursedir.max_dir_size)


def _secret(folder: Path) -> bytes | None:
    try:
        return read_plain(folder / SECRET, _LONGEST) or None
    except OSError:
        return None


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
