"""Scores as CSV for Moodle's grade import: one line per learner, one column per assignment.

Moodle finds a user by one column, and refuses the whole file if it does not know one of them. So
with a list from Moodle, who is not on it is left out and reported.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from grader.export.sheet import (
    CannotExport,
    Names,
    Sheet,
    Wanted,
    identities,
    not_final,
    number,
    remark_on,
    scores,
)
from grader.judge.books.register import Register
from grader.judge.intake.printable import quote
from grader.report.tables import is_formula, lines_as_csv

FIELDS = {
    "username": ("username",),
    "idnumber": ("id number", "idnumber"),
    "email": ("email address", "email"),
}
"""How Moodle calls what it finds a user by, and how its own lists head that column."""

MOST = 100
"""Moodle imports no higher grade unless its administrator allows it."""


def fill(
    every: Sequence[Register], wanted: Wanted, by: str = "username", roster: bytes | None = None
) -> Sheet:
    """The scores of these assignments, to be imported into Moodle.

    `by` is what Moodle finds its users by, one of FIELDS; `roster` a CSV list of them from Moodle.
    Raises CannotExport.
    """
    ours = [scores(register, wanted) for register in every]
    everybody = sorted({name for given in ours for name in given})
    known, remarks = identities(every, everybody, wanted)
    if roster is not None:
        known, more = _on_the_list(known, _listed(roster, by), by)
        remarks += more
    # An apostrophe before a name would make Moodle refuse the file.
    unsafe = {name for name, there in known.items() if is_formula(there)}
    remarks += remark_on("have names that a spreadsheet would run, and are left out", unsafe)
    rows = [name for name in everybody if name in known and name not in unsafe]
    head = [
        by,
        *(wanted.columns.get(register.assignment, register.assignment) for register in every),
    ]
    lines = [
        [known[name], *(number(given[name]) if name in given else "" for given in ours)]
        for name in rows
    ]
    remarks += _gaps(every, ours, rows) + _too_high(every, ours) + not_final(every)
    return Sheet(lines_as_csv([head, *lines]).encode(), len(lines), tuple(remarks))


def _listed(roster: bytes, by: str) -> list[str]:
    """The column of a list from Moodle that its users are found by."""
    try:
        text = roster.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CannotExport("Moodle's list is not UTF-8.", "Export it from Moodle again.") from error
    first = text.splitlines()[0] if text else ""
    separator = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(row)]
    head = [cell.strip().casefold() for cell in rows[0]] if rows else []
    place = next((head.index(name) for name in FIELDS[by] if name in head), None)
    if place is None:
        raise CannotExport(
            f"Moodle's list has no column {FIELDS[by][0]}: it begins with "
            f"{quote(first) or 'nothing'}.",
            "Choose one that it has with --by, or head the right column with that name.",
        )
    return [row[place].strip() for row in rows[1:] if len(row) > place and row[place].strip()]


def _on_the_list(
    known: dict[str, str], listed: Sequence[str], by: str
) -> tuple[dict[str, str], list[str]]:
    names = Names(listed)
    there = {name: names.find(one) for name, one in known.items()}
    found = {name: one for name, one in there.items() if one}
    remarks = remark_on("are not on Moodle's list and are left out", set(known) - set(found))
    remarks += remark_on(f"stand on Moodle's list more than once, by {by}", names.twice)
    remarks += remark_on(
        "are on Moodle's list and have no score here", set(listed) - set(found.values())
    )
    return found, remarks


def _gaps(
    every: Sequence[Register], ours: Sequence[dict[str, float]], rows: Sequence[str]
) -> list[str]:
    remarks = []
    for register, given in zip(every, ours, strict=True):
        missing = [name for name in rows if name not in given]
        remarks += remark_on(
            f"have no score in {register.assignment}; Moodle reads an empty cell as no grade",
            missing,
        )
    return remarks


def _too_high(every: Sequence[Register], ours: Sequence[dict[str, float]]) -> list[str]:
    return [
        f"{register.assignment} has scores above {MOST}, which Moodle refuses unless its settings "
        "allow them (unlimitedgrades, gradepointmax)."
        for register, given in zip(every, ours, strict=True)
        if any(score > MOST for score in given.values())
    ]
