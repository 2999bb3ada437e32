"""Tells which cell of a submission is which cell of the form, and which of them hold answers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from grader.judge.intake.form import Form, FormCell
from grader.judge.intake.lenient import SubmittedCell, read

_MOST_SHARED = 2
"""How many names a notebook of another chapter may share with an assignment, such as `imports`."""


def candidates(form: Sequence[FormCell], cells: Sequence[SubmittedCell]) -> dict[int, list[int]]:
    """For each place in the form, the submission's cells that may be it, in their order.

    A cell is known by its grade_id, else by its id, else by an unchanged text.
    """
    found: dict[int, list[int]] = defaultdict(list)
    by_grade_id = {cell.grade_id: place for place, cell in enumerate(form) if cell.grade_id}
    left: list[int] = []
    for index, cell in enumerate(cells):
        place = by_grade_id.get(cell.grade_id or "")
        left.append(index) if place is None else found[place].append(index)

    by_id = _by_id(form, set(found))
    rest: list[int] = []
    for index in left:
        name = cells[index].id or ""
        place = by_id.get(name, by_id.get(_unnumbered(name)))
        same_type = place is not None and form[place].type == cells[index].type
        if place is None or place in found or not (form[place].grade_id or same_type):
            rest.append(index)
        else:
            found[place].append(index)

    by_text: dict[tuple[str, str], deque[int]] = defaultdict(deque)
    for place, known in enumerate(form):
        if place not in found:
            by_text[known.type, known.released].append(place)
    for index in rest:
        places = by_text.get((cells[index].type, cells[index].source or ""))
        if places and cells[index].source is not None:
            found[places.popleft()].append(index)
    return dict(found)


def _by_id(form: Sequence[FormCell], taken: Set[int]) -> dict[str, int]:
    """The places that are not taken, by id, and by id without number where only one has it."""
    left = {cell.id: place for place, cell in enumerate(form) if place not in taken}
    bare = Counter(map(_unnumbered, left))
    return {
        name: place
        for id_, place in left.items()
        for name in (_unnumbered(id_), id_)
        if name == id_ or (bare[name] == 1 and name not in left)
    }


def _unnumbered(name: str) -> str:
    """The id of a cell under a numbered heading, without the number: another release may have
    another order."""
    return re.sub(r"^\d+-(?=[a-z])", "", name)


def choose(cell: FormCell, copies: Sequence[int], cells: Sequence[SubmittedCell]) -> int:
    """Of several copies of an answer the first that was written in; of other cells the first."""
    for index in copies:
        source = cells[index].source
        if not cell.locked and source is not None and source != cell.released:
            return index
    return copies[0]


@dataclass(frozen=True)
class Glance:
    """How many cells of the form a notebook holds, and how many of these are answers."""

    known: int = 0
    answered: int = 0


def glance(raw: bytes | None, form: Form) -> Glance:
    """What a notebook holds of a form, whatever its name and its bytes."""
    cells = read(raw).cells if raw is not None else ()
    if other_assignment(cells, form):
        return Glance()
    known = answered = 0
    for place, found in candidates(form.cells, cells).items():
        cell = form.cells[place]
        if cell.grade_id:
            known += 1
            texts = {stripped(cells[index].source) for index in found}
            answered += not cell.locked and bool(texts - {None, stripped(cell.released)})
    return Glance(known, answered)


def other_assignment(cells: Sequence[SubmittedCell], form: Form) -> tuple[str, int] | None:
    """The assignment or notebook that these cells are of, if not of this form, and how many are.

    Names that both have tell nothing: `imports` may stand in each. What the class's gradebook does
    not hold may be another chapter of the course.
    """
    names = {cell.grade_id or cell.id for cell in cells} - {None}
    ours = {cell.grade_id for cell in form.cells if cell.grade_id}
    if names >= ours:
        return None
    counted = {
        other: len(names & (theirs - ours))
        for other, theirs in form.others.items()
        if not names & (ours - theirs)
    }
    return _most(counted) or (None if len(names & ours) > _MOST_SHARED else _chapter(names, ours))


def _chapter(names: Set[str | None], ours: Set[str]) -> tuple[str, int] | None:
    """The chapter of the course that names of cells are of, if they are of one, and how many."""
    from grader.engine.catalogue import tasks  # torch, which reading an ordinary notebook spares

    chapters: dict[str, set[str]] = defaultdict(set)
    for exercise, task in tasks().items():
        chapters[task.chapter] |= {exercise, f"{exercise}_answer"}
    if any(names & ours & theirs for theirs in chapters.values()):
        return None
    return _most({chapter: len(names & theirs) for chapter, theirs in chapters.items()})


def _most(counted: Mapping[str, int]) -> tuple[str, int] | None:
    best = max(counted, key=lambda other: counted[other], default="")
    return (best, counted[best]) if best and counted[best] else None


def stripped(source: str | None) -> str | None:
    """A text without what editors change by themselves: ends of lines, and of the whole."""
    return source and source.replace("\r\n", "\n").rstrip()
