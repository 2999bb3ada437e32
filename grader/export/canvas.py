"""Scores laid into the file that Canvas's gradebook exported, for its Import.

Canvas knows a student by the column ID, and an assignment by the number in its column's name. Its
import changes only what the file holds: so this keeps the students' columns, the row of Points
Possible, and of the assignments those alone whose scores are written.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.export.lists import is_canvas, is_learner
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

_ASSIGNMENT = re.compile(r"(?P<title>.*) \(\d+\)", re.S)
_LOGIN = {"login": "SIS Login ID", "sis": "SIS User ID", "id": "ID"}
KEPT = {"EX": "are excused there and stay so", "N/A": "are not assigned it there"}
"""What Canvas writes in place of a score where none is to be given."""


@dataclass
class _File:
    """What Canvas exported: every row as wide as the head."""

    head: list[str]
    points: list[str]
    students: list[list[str]]
    separator: str
    mark: str

    @property
    def about(self) -> int:
        """How many columns say who a student is."""
        return self.head.index("Section") + 1

    def values(self, column: str) -> list[str]:
        """One column of every student."""
        place = self.head.index(column)
        return [row[place].strip() for row in self.students]


def fill(exported: bytes, every: Sequence[Register], wanted: Wanted, by: str = "login") -> Sheet:
    """The scores of these assignments, to be imported into Canvas.

    `by` says which of Canvas's columns holds what nbgrader calls a student: `login`, `sis` or `id`.
    Raises CannotExport.
    """
    file = _read(exported)
    column = _LOGIN[by]
    if column not in file.head:
        raise CannotExport(
            f"Canvas's file has no column {column}.",
            f"It has {', '.join(file.head[: file.about])}. Choose one with --by.",
        )
    places = _places(file, every, wanted)
    remarks = _points_remarks(file, every, places, wanted)
    names = Names(file.values(column))
    remarks += remark_on(f"stand in Canvas's column {column} more than once", names.twice - {""})
    given, more = _scores_there(every, wanted, names)
    remarks += more
    lines, filled, unused = _lines(file, column, every, places, given, wanted)
    remarks += unused + not_final(every)
    text = lines_as_csv(lines, file.separator)
    return Sheet((file.mark + text).encode(), filled, tuple(remarks))


def _read(exported: bytes) -> _File:
    try:
        text = exported.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CannotExport(
            "Canvas's file is not UTF-8.", "Take the file as Canvas exports it, not as saved anew."
        ) from error
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    first = text.splitlines()[0] if text else ""
    separator = ";" if first.count(";") > first.count(",") else ","
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(row)]
    head = [cell.strip() for cell in rows[0]] if rows else []
    if not is_canvas(head):
        raise CannotExport(
            "This is no file that Canvas's gradebook exported: it begins with "
            f"{quote(first) or 'nothing'}.",
            "In Canvas: Grades, Export, Export Entire Gradebook.",
        )
    wide = [(row + [""] * len(head))[: len(head)] for row in rows[1:]]
    points = next((row for row in wide if "Points Possible" in row[0]), [""] * len(head))
    students = [row for row in wide if is_learner(head, row)]
    return _File(head, points, students, separator, mark)


def _places(file: _File, every: Sequence[Register], wanted: Wanted) -> dict[str, int]:
    """Where each assignment's column is. Raises CannotExport."""
    found: dict[str, int] = {}
    for register in every:
        name = wanted.columns.get(register.assignment, register.assignment)
        titles = {place: _title(head) for place, head in enumerate(file.head)}
        able = [place for place in range(file.about, len(file.head)) if not _read_only(file, place)]
        like = [place for place in able if name == file.head[place]] or [
            place for place in able if name.casefold() == titles[place].casefold()
        ]
        if len(like) != 1:
            known = ", ".join(file.head[place] for place in able) or "none"
            count = "no column" if not like else f"{len(like)} columns"
            raise CannotExport(
                f"Canvas's file has {count} for {name}.",
                f"Its assignments: {known}. Name one: "
                f'--column "{register.assignment}=NAME (NUMBER)"',
            )
        if like[0] in found.values():
            raise CannotExport(
                f"Two assignments are to be written into {file.head[like[0]]}.",
                "Give each a column of its own with --column.",
            )
        found[register.assignment] = like[0]
    return found


def _title(head: str) -> str:
    match = _ASSIGNMENT.fullmatch(head)
    return match["title"] if match else head


def _read_only(file: _File, place: int) -> bool:
    return "read only" in file.points[place]


def _points_there(file: _File, place: int) -> float | None:
    try:
        return float(file.points[place].replace(",", "."))
    except ValueError:
        return None


def _points_remarks(
    file: _File, every: Sequence[Register], places: Mapping[str, int], wanted: Wanted
) -> list[str]:
    remarks = []
    for register in every:
        there = _points_there(file, places[register.assignment])
        if there is None or there == register.points:
            continue
        how = "Scores were converted" if wanted.scale else "Scores stay as they are here"
        more = "" if wanted.scale else ", and --scale converts them"
        remarks.append(
            f"{register.assignment} has {register.points:g} points here and {there:g} in Canvas. "
            f"{how}{more}."
        )
    return remarks


def _scores_there(
    every: Sequence[Register], wanted: Wanted, names: Names
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """The scores by assignment and by Canvas's name; remarks on those whom Canvas does not know."""
    ours = {register.assignment: scores(register, wanted) for register in every}
    everybody = {name for given in ours.values() for name in given}
    known, remarks = identities(every, everybody, wanted)
    there = {name: names.find(known[name]) for name in known}
    unknown = [name for name, found in there.items() if not found]
    given = {
        assignment: {found: row[name] for name, found in there.items() if found and name in row}
        for assignment, row in ours.items()
    }
    return given, remarks + remark_on("are not in Canvas's file and are left out", unknown)


def _lines(
    file: _File,
    column: str,
    every: Sequence[Register],
    places: Mapping[str, int],
    given: Mapping[str, Mapping[str, float]],
    wanted: Wanted,
) -> tuple[list[list[str]], int, list[str]]:
    """The lines to write, how many have a score, and remarks on those that have none."""
    order = [places[register.assignment] for register in every]
    columns = [*range(file.about), *order]
    lines = [[row[place] for place in columns] for row in (file.head, file.points)]
    kept: dict[tuple[str, str], list[str]] = {}
    unscored, unsafe, filled = [], [], 0
    for row, name in zip(file.students, file.values(column), strict=True):
        scored = [register for register in every if name in given[register.assignment]]
        if not scored:
            unscored.append(name or row[0])
            continue
        if is_formula(row[file.head.index("ID")]):
            unsafe.append(name)
            continue
        line = [row[place] for place in columns]
        for register in scored:
            place = places[register.assignment]
            if row[place] in KEPT:
                kept.setdefault((register.assignment, row[place]), []).append(name)
                continue
            line[file.about + order.index(place)] = number(
                _scaled(given[register.assignment][name], register, file, place, wanted)
            )
        lines.append(line)
        filled += 1
    remarks = remark_on("are in Canvas and have no score here: their rows are left out", unscored)
    remarks += remark_on("have an ID in Canvas that a spreadsheet would run: left out", unsafe)
    for (assignment, mark), names in kept.items():
        remarks += remark_on(f"of {assignment} {KEPT[mark]}", names)
    return lines, filled, remarks


def _scaled(score: float, register: Register, file: _File, place: int, wanted: Wanted) -> float:
    there = _points_there(file, place)
    if not wanted.scale or not there or not register.points:
        return score
    return score * there / register.points
