"""A second derivative through a custom Function whose backward computes with a constant."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record.calls import Pass, Record
from grader.errors.seen.reading import source


def seen(record: Record) -> list[Finding]:
    """What to say of recorded passes through such a Function that a later pass went through."""
    events = record.events_of("backward")
    told: dict[tuple[Any, str], Finding] = {}
    for index, event in enumerate(events):
        about: Pass = event.about
        first, end = about.made
        later = (one.about for one in events[index + 1 :])
        is_used = any(
            not {*one.sizes, *one.last_nodes}.isdisjoint(range(first, end)) for one in later
        )
        if is_used and not about.elsewhere:
            told |= {pair: _finding(*pair) for pair in about.unrecorded.values()}
    return list(told.values())


def _finding(function: Any, name: str) -> Finding:
    return found(
        "kept_unrecorded", tensor=function.__name__, place=_place(function, name), kept=name
    )


def _place(function: Any, name: str) -> Place | None:
    """The line of forward that puts it on ctx."""
    code = source.own_code(function)
    if code is None:
        return None
    tree, file, first = code
    for node in ast.walk(tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Attribute) and target.attr == name:
            return Place(inspect.getsourcefile(function.forward) or file, first + target.lineno - 1)
    return None
