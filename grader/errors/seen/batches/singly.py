"""An entry of a batch that the code takes sample by sample: where, and by which name."""

from __future__ import annotations

import ast
from typing import NamedTuple

from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up

_LOOPS = (ast.For, ast.comprehension)
_TOGETHER = ("zip", "enumerate", "reversed", "list", "map")


class Taken(NamedTuple):
    """What the entry is called, and where it is gone through."""

    name: str
    place: str


def taken(frames: Frames, entry: str) -> Taken | None:
    """Where the loop over the loader, or a function that it calls, goes through an entry.

    `entry` is how a sample is asked for it: `[1]`. None where nothing does.
    """
    for frame in reversed(frames.own):
        tree = frame.source
        loop = source.loop_of(tree, frame.line) if tree is not None else None
        if isinstance(loop, ast.For) and (name := _called(loop, entry)) is not None:
            return _in_loop(frame, loop, name)
    return None


def _called(loop: ast.For, entry: str) -> str | None:
    """What a loop calls an entry of its batch: `y`, `batch[1]`, `batch['boxes']`."""
    target: ast.expr = loop.target
    counts = isinstance(loop.iter, ast.Call) and ast.unparse(loop.iter.func) == "enumerate"
    if counts and isinstance(target, ast.Tuple):
        target = target.elts[-1]
    if isinstance(target, ast.Tuple):
        return _element(target, entry)
    if not isinstance(target, ast.Name):
        return None
    for one in ast.walk(loop):
        if isinstance(one, ast.Assign) and ast.unparse(one.value) == target.id:
            if isinstance(one.targets[0], ast.Tuple):
                return _element(one.targets[0], entry)
        elif isinstance(one, ast.Assign) and ast.unparse(one.value) == f"{target.id}{entry}":
            return ast.unparse(one.targets[0])
    return f"{target.id}{entry}"


def _element(names: ast.Tuple, entry: str) -> str | None:
    number = entry[1:-1]
    if not number.isdigit() or int(number) >= len(names.elts):
        return None
    one = names.elts[int(number)]
    return one.id if isinstance(one, ast.Name) else None


def _in_loop(frame: Frame, loop: ast.For, name: str) -> Taken | None:
    if (line := _gone_through(loop.body, name)) is not None:
        return Taken(name, frame.place_of(line))
    for call in source.called(ast.Module(loop.body, [])):
        called = looked_up(call.func, frame)
        code = own_function(called) or source.own_code(type(called))
        function = code[0] if code is not None else None
        body = next((one for one in ast.walk(function or loop) if _is_function(one)), None)
        if code is None or not isinstance(body, ast.FunctionDef):
            continue
        arguments = [one.arg for one in body.args.args if one.arg != "self"]
        given = [ast.unparse(one) for one in call.args]
        inner = [own for own, one in zip(arguments, given, strict=False) if one == name]
        inner += [str(one.arg) for one in call.keywords if ast.unparse(one.value) == name]
        for own in inner:
            if (line := _gone_through(body.body, own)) is not None:
                return Taken(own, f"{file_name(code[1])}, line {code[2] + line - 1}")
    return None


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef)


def _gone_through(body: list[ast.stmt], name: str) -> int | None:
    """The line that goes through a name, alone or beside others."""
    for node in ast.walk(ast.Module(body, [])):
        if not isinstance(node, _LOOPS):
            continue
        over = node.iter
        several = over.args if isinstance(over, ast.Call) and _is_together(over) else [over]
        if any(ast.unparse(one) == name for one in several):
            return int(over.lineno)
    return None


def _is_together(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in _TOGETHER
