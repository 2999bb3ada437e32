"""A part of a tensor that is written over by what was computed from it: `x[i] = layer(x[i])`."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.in_place import buffers
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name


def read(frames: Frames, told: Explained, node: str, edits: list[str]) -> Explained | None:
    """The one line that edits, if it computes what it writes from the very part it writes to."""
    found = {
        f"{file_name(file)}, line {first + one.lineno - 1}": (tree, one)
        for tree, file, first in buffers.code_of(frames)
        for one in ast.walk(tree)
        if isinstance(one, ast.Assign) and _writes_over(one)
    }
    if len(found) != 1 or set(edits) != set(found):
        return None
    ((place, (tree, one)),) = found.items()
    part = source.spelled(one.targets[0])
    whole = _whole(one.targets[0])
    name = source.spelled(whole)
    new = f"new_{name}" if name.isidentifier() else "new"
    written = part.replace(name, new, 1)
    loop = source.loop_of(tree, one.lineno)
    where = "the loop" if loop is not None else "this line"
    return replace(
        told,
        meaning=f"{part} is a view of the memory of {name}. {node} saved it when "
        f"`{source.spelled(one.value)}` was computed, and this line writes the result over it.",
        cure=f"Write into a tensor of its own: {new} = {name}.clone() in front of {where}, "
        f"{written} = {source.spelled(one.value)} in the place of this line, and {name} = {new} "
        "behind it.",
        place=place,
    )


def _writes_over(one: ast.Assign) -> bool:
    """Whether a call is given the entry that its result is written to."""
    target = one.targets[0]
    if not isinstance(target, ast.Subscript) or not isinstance(one.value, ast.Call | ast.BinOp):
        return False
    part = source.spelled(target)
    inside = (call for call in ast.walk(one.value) if isinstance(call, ast.Call | ast.BinOp))
    given = (arg for call in inside for arg in ast.walk(call) if isinstance(arg, ast.Subscript))
    return any(source.spelled(arg) == part for arg in given)


def _whole(target: ast.expr) -> ast.expr:
    """`x` of `x[i][j]`."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return target
