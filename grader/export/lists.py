"""CSV as Canvas and Moodle write it, and which of its lines are about learners."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.engine.refusal import Refusal
from grader.judge.intake.printable import quote

CANVAS_HEADS = (("Student", "ID"), ("LastName", "FirstName", "ID"))
"""How the columns begin that Canvas's gradebook exports."""
_TEST_STUDENTS = {("student, test",), ("test student",), ("student", "test")}
"""Whom Canvas makes for a teacher to look through, by name."""


class BadList(Refusal):
    """A file is no CSV list that can be read."""


@dataclass(frozen=True)
class Table:
    """A CSV file: its head, stripped, and each further record with the line it begins in."""

    head: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_table(content: bytes, name: str) -> Table:
    """The records of a CSV file that are not blank, each as wide as the head. Raises BadList.

    It may be UTF-8 or UTF-16, with commas, semicolons or tabs between the columns.
    """
    text = _text(content, name)
    first = next(iter(text.splitlines()), "")
    try:
        records = list(_records(text, max(",;\t", key=first.count)))
    except csv.Error as error:
        raise BadList(f"{name} is no CSV: {error}.", "Export it again, as CSV.") from error
    if not records:
        raise BadList(f"{name} is empty.", "Export it again, as CSV.")
    head = tuple(cell.strip() for cell in records[0][1])
    wide = ((line, tuple((row + [""] * len(head))[: len(head)])) for line, row in records[1:])
    return Table(head, tuple(wide))


def is_canvas(head: Sequence[str]) -> bool:
    """Whether the head is that of Canvas's gradebook."""
    begins = any(tuple(head[: len(known)]) == known for known in CANVAS_HEADS)
    return begins and "Section" in head


def is_learner(head: Sequence[str], row: Sequence[str]) -> bool:
    """Whether a line of Canvas's is about a learner.

    Points Possible, Manual Posting and the student that Canvas made for its teachers are not.
    """
    about = [cell.strip() for cell in row[: list(head).index("Section") + 1]]
    if not any(about) or "Points Possible" in about[0]:
        return False
    names = tuple(cell.casefold() for cell in about[: list(head).index("ID")])
    sis = about[list(head).index("SIS User ID")] if "SIS User ID" in head else ""
    return bool(sis) or names not in _TEST_STUDENTS


def _text(content: bytes, name: str) -> str:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadList(
            f"{name} is not UTF-8: byte {error.start + 1} is {quote(repr(content[error.start]))}.",
            "Take the file as it was exported, or save it as CSV UTF-8.",
        ) from error


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    begins = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            yield begins, row
        begins = reader.line_num + 1
