"""A custom Function whose backward never reads the gradient that it is given."""

from __future__ import annotations

import dis
import inspect
from types import CodeType
from typing import Any

from course.companion.finding import Finding, found
from course.companion.record.calls import Pass, Record
from course.companion.zeros import origins


def gradients(record: Record) -> list[Finding]:
    """Such Functions that ran in a watched pass, where they were given anything but ones.

    One that gives None or zeros cuts the way on purpose, or is told of as such.
    """
    told: dict[int, Finding] = {}
    for event in record.filling():
        about: Pass = event.about
        for number, (function, size) in about.by_hand.items():
            code = _code(function)
            if code is None or _reads_its_gradient(code) or not _gives(about, number):
                continue
            if size is not None and not all(float(one) == 1 for one in size):
                told[id(function)] = found(
                    "gradient_unread",
                    sure=False,
                    place=origins.backward_of(function),
                    function=function.__name__,
                    grad=code.co_varnames[1],
                )
    return list(told.values())


def _code(function: Any) -> CodeType | None:
    return getattr(inspect.unwrap(function.backward), "__code__", None)


def _reads_its_gradient(code: CodeType) -> bool:
    """Whether one of the arguments behind ctx is read."""
    count = code.co_argcount + bool(code.co_flags & inspect.CO_VARARGS)
    names = set(code.co_varnames[1:count])
    return any(
        one.argval in names for one in dis.get_instructions(code) if one.opname.startswith("LOAD")
    )


def _gives(about: Pass, number: int) -> bool:
    """Whether a node gave a gradient that is not zero."""
    _, sizes = about.sizes.get(number, ("", {}))
    return any(
        size is not None and len(size) == 2 and any(float(one) != 0 for one in size)
        for size in sizes.values()
    )
