"""The value that an expression of a frame's text had when the error was raised."""

from __future__ import annotations

import ast
from typing import Any

from torch import Tensor

from grader.errors.seen.reading.frames import Frame


def named(node: ast.AST, frame: Frame) -> Any:
    """The value of a name, or of attributes and entries of one, and of nothing that computes."""
    inner = node
    while isinstance(inner, ast.Attribute | ast.Subscript):
        inner = inner.value
    return looked_up(node, frame) if isinstance(inner, ast.Name) else None


def looked_up(node: ast.AST, frame: Frame) -> Any:
    """The value of a name, or of attributes and entries of one; None if it is more than that."""
    if isinstance(node, ast.Name):
        return frame.names.get(node.id, frame.above.get(node.id))
    if isinstance(node, ast.Attribute):
        value = looked_up(node.value, frame)
        return getattr(value, node.attr, None) if value is not None else None
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        value, key = looked_up(node.value, frame), node.slice.value
        if isinstance(value, dict):
            return value.get(key)
        if isinstance(value, list | tuple) and isinstance(key, int) and abs(key) < len(value):
            return value[key]
        return None
    return None


def origin(node: ast.AST, frame: Frame) -> Tensor | None:
    """The first tensor that requires grad of those that an expression computes from."""
    values = [looked_up(one, frame) for one in ast.walk(node) if isinstance(one, ast.Name)]
    return next((one for one in values if isinstance(one, Tensor) and one.requires_grad), None)
