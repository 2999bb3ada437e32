"""What happened in the cells of one notebook while they ran: what is alike is told together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.judge.books.needs import Cause, Need, joined

_MOST_APART = 2  # cells that the same befell and that are still told one by one
_MOST_CELLS = 3  # named of those that are told together
_MOST_NAMES = 10
_MOST_BELIEVED = 10**12  # characters: more than a cell can write in its time


@dataclass(frozen=True)
class Incident:
    """One thing that happened: its sentence, and `several`, which says the same of many cells.

    What has the same `several` is alike. It may hold {total} and {most} of the incidents' numbers,
    and their {names}. With a `cause`, a person must see to it.
    """

    sentence: str
    several: str = ""
    cause: Cause | None = None
    number: float = 0
    name: str = ""

    @property
    def kind(self) -> tuple[str, Cause | None]:
        """What those that are alike have in common."""
        return self.several or self.sentence, self.cause


class Happened:
    """What happened in a notebook: once for each cell, or each name if it is about no cell."""

    def __init__(self) -> None:
        self._alike: dict[tuple[str, Cause | None], dict[int | str, Incident]] = {}

    def note(self, incident: Incident, cell: int | None = None) -> None:
        """Add an incident in a cell, counted from 1, or one that is about no cell."""
        where = incident.name if cell is None else cell
        self._alike.setdefault(incident.kind, {}).setdefault(where, incident)

    @property
    def incidents(self) -> list[str]:
        """What an instructor should know. A need that is about no cell is a need alone."""
        return [
            sentence
            for (_, cause), group in self._alike.items()
            for sentence in _told(group)
            if cause is None or any(isinstance(where, int) for where in group)
        ]

    @property
    def needs(self) -> list[Need]:
        """What a person must see to, one for each cause."""
        return joined(
            Need(cause, sentence)
            for (_, cause), group in self._alike.items()
            if cause is not None
            for sentence in _told(group)
        )


def dropped(count: int) -> Incident:
    """So many characters of a cell's output were not kept, as the box says: it may say anything."""
    if count > _MOST_BELIEVED:
        return Incident("Some of its output was not kept.", "Some of their output was not kept.")
    were = "character of its output was" if count == 1 else "characters of its output were"
    several = "{total:,} characters of their output were not kept."
    return Incident(f"{count:,} {were} not kept.", several, number=count)


def _told(group: dict[int | str, Incident]) -> Iterator[str]:
    cells = [where for where in group if isinstance(where, int)]
    if len(group) > (_MOST_APART if cells else 1):
        found = list(group.values())
        numbers = [one.number for one in found]
        names = _listed([one.name for one in found], _MOST_NAMES)
        told = found[0].several.format(total=sum(numbers), most=max(numbers), names=names)
        which = _listed(list(map(str, cells)), _MOST_CELLS) if cells else ""
        yield f"{'Cells ' * bool(which)}{which}{': ' * bool(which)}{told or found[0].sentence}"
    else:
        for where, one in group.items():
            yield f"Cell {where}: {one.sentence}" if cells else one.sentence


def _listed(names: list[str], most: int) -> str:
    """The first of the names, and how many more there are."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
