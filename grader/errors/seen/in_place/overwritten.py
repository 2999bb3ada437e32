"""A part of a tensor that is written over by what was computed from it: `x[i] = layer(x[i])`."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.in_place import buffers
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name

_SIZES = ("size", "shape", "device", "dtype")


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
    loop = _outermost(tree, one)
    if _is_read_elsewhere(loop or one, part, name):
        return None  # what is written is read again: in a copy it would not be there
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


def _outermost(tree: ast.AST, inside: ast.stmt) -> ast.stmt | None:
    """The outermost loop around a statement."""
    loops = [
        one
        for one in ast.walk(tree)
        if isinstance(one, source.Loop) and one.lineno <= inside.lineno <= (one.end_lineno or 0)
    ]
    return min(loops, key=lambda one: one.lineno, default=None)


def _is_read_elsewhere(scope: ast.stmt, part: str, name: str) -> bool:
    """Whether more of a tensor is read than its sizes and the part that is written over."""
    every = [one for one in ast.walk(scope) if isinstance(one, ast.expr)]
    mine = sum(source.spelled(one) == name for one in every)
    parts = sum(source.spelled(one) == part for one in every)
    sizes = sum(
        (
            isinstance(one, ast.Attribute)
            and one.attr in _SIZES
            and source.spelled(one.value) == name
        )
        or source.spelled(one) == f"len({name})"
        for one in every
    )
    return mine > parts + sizes


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
