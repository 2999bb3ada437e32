"""A gradient of another shape: which entry of a custom Function's return it is."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.frames import Frames, file_name

_COUNT = re.compile(
    r"function (\w+)Backward returned an incorrect number of gradients \(expected (\d+), got (\d+)"
)
_TEXT = re.compile(
    r"Function (\w+)Backward returned an invalid gradient at index (\d+) - got (.*?]) "
)
_WANTED = re.compile(r"compatible with (\[.*?\])")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one return of the Function's backward, and what stands at the index of the message."""
    found, wanted = _TEXT.search(message), _WANTED.search(message)
    if found is None or wanted is None:
        return None
    name, index, given = found[1], int(found[2]), found[3]
    returns = _returns(frames, name)
    if len(returns) != 1:
        return None
    node, file = returns[0]
    values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
    before = values[: index + 1]
    if len(before) <= index or any(one is None or _is_none(one) for one in before):
        return None  # torch counts tensors alone, and None may stand for a number
    entry = ast.unparse(before[index] or ast.Constant(None))
    return replace(
        told,
        meaning=f"{name}.backward returns {entry} as the gradient of forward's argument {index}, "
        f"counted from 0 behind ctx. It has the shape {given}, and that argument {wanted[1]}: they "
        "must be the same.",
        place=f"{file_name(file)}, line {node.lineno}",
    )


def read_count(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one return of the Function's backward, and how many entries it lacks."""
    found = _COUNT.search(message)
    returns = _returns(frames, found[1]) if found is not None else []
    if found is None or len(returns) != 1:
        return None
    node, file = returns[0]
    name, wanted, given = found[1], int(found[2]), int(found[3])
    return replace(
        told,
        meaning=f"{name}.backward returns {given}, and forward takes {wanted} arguments, ctx not "
        "counted: each gets one gradient, and a list counts as one.",
        place=f"{file_name(file)}, line {node.lineno}",
    )


def _returns(frames: Frames, name: str) -> list[tuple[ast.Return, str]]:
    """The returns of the backward of a class of this name, with their files."""
    return [
        (node, file)
        for tree, file in frames.files()
        for kind in ast.walk(tree)
        if isinstance(kind, ast.ClassDef) and kind.name == name
        for method in kind.body
        if isinstance(method, ast.FunctionDef) and method.name == "backward"
        for node in ast.walk(method)
        if isinstance(node, ast.Return)
    ]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
