"""Who is in a class: a list as nbgrader, Canvas or Moodle exports it, read whole or not at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.engine.refusal import Refusal
from grader.export.lists import BadList, is_canvas, is_learner, read_table
from grader.judge.intake.naming import why_no_student
from grader.judge.intake.printable import printable, quote

_LONGEST = 128  # characters: nbgrader's columns
_MOST_TOLD = 20


class BadRoster(Refusal):
    """A list of learners cannot be taken as it is."""


@dataclass(frozen=True)
class Learner:
    """One learner of a class, by the id that nbgrader knows them by."""

    id: str
    first: str = ""
    last: str = ""
    email: str = ""
    lms_user_id: str = ""


@dataclass(frozen=True)
class Roster:
    """A class's list: which program exported it, the column of the ids, and the learners."""

    kind: str
    column: str
    learners: tuple[Learner, ...]


@dataclass(frozen=True)
class _Kind:
    """How a program heads its columns, in lower case; `ids` by what --by calls them."""

    name: str
    ids: Mapping[str, tuple[str, ...]]
    first: tuple[str, ...]
    last: tuple[str, ...]
    email: tuple[str, ...] = ("email address", "email")
    lms_user_id: tuple[str, ...] = ()
    both: tuple[str, ...] = ()


NBGRADER = _Kind(
    "nbgrader", {"id": ("id",)}, ("first_name",), ("last_name",), lms_user_id=("lms_user_id",)
)
CANVAS = _Kind(
    "Canvas",
    {"login": ("sis login id",), "sis": ("sis user id",), "id": ("id",)},
    ("firstname",),
    ("lastname",),
    lms_user_id=("id",),
    both=("student",),
)
MOODLE = _Kind(
    "Moodle",
    {
        "username": ("username",),
        "idnumber": ("id number", "idnumber"),
        "email": ("email address", "email"),
    },
    ("first name", "firstname"),
    ("last name", "lastname", "surname"),
    both=("full name", "name"),
)
BY = tuple(dict.fromkeys(by for kind in (CANVAS, MOODLE) for by in kind.ids))
"""What --by may say."""


def read_roster(content: bytes, name: str, by: str | None = None) -> Roster:
    """The learners of a list. `by` names the column of the ids, where Canvas or Moodle has several.

    Raises BadRoster, which names every line that cannot be taken.
    """
    try:
        table = read_table(content, name)
    except BadList as refusal:
        raise BadRoster(refusal.what, refusal.cure) from refusal
    kind = _kind(table.head, name)
    rows = table.rows
    if kind is CANVAS:
        rows = tuple(row for row in rows if is_learner(table.head, row[1]))
    columns = _Columns(table.head)
    place = _ids(kind, columns, rows, by, name)
    found = [(line, _learner(kind, columns, place, row)) for line, row in rows]
    wrong = list(_wrong(found))
    if wrong:
        more = [f"and {len(wrong) - _MOST_TOLD} more"] if len(wrong) > _MOST_TOLD else []
        count = f"{len(wrong)} line{'s' * (len(wrong) != 1)}"
        listed = "\n".join(f"  {one}" for one in (*wrong[:_MOST_TOLD], *more))
        raise BadRoster(
            f"{name}: {count} cannot be taken, so nothing was written.\n{listed}",
            "Mend these lines, and start this again."
            + " Or take the ids from another column: --by." * (len(kind.ids) > 1),
        )
    if not found:
        raise BadRoster(f"{name} lists no learner.", "Name the list that has them.")
    return Roster(kind.name, table.head[place], tuple(learner for _, learner in found))


class _Columns:
    """Where each column stands."""

    def __init__(self, head: Sequence[str]) -> None:
        self._head = [name.casefold() for name in head]

    def find(self, names: Sequence[str]) -> int | None:
        return next((self._head.index(name) for name in names if name in self._head), None)

    def value(self, row: Sequence[str], names: Sequence[str]) -> str:
        place = self.find(names)
        return "" if place is None else _tidy(row[place])


def _kind(head: Sequence[str], name: str) -> _Kind:
    columns = _Columns(head)
    if is_canvas(head):
        return CANVAS
    is_named = columns.find(MOODLE.first) is not None or columns.find(MOODLE.both) is not None
    if is_named and any(columns.find(names) is not None for names in MOODLE.ids.values()):
        return MOODLE
    twice = {one for one in head if one and list(head).count(one) > 1}
    if columns.find(("id",)) is not None and not twice:
        return NBGRADER
    raise BadRoster(
        f"{name} is headed {quote(', '.join(head))}, as no list of nbgrader's, Canvas's or "
        "Moodle's is. Nothing was written.",
        "nbgrader's begins with id,first_name,last_name,email. From Canvas: Grades, Export. From "
        "Moodle: Participants, select all, Download as CSV, with the language set to English.",
    )


def _ids(
    kind: _Kind,
    columns: _Columns,
    rows: Sequence[tuple[int, Sequence[str]]],
    by: str | None,
    name: str,
) -> int:
    """The column of the ids: the one asked for, else the first of its kind that is not empty."""
    if by is not None and by not in kind.ids:
        raise BadRoster(
            f"--by {by} names no column of a list of {kind.name}'s.",
            f"It is one of {', '.join(kind.ids)}, or left out.",
        )
    wanted = kind.ids.values() if by is None else [kind.ids[by]]
    places = [place for names in wanted if (place := columns.find(names)) is not None]
    filled = [place for place in places if any(row[place].strip() for _, row in rows)]
    if not places:
        raise BadRoster(
            f"{name}, a list of {kind.name}'s, has no column {' or '.join(n[0] for n in wanted)}. "
            "Nothing was written.",
            "Export it with that column: what stands there becomes the learners' ids.",
        )
    return (filled or places)[0]


def _learner(kind: _Kind, columns: _Columns, place: int, row: Sequence[str]) -> Learner:
    first, last = columns.value(row, kind.first), columns.value(row, kind.last)
    if not (first or last):
        last, _, first = (part.strip() for part in columns.value(row, kind.both).partition(","))
    return Learner(
        row[place].strip(),
        first[:_LONGEST],
        last[:_LONGEST],
        columns.value(row, kind.email)[:_LONGEST],
        columns.value(row, kind.lms_user_id)[:_LONGEST],
    )


def _tidy(text: str) -> str:
    """A cell on one line, as one person would type it."""
    return printable(" ".join(unicodedata.normalize("NFC", text).split()))


def _wrong(found: Sequence[tuple[int, Learner]]) -> Iterator[str]:
    """A sentence for each line whose id cannot be taken."""
    seen: dict[str, tuple[int, str]] = {}
    for line, one in found:
        name = " ".join(part for part in (one.first, one.last) if part)
        told = f"line {line}" + f" ({quote(name)})" * bool(name)
        why = why_no_student(one.id)
        before = seen.setdefault(one.id.casefold(), (line, one.id)) if why is None else (line, "")
        if why is not None:
            yield f"{told}: {why}" + f": {quote(one.id)}" * bool(one.id)
        elif before[0] != line and before[1] == one.id:
            yield f"{told}: the id {quote(one.id)} stands in line {before[0]}, too"
        elif before[0] != line:
            yield (
                f"{told}: the id {quote(one.id)} differs from {quote(before[1])}, in line "
                f"{before[0]}, by upper and lower case alone"
            )
