"""Tables as CSV, in which nothing is a formula to a spreadsheet program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grader.judge.intake.printable import visible

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that Excel, LibreOffice or Google Sheets may run."""


def defused(value: Any) -> Any:
    """A cell as it can be opened anywhere: a text that would be run gets an apostrophe before it.

    Numbers stay numbers.
    """
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if is_formula(value) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet program may run this text. A plain number is none."""
    bare = "".join(c for c in text if c.isprintable() and not c.isspace())
    if not text.startswith(_STARTS) and not bare.startswith(_STARTS):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows with a head, as UTF-8 with the mark by which Excel knows it."""
    head = list(rows[0]) if rows else []
    return "\ufeff".encode() + lines_as_csv([head, *(list(row.values()) for row in rows)]).encode()


def lines_as_csv(lines: Iterable[Sequence[Any]], separator: str = ",") -> str:
    """Lines of cells, each defused."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerows([defused(cell) for cell in line] for line in lines)
    return text.getvalue()
