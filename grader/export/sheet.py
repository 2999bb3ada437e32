"""What every export has in common: whose scores are written, and what has to be said of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.engine.refusal import Refusal
from grader.judge.books.register import Register
from grader.judge.intake.printable import quote


class CannotExport(Refusal):
    """The grades do not fit what they are to be written for."""


@dataclass(frozen=True)
class Wanted:
    """What is to be written: each assignment's column there, and whom its names are compared by.

    `by_email` takes the gradebook's address of a student in place of the name. `zeros` gives 0 to
    everybody on the class's list who handed in nothing. `scale` writes a share of the points that
    an assignment has there.
    """

    columns: Mapping[str, str]
    by_email: bool = False
    zeros: bool = False
    scale: bool = False


@dataclass(frozen=True)
class Sheet:
    """A file to import: its content, how many learners have a score in it, and what to know."""

    content: bytes
    learners: int
    remarks: tuple[str, ...]


def scores(register: Register, wanted: Wanted) -> dict[str, float]:
    """Everybody's score by name, late penalties taken off; nobody's who was not graded yet."""
    found = {name: row.final for name, row in register.rows.items() if row.graded}
    if wanted.zeros:
        found = dict.fromkeys((*register.people, *register.rows), 0.0) | found
    return found


def identities(
    every: Sequence[Register], names: Iterable[str], wanted: Wanted
) -> tuple[dict[str, str], list[str]]:
    """What each learner is known by there, and remarks on those of whom nothing is known."""
    if not wanted.by_email:
        return {name: name for name in names}, []
    addresses = {name: one.email for register in every for name, one in register.people.items()}
    found = {name: addresses[name] for name in names if addresses.get(name)}
    return found, remark_on(
        "have no e-mail address in the gradebook and are left out", set(names) - set(found)
    )


class Names:
    """The names on the other side. Upper and lower case count only where they must."""

    def __init__(self, names: Iterable[str]) -> None:
        self._known: dict[str, list[str]] = defaultdict(list)
        self._counted = Counter(names)
        for name in self._counted:
            self._known[name.casefold()].append(name)

    def find(self, name: str) -> str | None:
        """This name as it is written there, if exactly one is meant."""
        like = self._known.get(name.casefold(), [])
        chosen = [one for one in like if one == name] or like
        return chosen[0] if len(chosen) == 1 and self._counted[chosen[0]] == 1 else None

    @property
    def twice(self) -> set[str]:
        """Those that stand there more than once."""
        return {name for name, count in self._counted.items() if count > 1}


_SINGULAR = {"are": "is", "have": "has", "stand": "stands", "hold": "holds", "stay": "stays"}
_PLURAL = re.compile(rf"(?<!rows )\b({'|'.join(_SINGULAR)})\b")


def remark_on(what: str, names: Iterable[str]) -> list[str]:
    """One remark on some learners, each named, or none."""
    listed = sorted(names)
    if not listed:
        return []
    if len(listed) == 1:
        what = _PLURAL.sub(lambda found: _SINGULAR[found[1]], what)
    return [f"{len(listed)} {what}: {', '.join(map(quote, listed))}."]


def not_final(every: Sequence[Register]) -> list[str]:
    """Whose scores may still grow."""
    found = []
    for register in every:
        waiting = {name for name, row in register.rows.items() if row.graded and row.waiting}
        found += remark_on(f"of {register.assignment} hold answers that wait for a person", waiting)
    return found


def number(score: float) -> str:
    """A score as both read it: a point, no thousands, no more digits than it has."""
    return f"{score:.4f}".rstrip("0").rstrip(".")
