"""The calls in a piece of code that start a backward pass, and the tensors they start from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from grader.errors.seen.again import graph
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame
from grader.errors.seen.reading.lookup import looked_up, origin


@dataclass(frozen=True)
class Start:
    """Where a backward pass starts, and from which tensor.

    Of `y.sum().backward()` the tensor is y, which the result was computed from: it is not exact.
    """

    at: tuple[int, int]
    end: int | None
    value: Tensor
    exact: bool
    name: str
    """The expression that it starts from, as it is written."""
    call: str
    """The whole call, as it is written."""


def started(scope: ast.AST, frame: Frame) -> list[Start]:
    """Every call that starts a backward pass, in the order of the text."""
    found = []
    for node in ast.walk(scope):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in ("backward", "grad"):
            continue
        starts: list[ast.AST] = list(node.args[:1])
        if isinstance(node.func, ast.Attribute) and name == "backward":
            starts.insert(0, node.func.value)
        for start in starts:
            value = looked_up(start, frame)
            root = value if isinstance(value, Tensor) else origin(start, frame)
            if isinstance(root, Tensor):
                at = node.lineno, node.end_col_offset or 0
                texts = ast.unparse(start), ast.unparse(node)
                found.append(Start(at, node.end_col_offset, root, root is value, *texts))
                break
    return sorted(found, key=lambda one: one.at)


def failing(scope: ast.AST, frame: Frame) -> Start | None:
    """The call that failed, of those on its line."""
    here = [one for one in started(scope, frame) if one.at[0] == frame.line]
    end = frame.columns[1] if frame.columns is not None else None
    return next((one for one in here if one.end == end), here[0] if here else None)


def before(scope: ast.AST, frame: Frame) -> list[Start]:
    """Those in front of the call that failed, the nearest first."""
    here = failing(scope, frame)
    found = started(scope, frame)
    return [one for one in reversed(found) if here is not None and one.at < here.at]


def around(frame: Frame) -> ast.AST | None:
    """The innermost loop that holds the failing line, or else the whole function."""
    tree = frame.source
    return (source.loop_of(tree, frame.line) or tree) if tree is not None else None


def sharing(scope: ast.AST, frame: Frame, root: Tensor) -> Iterator[tuple[Start, set[Any]]]:
    """Those before it whose graph has nodes in common with the failing one: with these nodes."""
    below = set(graph.nodes(root.grad_fn))
    for start in before(scope, frame):
        if start.value.grad_fn is not None and start.value is not root:
            shared = inner(graph.nodes(start.value.grad_fn))
            if shared & below:
                yield start, shared


def inner(found: list[Any]) -> set[Any]:
    """The nodes that are no leaves."""
    return {node for node in found if not hasattr(node, "variable")}
