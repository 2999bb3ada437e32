"""A second derivative through a custom Function whose backward computes with a constant."""

from __future__ import annotations

import inspect
import re
from typing import Any

from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record.calls import Pass, Record


def seen(record: Record) -> list[Finding]:
    """What to say of recorded passes through such a Function that a later pass went through."""
    events = record.events_of("backward")
    told: dict[tuple[Any, str, bool], Finding] = {}
    for index, event in enumerate(events):
        about: Pass = event.about
        first, end = about.made
        later = (one.about for one in events[index + 1 :])
        is_used = any(
            not {*one.sizes, *one.last_nodes}.isdisjoint(range(first, end)) for one in later
        )
        if is_used and not about.elsewhere:
            told |= {one: _finding(*one) for one in about.unrecorded.values()}
    return list(told.values())


def _finding(function: Any, name: str, is_leaf: bool) -> Finding:
    code = "kept_copy" if is_leaf else "kept_unrecorded"
    return found(code, tensor=function.__name__, place=_place(function, name), kept=name)


def _place(function: Any, name: str) -> Place | None:
    """The line of forward that puts it on ctx."""
    try:
        lines, first = inspect.getsourcelines(function.forward)
        file = inspect.getsourcefile(function.forward) or ""
    except (OSError, TypeError):
        return None
    puts = re.compile(rf"\w\.{name}\s*=[^=]")
    found = (first + number for number, line in enumerate(lines) if puts.search(line))
    return next((Place(file, line) for line in found), None)
