"""A tensor whose slices a loop writes and reads again: every write edits what was saved."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up

MOST_FUNCTIONS = 300


def filled(frames: Frames) -> list[tuple[str, str, str]]:
    """Tensors that a loop writes by subscript and reads: name, the entry written, the line."""
    found = []
    for tree, file, first in code_of(frames):
        for loop in (node for node in ast.walk(tree) if isinstance(node, source.Loop)):
            for name, entry, line in _written(tree, loop):
                place = f"{file_name(file)}, line {first + line - 1}"
                found.append((name, entry, place))
    return list(dict.fromkeys(found))


def _written(tree: ast.AST, loop: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Local names that a loop writes entries of and reads too, and does not begin anew."""
    stores = [
        node
        for node in ast.walk(loop)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
    ]
    mentioned = [node.id for node in ast.walk(loop) if isinstance(node, ast.Name)]
    for one in stores:
        name = ast.unparse(one.value)
        wrote = sum(ast.unparse(other.value) == name for other in stores)
        made = (source.value_of(each, name) for each in source.assigned(tree, name))
        begun = any(is_collection(value) for value in made)
        if mentioned.count(name) > wrote and not begun and not source.assigned(loop, name):
            yield name, ast.unparse(one), one.lineno


def is_read_elsewhere(frames: Frames, name: str) -> bool:
    """Whether a loop reads all of a tensor, or entries by indices that another value holds.

    Such a loop does not go from one entry to the next: `state[neighbours]`, `x[edges[i]]`.
    """
    for tree, _, _ in code_of(frames):
        for loop in (node for node in ast.walk(tree) if isinstance(node, source.Loop)):
            if _is_read_whole(loop, name):
                return True
            parts = [one for one in ast.walk(loop) if isinstance(one, ast.Subscript)]
            mine = [one for one in parts if ast.unparse(one.value) == name]
            stored = [one.slice for one in mine if isinstance(one.ctx, ast.Store)]
            written = {ast.unparse(part) for one in stored for part in ast.walk(one)}
            read = [one.slice for one in mine if isinstance(one.ctx, ast.Load)]
            if written and any(_is_index(one) and ast.unparse(one) not in written for one in read):
                return True
    return False


_ABOUT = ("shape", "size", "dim", "device", "dtype", "numel", "new_zeros", "new_tensor")


def _is_read_whole(loop: ast.AST, name: str) -> bool:
    """Whether a loop that writes entries of a tensor computes with all of it: `mm(w, b)`."""
    wholes = [node for node in ast.walk(loop) if isinstance(node, ast.Name) and node.id == name]
    beside: list[ast.AST] = []
    stored = False
    for node in ast.walk(loop):
        if isinstance(node, ast.Subscript):
            beside.append(node.value)
            stored = stored or (isinstance(node.ctx, ast.Store) and node.value in wholes)
        elif isinstance(node, ast.Attribute) and node.attr in _ABOUT:
            beside.append(node.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("len", "range"):
            beside += node.args
    return stored and any(one not in beside for one in wholes)


def _is_index(node: ast.expr) -> bool:
    """`neighbours`, `edges[i]`: an index that is no number beside the loop's own."""
    return isinstance(node, ast.Name | ast.Subscript | ast.Attribute)


def is_collection(value: ast.expr | None) -> bool:
    """Whether a name is given a list or a dict, whose entries are no memory of a tensor."""
    if isinstance(value, ast.BinOp):
        value = value.left
    if isinstance(value, ast.Call):
        return getattr(value.func, "id", "") in ("list", "dict", "defaultdict", "deque", "zip")
    return isinstance(value, ast.List | ast.Dict | ast.Tuple | ast.ListComp | ast.DictComp)


def code_of(frames: Frames) -> Iterator[tuple[ast.AST, str, int]]:
    """The frames' own code, the functions that it calls, and every method of its models."""
    kinds: dict[int, Any] = {}
    for frame in reversed(frames.own):
        if (tree := frame.source) is None:
            continue
        yield tree, frame.file, 1
        for node in ast.walk(tree):
            value = looked_up(node.func, frame) if isinstance(node, ast.Call) else None
            function = getattr(value, "__func__", value)
            if isinstance(function, FunctionType):
                kinds[id(function)] = function
    for _, model in frames.modules():
        for part in model.modules():
            for kind in type(part).__mro__:
                methods = (one for one in vars(kind).values() if isinstance(one, FunctionType))
                kinds |= {id(one): one for one in methods}
    ahead = list(kinds.values())
    for function in ahead:
        if (code := own_function(function)) is not None:
            yield code
            for other in _called_in(code[0], function):
                if id(other) not in kinds and len(kinds) < MOST_FUNCTIONS:
                    kinds[id(other)] = other
                    ahead.append(other)


def _called_in(tree: ast.AST, function: FunctionType) -> Iterator[FunctionType]:
    """The functions that a function calls by names of its file."""
    for node in ast.walk(tree):
        name = (
            node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        )
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType):
            yield value
