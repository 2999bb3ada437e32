"""Everything that is stored about one person, as a folder or an archive to hand to them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from grader.classroom.people import Class, Stored
from grader.engine.refusal import Refusal
from grader.judge.books import person
from grader.judge.books.tables import SittingRow, VerdictRow
from grader.notebook.files import opened, put_in_place

ABOUT = "README.txt"


class CannotWrite(Refusal):
    """The export cannot be written where it was asked for."""


def export(of: Class, student: str, target: Path) -> Stored:
    """Write what is stored about a person: an archive if the target is called .zip, else a folder.

    It is for its owner alone. Rows are JSON, files are as they lie, and no link is followed. Raises
    CannotWrite.
    """
    if os.path.lexists(target):
        raise CannotWrite(f"{target} is there already.", "Name another: --out FILE.zip or FOLDER")
    stored = of.stored(student)
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".export-") as beside:
            made = Path(beside, "export")
            made.mkdir(mode=0o700)
            _write(of, student, stored, made)
            if target.suffix == ".zip":
                _archive(made, Path(beside, "export.zip"))
                os.replace(Path(beside, "export.zip"), target)
            else:
                put_in_place(made, target.absolute())
    except OSError as error:
        raise CannotWrite(
            f"{error.filename or target} cannot be written: {error.strerror or error}.",
            "Make room, or name another place: --out FILE.zip or FOLDER",
        ) from error
    return stored


def _write(of: Class, student: str, stored: Stored, made: Path) -> None:
    with of.engine.connect() as connection:
        gradebook = person.rows_of(connection, student)
    sittings, verdicts = of.desk.ledger.of_person(student)
    log = {"sittings": _plain(sittings), "verdicts": _plain(verdicts)}
    for name, rows in (("gradebook", gradebook), ("verdicts", log)):
        text = json.dumps(rows, indent=1, default=_readable, ensure_ascii=False)
        (made / f"{name}.json").write_text(text + "\n", encoding="utf-8", errors="replace")
    root, exchange = Path(of.course.root), of.inbound.parent
    for place in stored.places:
        if place.is_relative_to(exchange):
            target = made / "exchange" / place.relative_to(exchange)
        else:
            target = made / "files" / place.relative_to(root)
        _copy(place, target)
    (made / ABOUT).write_text("\n".join(_about(student, stored)) + "\n", errors="replace")


def _about(student: str, stored: Stored) -> Iterator[str]:
    yield f"What is stored about {student}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
    yield ""
    yield "gradebook.json  nbgrader's gradebook: the list's entry, submissions, grades, comments"
    yield "verdicts.json   the judge's log: every grading, and every verdict"
    yield "files/          what was collected, what was graded, and the feedback on it"
    yield "exchange/       what was handed in, and the feedback that was handed out"
    if stored.named:
        yield ""
        yield "These may name the person, too, beside others. They are not in here:"
        yield from (f"  {path}" for path in stored.named)


def _plain(rows: list[SittingRow] | list[VerdictRow]) -> list[dict[str, Any]]:
    return [
        {column.key: getattr(row, column.key) for column in type(row).__mapper__.column_attrs}
        for row in rows
    ]


def _readable(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value.total_seconds():g} s" if isinstance(value, timedelta) else str(value)


def _copy(source: Path, target: Path) -> None:
    """Copy plain files and folders. A link is written down as text, with where it led."""
    mode = source.lstat().st_mode
    target.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISDIR(mode):
        target.mkdir(mode=0o700, exist_ok=True)
        for path in sorted(source.iterdir()):
            _copy(path, target / path.name)
    elif stat.S_ISLNK(mode):
        target.with_name(f"{target.name}.link.txt").write_bytes(os.fsencode(os.readlink(source)))
    elif stat.S_ISREG(mode):
        with (
            opened(source) as descriptor,
            os.fdopen(os.dup(descriptor), "rb") as file,
            target.open("wb") as copy,
        ):
            shutil.copyfileobj(file, copy)
        target.chmod(0o600)


def _archive(made: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive,
    ):
        for path in sorted(made.rglob("*")):
            archive.write(path, path.relative_to(made))
