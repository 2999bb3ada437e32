"""The calls and operations that the failing line holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.errors.seen.reading.frames import Frame


def on_line(frame: Frame) -> Iterator[ast.AST]:
    """What begins at or before the failing line and reaches it, that which failed first."""
    nodes = [
        node
        for node in (ast.walk(frame.source) if frame.source is not None else ())
        if isinstance(node, ast.expr | ast.Assign | ast.AugAssign)
        and node.lineno <= frame.line <= (node.end_lineno or node.lineno)
    ]
    yield from sorted(nodes, key=lambda node: not _is_it(node, frame))


def calls(frame: Frame, *names: str) -> Iterator[ast.Call]:
    """Calls of functions or methods of these names; the one that failed alone, if it is known."""
    found = [one for one in on_line(frame) if isinstance(one, ast.Call) and name_of(one) in names]
    exact = [one for one in found if _is_it(one, frame)]
    yield from exact or found


def name_of(call: ast.Call) -> str:
    """`gather` of `q.gather(1, a)` and of `torch.gather(q, 1, a)`."""
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def arguments(call: ast.Call) -> list[ast.expr]:
    """The arguments in a row, with the tensor whose method it is in front."""
    if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) not in ("torch", "F"):
        return [call.func.value, *call.args]
    return list(call.args)


def argument(call: ast.Call, at: int, name: str) -> ast.expr | None:
    """One argument, by its place among those of the function, or by its name."""
    given = arguments(call)
    words = [one.value for one in call.keywords if one.arg == name]
    return given[at] if len(given) > at else next(iter(words), None)


def passed(call: ast.Call, at: int, name: str) -> ast.expr | None:
    """One argument, by its place among those between the brackets, or by its name."""
    named = next((one.value for one in call.keywords if one.arg == name), None)
    return named or (call.args[at] if len(call.args) > at else None)


def _is_it(node: ast.AST, frame: Frame) -> bool:
    columns = (getattr(node, "col_offset", None), getattr(node, "end_col_offset", None))
    return columns == frame.columns and getattr(node, "lineno", None) == frame.line
