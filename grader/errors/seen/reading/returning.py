"""What a function of the reader's own returns: its one return, and the line of it."""

from __future__ import annotations

import ast
from typing import NamedTuple

from grader.errors.seen.reading.frames import Frame, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.scope import behind


class Return(NamedTuple):
    """What is returned, and where."""

    value: ast.expr
    place: str


def of_call(call: ast.Call, frame: Frame) -> Return | None:
    """The one return of the function, or of the module's forward, that a call runs."""
    function, _ = behind(looked_up(call.func, frame))
    if (code := own_function(function)) is None:
        return None
    tree, file, first = code
    found = [one for one in ast.walk(tree) if isinstance(one, ast.Return)]
    if len(found) != 1 or found[0].value is None:
        return None
    return Return(found[0].value, f"{file_name(file)}, line {first + found[0].lineno - 1}")
