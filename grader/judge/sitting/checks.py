"""Which cells of a notebook are run, and which ask the judge."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.engine.catalogue import UnknownExercise, tasks
from grader.judge.intake.cells import Cell, is_test

_CHECK = re.compile(r'check\("(\w+)"((?:, [A-Za-z_]\w*)+)\)')


@dataclass(frozen=True)
class Check:
    """A cell that asks the judge: the exercise, and the functions that answer it."""

    exercise: str
    functions: tuple[str, ...]


def check_in(cell: Cell) -> Check | None:
    """The check that a graded cell consists of, if it is one of the course's exercises."""
    if not is_test(cell):
        return None
    found = _CHECK.fullmatch(cell.source.strip())
    if found is None or found[1] not in tasks():
        return None
    functions = tuple(name.strip() for name in found[2].split(",") if name.strip())
    wanted = len(tasks()[found[1]].functions)
    return Check(found[1], functions) if len(functions) == wanted else None


def unknown_in(cell: Cell) -> str | None:
    """The exercise for which a released check found none in this version of the course."""
    found = _CHECK.fullmatch(cell.source.strip())
    raised = any(output.get("ename") == UnknownExercise.__name__ for output in cell.outputs)
    return found[1] if found is not None and found[1] not in tasks() and raised else None


def runs(cell: Cell) -> bool:
    """Whether a cell is run: code, but for the release's own `progress()`, which in a box knows of
    nothing that the learner has done."""
    is_at_home = cell.source.strip() == "progress()" and not cell.id.startswith("own-")
    return bool(cell.cell_type == "code" and not is_at_home)
