"""A hook that reads a loop's variable when it runs, and not when it was made."""

from __future__ import annotations

import ast
import linecache
from types import FunctionType
from typing import Any

from torch import Tensor

from course.companion.finding import Finding, found
from course.companion.places import Place


def zero(hook: Any, name: str) -> Finding | None:
    """Of a hook that was made in a loop and reads what the loop left in its variable: zero."""
    if not isinstance(hook, FunctionType):
        return None
    code = hook.__code__
    for variable in sorted(_of_loop(code.co_filename, code.co_firstlineno)):
        if variable in code.co_freevars and hook.__closure__ is not None:
            value = hook.__closure__[code.co_freevars.index(variable)].cell_contents
        elif variable in code.co_names:
            value = hook.__globals__.get(variable)
        else:
            continue
        if _is_zero(value):
            place = Place(code.co_filename, code.co_firstlineno)
            return found("zero_hook_late", tensor=name, place=place, sure=False, variable=variable)
    return None


def _of_loop(file: str, line: int) -> set[str]:
    """The variables of the loops around a function that begins on a line, if it multiplies by them.

    Loops around the function that it stands in do not count: each call of that has its own.
    """
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return set()
    names: set[str] = set()
    ahead: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset())]
    for node, around in ahead:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            if node.lineno == line:
                names |= around & _factors(node)
            around = frozenset()
        elif isinstance(node, ast.For):
            around |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
        ahead += [(one, around) for one in ast.iter_child_nodes(node)]
    return names


def _factors(function: ast.AST) -> set[str]:
    """The names that a function multiplies by."""
    products = (
        one
        for one in ast.walk(function)
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mult)
    )
    sides = (side for one in products for side in (one.left, one.right))
    return {side.id for side in sides if isinstance(side, ast.Name)}


def _is_zero(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.numel() > 0 and not bool(value.any())
    return isinstance(value, int | float) and value == 0
