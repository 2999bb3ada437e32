"""When a submission arrived: what its timestamp says, and whether that can be believed.

nbgrader's exchange has the learner's own process write timestamp.txt. Nothing of what is collected
was written by anybody else, so a time is taken from there and from nowhere else, as nbgrader does;
but one that cannot be read costs nobody a grade, and one that the exchange's own file system
contradicts is reported.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbgrader.utils import parse_utc

from grader.notebook.files import read_plain

TIMESTAMP = "timestamp.txt"
SECRET = "submission_secret.txt"
_OF_THE_EXCHANGE = (TIMESTAMP, SECRET)
_MOST_BYTES = 1000
_LONGEST = 100
# A time zone's name is looked up in files: it is a word or a few, and no path out of their folder.
_TIME = re.compile(r"(?:[\w\s:.,+-]|(?<=[A-Za-z_])/(?=[A-Za-z_]))+", re.ASCII)
# What dateutil would complete from today's date is no time: it has a full date and a clock's time.
_DATE = re.compile(
    r"""(?<!\d)(?: \d{4}([-./ ])\d{1,2}\1\d{1,2} | \d{8}(?=[T ]\d)
    | \d{1,2}([-./])\d{1,2}\2\d{4}
    | \d{1,2}(?:st|nd|rd|th)?[ -](?:MONTH)[a-z]*[ ,-]+\d{4}
    | (?:MONTH)[a-z]*[ -]\d{1,2}(?:st|nd|rd|th)?[ ,]+(?:[\d:.]+[ ]+(?:[A-Za-z]+[ ]+)?)?\d{4}
    )(?!\d{3})""".replace("MONTH", "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"),
    re.VERBOSE | re.IGNORECASE,
)
_CLOCK = re.compile(r"(?<!\d)\d{1,2}:\d{2}(?!\d)|(?<=\d{4}T)\d{4,6}|(?<=\d{4} )\d{6}")
_OFFSET = re.compile(r"[+-](\d{2}):?(\d{2})$")
_LONG_AGO = datetime(2015, 1, 1)  # when nbgrader was new
_DOUBT = timedelta(minutes=10)


@dataclass(frozen=True)
class Receipt:
    """The exchange's own files of a submission, and the time in them (naive UTC, as nbgrader's)."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    received: datetime | None = None
    doubts: tuple[str, ...] = ()


def read_receipt(folder: Path, inbound: Path, assignment: str, student: str) -> Receipt:
    """The receipt of the submission in a folder, beside what the exchange's `inbound` holds.

    Never raises, whatever lies in either.
    """
    found = {name: _plain_text(folder / name) for name in _OF_THE_EXCHANGE}
    files = {name: content for name, content in found.items() if content is not None}
    if TIMESTAMP not in files:
        lies_there = os.path.lexists(folder / TIMESTAMP)
        doubt = f"{TIMESTAMP} is no plain text file: it was left out."
        return Receipt(files, None, (doubt,) if lies_there else ())
    received = parsed(files[TIMESTAMP])
    if received is None:
        del files[TIMESTAMP]
        return Receipt(files, None, (f"{TIMESTAMP} holds no time: it was left out.",))
    return Receipt(files, received, tuple(_doubts(inbound, student, assignment, received)))


def parsed(text: bytes) -> datetime | None:
    """The time that nbgrader would read, or None if it would fail or do more than read it."""
    try:
        written = text.decode().strip()
        if len(written) > _LONGEST or not _TIME.fullmatch(written):
            return None
        offset = _OFFSET.search(written)
        is_offset = offset is not None and ":" in written[: offset.start()]  # else it is a year
        if offset and is_offset and (int(offset[1]) > 14 or int(offset[2]) > 59):
            return None
        if not (_DATE.search(written) and _CLOCK.search(written)):
            return None
        found = parse_utc(written)
    except Exception:  # dateutil raises nearly anything on what is no time
        return None
    return found if isinstance(found, datetime) else None


def _plain_text(path: Path) -> bytes | None:
    try:
        return read_plain(path, _MOST_BYTES)
    except OSError:
        return None


def _doubts(inbound: Path, student: str, assignment: str, received: datetime) -> Iterator[str]:
    if received > datetime.now(UTC).replace(tzinfo=None) + _DOUBT:
        yield f"{TIMESTAMP} says {received:%Y-%m-%d %H:%M} UTC, which is yet to come."
        return
    if received < _LONG_AGO:
        yield f"{TIMESTAMP} says {received:%Y-%m-%d %H:%M} UTC, which is long ago."
        return
    handed_in = list(_handed_in(inbound, student, assignment))
    named_so = [arrived for named, arrived in handed_in if named == received]
    if not handed_in or any(arrived <= received + _DOUBT for arrived in named_so):
        return
    # The exchange's own time may have been put in its place when it was collected.
    if not named_so and any(abs(arrived - received) <= _DOUBT for _, arrived in handed_in):
        return
    latest = max(named_so or [arrived for _, arrived in handed_in])
    yield (
        f"{TIMESTAMP} says {received:%Y-%m-%d %H:%M} UTC, and what the exchange holds was "
        f"written at {latest:%Y-%m-%d %H:%M} UTC."
    )


def _handed_in(
    inbound: Path, student: str, assignment: str
) -> Iterator[tuple[datetime | None, datetime]]:
    """Of everything a learner handed in: the time in its folder's name, and when it was written.

    The second is by the clock of the machine the exchange lies on. A learner can set any time of a
    file but that of its last change. Anybody may make a folder with anybody's name in it: where
    students have accounts, only their own folders count.
    """
    prefix, owner = f"{student}+{assignment}+", _account(student)
    for folder in inbound.glob(f"{glob.escape(prefix)}*"):
        try:
            if owner is not None and folder.lstat().st_uid != owner:
                continue
            changed = max(path.lstat().st_ctime for path in (folder, *folder.glob("*.ipynb")))
        except OSError:  # gone meanwhile, or not to be read
            continue
        named = parsed(os.fsencode(folder.name.removeprefix(prefix).split("+")[0]))
        yield named, datetime.fromtimestamp(changed, UTC).replace(tzinfo=None)


def _account(student: str) -> int | None:
    """The number of a student's account on this machine, if there is one of that name."""
    try:
        import pwd  # which Windows has not

        return pwd.getpwnam(student).pw_uid
    except (ImportError, KeyError, ValueError):
        return None
