"""A leaf that was made after the result whose gradient at it is asked for."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_MAKERS = ("Variable", "Parameter", "tensor", "as_tensor")
_FLAGGING = ("requires_grad_", "detach", "clone", "float", "to", "contiguous")


class _Made(NamedTuple):
    """Where a result was computed: its line, the statement, and what a leaf is called there."""

    frame: Frame
    statement: ast.Assign
    leaf: str


def read(frames: Frames, told: Explained) -> Explained | None:
    """`x = Variable(x, requires_grad=True)` behind the call that computed the result from x."""
    frame = frames.last
    for call in failing.calls(frame, "grad"):
        result, asked = failing.passed(call, 0, "outputs"), failing.passed(call, 1, "inputs")
        entries = asked.elts if isinstance(asked, ast.List | ast.Tuple) else [asked]
        for one in entries:
            found = _late(frames, result, one) if isinstance(one, ast.Name) else None
            if found is not None and isinstance(one, ast.Name):
                return _told(frames, told, one.id, *found)
    return None


def _late(
    frames: Frames, result: ast.expr | None, asked: ast.Name
) -> tuple[ast.Assign, str, _Made] | None:
    """The statement that made the leaf, of what, and where the result had been computed."""
    frame = frames.last
    leaf = looked_up(asked, frame)
    whole = looked_up(result, frame) if result is not None else None
    if not isinstance(leaf, Tensor) or not leaf.is_leaf or not isinstance(whole, Tensor):
        return None
    if any(one is leaf for one in graph.leaves(graph.nodes(whole.grad_fn))):
        return None
    made = [one for one in _assigned(frame, asked.id) if one.lineno < frame.line]
    base = _wrapped(made[-1].value) if made else None
    if base is None or not isinstance(result, ast.Name):
        return None
    for outer, name, leaf_there in whence(frames, result.id, base):
        line = made[-1].lineno if outer is frame else outer.line
        before = [one for one in _assigned(outer, name) if one.lineno <= line]
        if before and (outer is not frame or before[-1].lineno < line):
            return made[-1], base, _Made(outer, before[-1], leaf_there)
    return None


def whence(frames: Frames, result: str, base: str) -> list[tuple[Frame, str, str]]:
    """The frame itself, then its caller, with what the result and the leaf are called in each."""
    found = [(frames.last, result, base)]
    if len(frames.own) < 2:
        return found
    outer, inner = frames.own[-2], frames.last
    definition = inner.source
    if not isinstance(definition, ast.FunctionDef) or _assigned(inner, result):
        return found
    names = [one.arg for one in (*definition.args.posonlyargs, *definition.args.args)]
    names = names[1:] if names[:1] == ["self"] else names
    for call in failing.calls(outer, inner.code_name):
        given = dict(zip(names, map(ast.unparse, call.args), strict=False))
        given |= {one.arg: ast.unparse(one.value) for one in call.keywords if one.arg}
        if result in given:
            found.append((outer, given[result], given.get(base, base)))
    return found


def _told(
    frames: Frames, told: Explained, name: str, late: ast.Assign, base: str, made: _Made
) -> Explained:
    frame, written = frames.last, ast.unparse(made.statement)
    where = made.frame.place_of(made.statement.lineno)
    again = f", and ask for the gradient of {base} itself" if base != name else ""
    return replace(
        told,
        meaning=f"`{ast.unparse(late)}` makes a new leaf, after the result had been computed by "
        f"`{written}` ({where}): nothing leads from that result to it.",
        cure=f"Take that line out{again}. Let {made.leaf} require grad before it is used: "
        f"{made.leaf}.requires_grad_(), in front of `{written}`.",
        place=frame.place_of(late.lineno),
    )


def _wrapped(value: ast.expr) -> str | None:
    """`x` of `Variable(x, requires_grad=True)` and of `x.detach().requires_grad_()`."""
    text = ast.unparse(value)
    if "requires_grad" not in text and "Parameter" not in text:
        return None
    while isinstance(value, ast.Call):
        name = failing.name_of(value)
        if name in _MAKERS and value.args:
            value = value.args[0]
        elif name in _FLAGGING and isinstance(value.func, ast.Attribute):
            value = value.func.value
        else:
            return None
    while isinstance(value, ast.Attribute) and value.attr == "data":
        value = value.value
    return ast.unparse(value) if isinstance(value, ast.Name | ast.Attribute) else None


def _assigned(frame: Frame, name: str) -> list[ast.Assign]:
    found = source.assigned(frame.source, name) if frame.source is not None else []
    return [one for one in found if isinstance(one, ast.Assign)]
