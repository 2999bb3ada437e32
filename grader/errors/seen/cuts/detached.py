"""Whether a piece of code that runs again and again cuts a carried value off its old graph."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from enum import Enum
from types import FunctionType
from typing import Any

from grader.errors.seen.reading import source

_NUMBERS = ("data", "shape", "dtype", "device", "ndim")
_CUTTING = ("detach", "detach_", "item", "tolist", "numpy", "size", "dim", "numel")
"""Attributes and methods of a tensor whose values have no graph."""
_KEEPING = ("clone", "to", "contiguous", "requires_grad_", "cpu", "cuda", "float", "view")
"""Methods whose result has no graph if the tensor has none."""

Value = Callable[[ast.AST], Any]
"""Looks up the value of a name or an attribute where the code ran; None if it has none."""


class _First(Enum):
    """What a piece of code does first with a value that it did not make itself."""

    CUT = "detaches it"
    NEW = "puts another in its place"
    USED = "computes with it"


def is_detached(body: list[ast.stmt], name: str, value: Value = lambda _: None) -> bool:
    """Whether the body of a loop, or of a method, leaves nothing of a name's old graph.

    Either the value of the pass before is detached before anything is computed with it, or the
    body ends by detaching it. A detach that runs only in some passes is none.
    """
    first = _first(body, name, value)
    if first in (_First.CUT, _First.NEW):
        return True
    last = [one for one in _certain(body, name) if _gives(one, name) or _is_cut_off(one, name)]
    return bool(last) and _ends_cut(last[-1], name, value)


def gives_cut(statement: ast.AST, name: str) -> bool:
    """Whether what a statement gives to a name has no graph, as its text tells."""
    given = _given(statement, name)
    return given is not None and _is_cut(given, lambda _: None)


def _first(body: list[ast.stmt], name: str, value: Value) -> _First | None:
    for statement in body:
        found = _of_statement(statement, name, value)
        if found is not None:
            return found
    return None


def _of_statement(statement: ast.stmt, name: str, value: Value) -> _First | None:
    if isinstance(statement, ast.With | ast.AsyncWith | ast.Try):
        return _first(statement.body, name, value)
    if isinstance(statement, ast.If) and source.reads(statement.test, name):
        both = [_first(part, name, value) for part in (statement.body, statement.orelse)]
        found = [one for one in (_First.USED, _First.CUT) if one in both]
        return found[0] if found else None
    if _is_cut_off(statement, name):
        return _First.CUT
    if _uses(statement, name, value):
        return _First.USED
    if isinstance(statement, ast.If | ast.For | ast.While) or not _gives(statement, name):
        return None
    return _First.CUT if source.reads(statement, name) else _First.NEW


def _certain(body: list[ast.stmt], name: str) -> Iterator[ast.stmt]:
    """The statements that run in every pass, those too that ask first whether there is a value."""
    for statement in body:
        if isinstance(statement, ast.With | ast.AsyncWith | ast.Try) or (
            isinstance(statement, ast.If) and source.reads(statement.test, name)
        ):
            yield from _certain(statement.body, name)
        else:
            yield statement


def _is_cut_off(statement: ast.stmt, name: str) -> bool:
    """`h.detach_()`, or that of each part of a tuple."""
    if isinstance(statement, ast.For) and source.spelled(statement.iter) == name:
        part = source.spelled(statement.target)
        return any(_is_cut_off(one, part) for one in statement.body)
    return isinstance(statement, ast.Expr) and source.spelled(statement.value) == (
        f"{name}.detach_()"
    )


def _ends_cut(statement: ast.stmt, name: str, value: Value) -> bool:
    if _is_cut_off(statement, name):
        return True
    given = _given(statement, name)
    return given is not None and _is_cut(given, value)


def _gives(statement: ast.stmt, name: str) -> bool:
    return any(one is statement for one in source.assigned(statement, name))


def _given(statement: ast.AST, name: str) -> ast.expr | None:
    """The expression whose value a statement gives to a name."""
    if not isinstance(statement, ast.Assign):
        return None
    target, given = statement.targets[0], statement.value
    if not isinstance(target, ast.Tuple) or not isinstance(given, ast.Tuple):
        return given
    pairs = zip(target.elts, given.elts, strict=False)
    return next((one for key, one in pairs if source.spelled(key) == name), given)


def _is_cut(node: ast.AST, value: Value) -> bool:
    """Whether what an expression gives has no graph."""
    if isinstance(node, ast.Attribute):
        return node.attr in _NUMBERS
    if isinstance(node, ast.Tuple | ast.List):
        return all(_is_cut(one, value) for one in node.elts)
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return _is_cut(node.elt, value)
    if isinstance(node, ast.DictComp):
        return _is_cut(node.value, value)
    if isinstance(node, ast.IfExp):
        return _is_cut(node.body, value) and _is_cut(node.orelse, value)
    if isinstance(node, ast.Call):
        return _is_cutting_call(node, value)
    return isinstance(node, ast.Constant)


def _is_cutting_call(node: ast.Call, value: Value) -> bool:
    if isinstance(node.func, ast.Attribute):
        if node.func.attr in _CUTTING:
            return True
        if node.func.attr in _KEEPING and _is_cut(node.func.value, value):
            return True
    if source.spelled(node.func) in ("tuple", "list"):
        return all(_is_cut(one, value) for one in node.args)
    function = value(node.func)
    function = getattr(function, "__func__", function)
    code = source.own_code(function) if isinstance(function, FunctionType) else None
    return code is not None and bool(source.calls(code[0], "detach", "detach_"))


def _uses(statement: ast.AST, name: str, value: Value) -> bool:
    """Whether a statement computes with a name's value while that still has its graph."""
    if isinstance(statement, ast.expr) and _is_cut(statement, value):
        return False
    if isinstance(statement, ast.Compare) and isinstance(statement.ops[0], ast.Is | ast.IsNot):
        return False
    if isinstance(statement, ast.AugAssign) and source.spelled(statement.target) == name:
        return True
    loads = isinstance(statement, ast.Name | ast.Attribute) and isinstance(statement.ctx, ast.Load)
    if loads and source.spelled(statement) == name:
        return True
    return any(_uses(one, name, value) for one in ast.iter_child_nodes(statement))
