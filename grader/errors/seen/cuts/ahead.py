"""A gradient that is read in front of the backward pass that fills it."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import NamedTuple

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frame, Frames


class Ahead(NamedTuple):
    """The pass that comes too late for a line: its line and text, and what is to be moved."""

    line: int
    written: str
    since: str
    """Words on what emptied the gradients in front of the line that reads them."""
    what: str


def read(frames: Frames, told: Explained, name: str) -> Explained | None:
    """The pass behind the failing line that fills the gradient which this line reads.

    It may stand behind the call of the function that reads it.
    """
    for frame in frames.own[:-3:-1]:
        if _is_behind(frame):
            return None
        if (later := _later(frame)) is not None:
            return replace(
                told,
                meaning=f"{name}.grad is None: what fills it comes later, {later.written} on line "
                f"{later.line}{later.since}.",
                cure=f"Move {later.what} behind {later.written}.",
                place=frame.place,
                sure=frame is frames.last,
            )
    return None


def _is_behind(frame: Frame) -> bool:
    """Whether a pass stands in front of the failing line, behind what empties."""
    for row in _rows(frame):
        at = next(n for n, one in enumerate(row) if _holds(one, frame.line))
        if any(_calls(one, "backward", "grad") for one in row[_since(row, at) : at]):
            return True
    return False


def _since(row: list[ast.stmt], at: int) -> int:
    """Where a row begins to count: behind the last zero_grad() in front of a statement."""
    emptied = [n for n, one in enumerate(row[:at]) if _calls(one, "zero_grad")]
    return emptied[-1] + 1 if emptied else 0


def _later(frame: Frame) -> Ahead | None:
    """The one backward behind the failing line, in one row of statements with what holds that."""
    for row in _rows(frame):
        at = next(n for n, one in enumerate(row) if _holds(one, frame.line))
        since = _since(row, at)
        later = [call for one in row[at + 1 :] for call in _calls(one, "backward")]
        if len(later) == 1 and not _calls(row[at], "backward", "grad"):
            first = row[at].lineno
            written = ast.unparse(later[0])
            line = row[since - 1].lineno if since else 0
            return Ahead(
                later[0].lineno,
                written if len(written) <= 60 else "backward()",
                f", and zero_grad() on line {line} emptied what was there" if since else "",
                "this line" if first == frame.line else f"the statement of line {first}",
            )
    return None


def _rows(frame: Frame) -> list[list[ast.stmt]]:
    """The rows of statements around the failing line, the innermost first."""
    found = []
    for node in ast.walk(frame.source) if frame.source is not None else ():
        for part in ("body", "orelse", "finalbody"):
            row = getattr(node, part, None)
            if isinstance(row, list) and any(_holds(one, frame.line) for one in row):
                found.append(row)
    return found[::-1]


def _holds(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or 0)


def _calls(node: ast.AST, *names: str) -> list[ast.Call]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return []
    calls = (one for one in ast.walk(node) if isinstance(one, ast.Call))
    return [one for one in calls if failing.name_of(one) in names]
