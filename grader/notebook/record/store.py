"""The file that a learner's record is kept in, written by many notebooks at once."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from grader.notebook import files
from grader.notebook.record import shape

VERSION = 2
"""The form of the file; the first one was `progress.json`, with exercises alone and no number."""

WAIT = 5.0
"""Seconds that a notebook waits for the others that are writing."""

MOST_NAMED = 5
"""So many entries that cannot be read are named; of the others, how many there are."""

Record = dict[str, Any]
Edit = Callable[[Record], None]

_MEMORY_ONLY = (
    "Your results are kept until this notebook's kernel ends, and no longer: {why}. Everything "
    "else works."
)

_ODD = (
    "Parts of your record of results could not be read: {what}. They {kept}; everything else in it "
    "counts as before."
)


class Damaged(ValueError):
    """The file is no record."""


class Store:
    """One file, and what could not be written to it.

    Every change is made to the file as it is at that moment, under a lock that ends with the
    process that holds it; a reader meets the file whole, for it is replaced and never edited.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unwritten: list[Edit] = []
        self._to_say: list[str] = []
        self._said: set[str] = set()
        # JupyterLab lets a question be answered while a cell runs: in a thread beside it.
        self._thread = threading.RLock()

    def read(self) -> Record:
        """The record as it is now, every part of it readable.

        A damaged file, or what cannot be read of one, is put aside first; `untold` then says so.
        """
        with self._thread:
            return self._read()

    def change(self, edit: Edit) -> None:
        """Edit the record; where it cannot be written, in the memory of this process."""
        with self._thread:
            self._change(edit)

    def untold(self) -> list[str]:
        """What the learner has to be told of the file, each sentence once in a process."""
        with self._thread:
            said, self._to_say = self._to_say, []
        return said

    def _read(self) -> Record:
        try:
            record = self._on_disk()
        except OSError:
            record = _empty()
        except Damaged:
            record = self._started_anew()
        sound, odd = shape.parted(record)
        if odd and _number_of(record) <= VERSION:  # a newer one may look otherwise
            sound = self._mended(sound, odd)
        return self._with_unwritten(sound)

    def _change(self, edit: Edit) -> None:
        self._unwritten.append(edit)
        if _number_of(self._read()) > VERSION:
            why = f"{self.path} was written by a newer version of this course"
            self._tell("newer", _MEMORY_ONLY.format(why=why))
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.path):
                # Read again: another notebook may have written since.
                record = self._with_unwritten(self._without_odd(self._on_disk()))
                files.write(self.path, _written(record), 0o600)
        except Damaged as error:  # and could not be put aside
            self._tell("unwritten", _MEMORY_ONLY.format(why=f"{self.path} is damaged ({error})"))
        except (OSError, Timeout) as error:
            said = error.strerror if isinstance(error, OSError) else None
            why = f"{self.path} cannot be written ({said or 'another program holds it'})"
            self._tell("unwritten", _MEMORY_ONLY.format(why=why))
        else:
            self._unwritten.clear()

    def _with_unwritten(self, record: Record) -> Record:
        for edit in self._unwritten:
            edit(record)
        return record

    def _on_disk(self) -> Record:
        """What the file holds. Raises Damaged, and OSError for one that may not be read."""
        try:
            record = json.loads(self.path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return self._of_first_version()
        except (ValueError, RecursionError) as error:
            raise Damaged("it is no JSON") from error
        if not isinstance(record, dict) or _number_of(record) < 1:
            raise Damaged("it names no version")
        return record

    def _of_first_version(self) -> Record:
        """The record that an earlier course left, which stays as it is."""
        try:
            exercises = json.loads(self.path.with_name("progress.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            return _empty()
        return shape.parted(_empty() | {"exercises": exercises})[0]

    def _started_anew(self) -> Record:
        """Put a damaged file aside, if it still is when nobody else writes."""
        try:
            with _alone(self.path):
                try:
                    return self._on_disk()
                except Damaged:
                    aside = _aside(self.path)
                    os.replace(self.path, aside)
        except (OSError, Timeout):
            return _empty()
        self._tell(
            "damaged",
            f"Your record of results could not be read. It is kept as {aside}, and a new one was "
            "begun.",
        )
        return _empty()

    def _mended(self, sound: Record, odd: Record) -> Record:
        """Put aside what cannot be read of the file, and write it without; else leave it out."""
        try:
            with _alone(self.path):
                record = self._without_odd(self._on_disk())
                files.write(self.path, _written(record), 0o600)
        except (OSError, Timeout, Damaged):
            self._tell("odd", _ODD.format(what=_listed(odd), kept=f"still stand in {self.path}"))
            return sound
        return record

    def _without_odd(self, record: Record) -> Record:
        """The record of the file without what cannot be read, which is put aside. Raises OSError.

        To be called while nobody else writes.
        """
        sound, odd = shape.parted(record)
        if odd:
            aside = _aside(self.path)
            files.write(aside, _written(_empty() | odd), 0o600)
            said = _ODD.format(what=_listed(odd), kept=f"are kept in {aside}")
            self._tell(f"odd, {aside}", said)
        return sound

    def _tell(self, what: str, sentence: str) -> None:
        if what not in self._said:
            self._said.add(what)
            self._to_say.append(sentence)


def store() -> Store:
    """The record of whoever runs this process; AUTOGRAD_COURSE_DATA names another folder."""
    folder = os.environ.get("AUTOGRAD_COURSE_DATA")
    if folder:
        return _store_at(Path(folder) / "record.json")
    from platformdirs import user_data_path

    return _store_at(user_data_path("autograd-course") / "record.json")


@functools.cache
def _store_at(path: Path) -> Store:
    """One for a process, which remembers what could not be written."""
    return Store(path)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else writes meanwhile. Raises Timeout, and OSError."""
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=WAIT)
    try:
        lock.acquire()
    except NotImplementedError:  # a file system without locks, as some homes on a network are
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _number_of(record: Record) -> int:
    """The version that a record says it has; 0 for none."""
    version = record.get("version")
    return version if type(version) is int else 0  # true is no number


def _empty() -> Record:
    return {"version": VERSION}


def _written(record: Record) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()


def _listed(odd: Record) -> str:
    """The names of what cannot be read; of many, the first."""
    names = shape.names(odd)
    more = [f"and {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return ", ".join([*names[:MOST_NAMED], *more])


def _aside(path: Path) -> Path:
    """Where something that cannot be read is kept: a new file beside the record."""
    return _free(path.with_name(f"record.damaged-{date.today()}.json"))


def _free(path: Path) -> Path:
    names = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return path if not path.exists() else next(name for name in names if not name.exists())
