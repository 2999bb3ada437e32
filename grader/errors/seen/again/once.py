"""A value that is computed once and kept with its graph, where every forward is to compute it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor, nn

from grader.errors.seen.again import graph
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name


class Once(NamedTuple):
    """Which method or line computes a value once, and where that is."""

    by: str
    place: str


def attribute(frames: Frames, kept: str) -> Once | None:
    """The method of a module that computes one of its attributes, if forward does not call it."""
    owner, _, name = kept.rpartition(".")
    for known, module in frames.modules():
        for path, part in module.named_modules():
            ends = ("self", known.rpartition(".")[2], path.rpartition(".")[2])
            if name not in vars(part) or owner.rpartition(".")[2] not in ends:
                continue
            methods = source.methods(type(part))
            made = [
                (method, first + one.lineno - 1)  # type: ignore[attr-defined]
                for method, first in methods
                for one in source.assigned(method, f"self.{name}")
                if not isinstance(source.value_of(one, f"self.{name}"), ast.Constant | ast.List)
            ]
            if len({method.name for method, _ in made}) != 1 or _is_of_forward(methods, made[0][0]):
                return None
            file = file_name(source.file_of(type(part)))
            return Once(f"in {made[0][0].name}()", f"{file}, line {made[0][1]}")
    return None


def beside(frames: Frames, owner: Any, kept: Tensor) -> tuple[str, str, str] | None:
    """Of an attribute that one method of an object sets: meaning, cure and line.

    Where nothing lies behind it that is trained it is a constant of the training, and may be
    detached. Where something does, of an object that is no module, it is to be computed anew.
    """
    kind = type(owner)
    held = frames.held()
    behind = graph.leaves(graph.nodes(kept.grad_fn))
    names = [key for key, one in getattr(owner, "__dict__", {}).items() if one is kept]
    trained = any(id(one) in held for one in behind)
    if not held or not names or (trained and isinstance(owner, nn.Module)):
        return None
    own = f"self.{names[0]}"
    made = [
        (method, first + one.lineno - 1, value)  # type: ignore[attr-defined]
        for method, first in source.methods(kind)
        for one in source.assigned(method, own)
        if (value := source.value_of(one, own)) is not None and not isinstance(value, ast.Constant)
    ]
    if len(made) != 1 or made[0][0].name in ("forward", "__call__"):
        return None
    method, line, value = made[0]
    text = ast.unparse(value)
    place = f"{file_name(source.file_of(kind))}, line {line}"
    said = (
        f"{own} of {kind.__name__} was computed once, in {method.name}(), and kept with its graph, "
        "which the first backward freed; this loss still hangs on it."
    )
    if trained:
        if (outside := _from_outside(frames, owner, names[0], value, method)) is not None:
            anew, where = outside
            return (
                f"{said} An optimizer holds what it was computed from.",
                f"Compute it anew in every step, in front of the loss: {anew}. With detach() what "
                "it was computed from would get no gradient through it.",
                where,
            )
        return (
            f"{said} An optimizer holds what it was computed from.",
            f"Compute it anew in every step, in front of the loss: {own} = {text}. With detach() "
            "what it was computed from would get no gradient through it.",
            place,
        )
    return (
        f"{said} Nothing lies behind it that an optimizer holds.",
        f"Keep its value alone: {own} = {source.in_brackets(value)}.detach().",
        place,
    )


def _from_outside(
    frames: Frames, owner: Any, name: str, value: ast.expr, method: ast.FunctionDef
) -> tuple[str, str] | None:
    """Of an argument of __init__ that is kept: the line that sets it, in the caller's names.

    It needs a name for the object, and the one call that made it.
    """
    arguments = [one.arg for one in method.args.args]
    if method.name != "__init__" or ast.unparse(value) not in arguments:
        return None
    called = next(
        (key for frame in frames.own for key, one in frame.variables.items() if one is owner), ""
    )
    made = [
        (call, file)
        for tree, file in frames.files()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == type(owner).__name__
    ]
    if not called or len(made) != 1:
        return None
    call, file = made[0]
    at = arguments.index(ast.unparse(value)) - 1
    words = {one.arg: one.value for one in call.keywords}
    given = call.args[at] if len(call.args) > at else words.get(arguments[at + 1])
    if given is None or isinstance(given, ast.Name | ast.Attribute | ast.Constant | ast.Starred):
        return None
    return f"{called}.{name} = {ast.unparse(given)}", f"{file_name(file)}, line {call.lineno}"


def _is_of_forward(methods: list[tuple[ast.FunctionDef, int]], made: ast.FunctionDef) -> bool:
    """Whether a method runs in every forward pass, as far as forward itself shows it."""
    forward = next((method for method, _ in methods if method.name == "forward"), None)
    if made.name == "forward" or forward is None:
        return True
    return bool(source.calls(forward, made.name))


def entry(code: Iterator[tuple[ast.AST, str, int]], kept: str) -> Once | None:
    """The line that puts something into a dict only where it is not there yet."""
    names = (kept, f"self.{kept.rpartition('.')[2]}" if "." in kept else kept)
    for tree, file, first in code:
        for node in ast.walk(tree):
            if not isinstance(node, ast.If) or not _asks_for(node.test, names):
                continue
            for one in node.body:
                if isinstance(one, ast.Assign) and _is_entry(one.targets[0], names):
                    line = first + one.lineno - 1
                    return Once("where it was not there yet", f"{file_name(file)}, line {line}")
    return None


def _asks_for(test: ast.expr, names: tuple[str, ...]) -> bool:
    """`"basis" not in cache`"""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.NotIn)
        and ast.unparse(test.comparators[0]) in names
    )


def _is_entry(target: ast.expr, names: tuple[str, ...]) -> bool:
    return isinstance(target, ast.Subscript) and ast.unparse(target.value) in names


def below(
    frames: Frames, opened: Iterator[tuple[str, Tensor]], root: Tensor, parameter: Tensor
) -> tuple[str, Once] | None:
    """A value that a loss hangs on and that a method computed of a parameter once."""
    under = set(graph.nodes(root.grad_fn))
    for path, one in opened:
        if one.grad_fn is None or one.grad_fn not in under:
            continue
        made = attribute(frames, path)
        if made is not None and any(
            leaf is parameter for leaf in graph.leaves(graph.nodes(one.grad_fn))
        ):
            return path, made
    return None
