"""Layers that a constructor makes as variables of its own, and gives to no attribute."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import file_name

_INNER = (ast.Lambda, ast.FunctionDef)
_MOST = 4


def read(told: Explained, part: nn.Module, kind: ast.ClassDef, file: str) -> Explained | None:
    """The layers of a model's `__init__` that are no attributes of it."""
    own = getattr(type(part).__init__, "__globals__", {})
    found = [
        one
        for method in kind.body
        if _is_init(method)
        for one in _left(method, own)  # type: ignore[arg-type]
    ]
    if not found:
        return None
    names = [ast.unparse(one.targets[0]) for one in found]
    first, more = names[0], len(names) > 1
    attribute = f"self.{first.removeprefix('self_')}"
    used = " A function that computes with them hides them all the same." if _in_inner(part) else ""
    listed = ", ".join(names[:_MOST]) + (" and more" if len(names) > _MOST else "")
    return replace(
        told,
        meaning=f"{kind.name} has no parameters: {listed} {'are' if more else 'is'} made in "
        f"__init__ and given to no attribute of the model, which registers attributes alone.{used}",
        cure=f"Give {'each of them' if more else 'it'} to self: {attribute} = "
        f"{_short(found[0].value)}, and {attribute} where {first} is called.",
        place=f"{file_name(file)}, line {found[0].lineno}",
    )


def _is_init(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "__init__"


def _left(method: ast.FunctionDef, own: dict[str, Any]) -> Iterator[ast.Assign]:
    """Assignments of a layer to a variable that no statement on `self` reads, but for functions."""
    outside = [one for one in method.body if not isinstance(one, _INNER)]
    given = {name for one in outside for name in _given_to_self(one)}
    for node in ast.walk(method):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        if _is_layer(node.value, own) and node.targets[0].id not in given:
            yield node


def _given_to_self(statement: ast.stmt) -> Iterator[str]:
    """The variables that a statement which names `self` reads, or that another one keeps."""
    is_plain = isinstance(statement, ast.Assign) and isinstance(statement.value, _INNER)
    if is_plain:
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            owner = ast.unparse(statement)
            if "self" in owner.replace("self_", "") or "append(" in owner or "[" in owner:
                yield node.id


def _is_layer(value: ast.expr, own: dict[str, Any]) -> bool:
    """Whether a call makes a module, by the names of the file."""
    if not isinstance(value, ast.Call):
        return False
    first, *rest = source.spelled(value.func).split(".")
    one = own.get(first)
    for name in rest:
        one = getattr(one, name, None)
    return isinstance(one, type) and issubclass(one, nn.Module)


def _in_inner(part: nn.Module) -> bool:
    """Whether a function that the model keeps has a layer among the variables it closes over."""
    cells = [
        cell for one in vars(part).values() for cell in getattr(one, "__closure__", None) or ()
    ]
    return any(isinstance(cell.cell_contents, nn.Module) for cell in cells)


def _short(value: ast.expr) -> str:
    text = ast.unparse(value)
    return text if len(text) <= 60 else "..."
