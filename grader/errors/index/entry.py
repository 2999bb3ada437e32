"""One line of the index: a title, the symptoms that one searches by, and a lesson's section."""

from __future__ import annotations

from typing import NamedTuple

from grader.errors.sections import Section


class Entry(NamedTuple):
    """How an index lists one error."""

    title: str
    section: Section
    symptoms: tuple[str, ...] = ()


def at(lesson: str, heading: str, title: str, *symptoms: str) -> Entry:
    """The entry of an error that a section of a lesson explains."""
    return Entry(title, Section(lesson, heading), symptoms)


GRAPHS, GRAPHS_2 = "01-graphs", "01-graphs-2"
LEAVES, DETACH, HOOKS = "02-leaves", "03-detach-clone", "05-hooks"
MODES, MODES_2 = "04-grad-modes", "04-grad-modes-2"
LOOP, LOOP_2, NORM = "06-optimizer-loop", "06-optimizer-loop-2", "07-normalization"
FUNCTIONS, TENSORS, MODULES, DATA = "08-functions", "09-tensors", "10-modules", "11-data"
SCRIPTS, PARALLEL = "12-scripts", "13-parallel"
BREAKING, BREAKING_2 = "14-where-gradients-break", "14-where-gradients-break-2"
