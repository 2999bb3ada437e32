"""Which lines of a function had run when it raised: those before the failing one, or a loop's."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name

STRAIGHT, ROUND, AGAIN, NEVER = 3, 2, 1, 0
"""It ran before the failing line; in an earlier pass; maybe in an earlier call; it cannot have."""


def when(frames: Frames, number: int, line: int, column: int = 0) -> int:
    """When a line of one of the reader's own frames ran, of which the last is the innermost.

    Of several statements on one line `column` is where the one that is asked about begins.
    """
    frame = frames.own[number]
    if (tree := frame.source) is None:
        return AGAIN
    is_behind = line == frame.line and bool(frame.columns and column >= frame.columns[1])
    if line <= frame.line and not is_behind and not _is_other_branch(tree, line, frame.line):
        return STRAIGHT
    loops = (node for node in ast.walk(tree) if isinstance(node, source.Loop))
    if any(_holds([loop], line) and _holds([loop], frame.line) for loop in loops):
        return ROUND
    return AGAIN if _is_called_again(frames, number) else NEVER


def _is_called_again(frames: Frames, number: int) -> bool:
    """Whether a frame's code may run several times: called in a loop, or a notebook's cell."""
    outer = frames.own[:number]
    if any(one.source is not None and source.loop_of(one.source, one.line) for one in outer):
        return True
    return any("cell" in file_name(one.file) for one in frames.own[: number + 1])


def _is_other_branch(tree: ast.AST, line: int, failing: int) -> bool:
    """Whether one `if` has a line on one side and the failing one on the other."""
    return any(
        (_holds(node.body, line) and _holds(node.orelse, failing))
        or (_holds(node.orelse, line) and _holds(node.body, failing))
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
    )


def _holds(body: Sequence[ast.stmt], line: int) -> bool:
    return any(one.lineno <= line <= (one.end_lineno or one.lineno) for one in body)
