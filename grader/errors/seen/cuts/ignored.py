"""A tensor that a call is given and does not compute with: where its way to the result ended."""

from __future__ import annotations

import ast
from dataclasses import replace
from types import FunctionType
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.scope import behind

_DEEP = 4


def read(frames: Frames, told: Explained, asked: ast.expr) -> Explained | None:
    """The statement that is given what is asked for, and whose result does not depend on it."""
    frame, tensor = frames.last, looked_up(asked, frames.last)
    if not isinstance(asked, ast.Name) or not isinstance(tensor, Tensor) or frame.source is None:
        return None
    reaching = {asked.id}
    for statement in _statements(frame):
        name = source.spelled(statement.targets[0])
        made = frame.names.get(name)
        if name in reaching or not any(source.reads(statement.value, one) for one in reaching):
            continue
        if not isinstance(made, Tensor):
            return None
        if made.grad_fn is not None and _leads_to(made, tensor):
            reaching.add(name)
            continue
        call = statement.value
        if not isinstance(call, ast.Call):
            return None
        given = [one for one in reaching if source.reads(call, one)]
        why, cure = _ignored(frame, call, given)
        return replace(
            told,
            meaning=f"{asked.id} is given to {source.spelled(call)}, and {name}, which that "
            f"returns, does not depend on it.{why}",
            cure=cure
            or f"Compute {name} from {asked.id}: look at what that call does with it, "
            "and at whether it is detached there.",
            place=frame.place_of(statement.lineno),
        )
    return None


def _statements(frame: Frame) -> list[ast.Assign]:
    """The assignments in front of the failing line to one name each, in order."""
    every = ast.walk(frame.source) if frame.source is not None else ()
    plain = [one for one in every if isinstance(one, ast.Assign) and len(one.targets) == 1]
    before = (one for one in plain if (one.end_lineno or one.lineno) < frame.line)
    return sorted(before, key=lambda one: one.lineno)


def _leads_to(made: Tensor, tensor: Tensor) -> bool:
    nodes = graph.nodes(made.grad_fn)
    return (
        tensor.grad_fn in nodes
        if tensor.grad_fn is not None
        else any(getattr(node, "variable", None) is tensor for node in nodes)
    )


def _ignored(frame: Frame, call: ast.Call, given: list[str]) -> tuple[str, str]:
    """Of a call whose function uses an argument in one case alone: a sentence, and the cure."""
    values: dict[str, Any] = dict(frame.variables)
    for _ in range(_DEEP):
        function, owner = behind(_value(call.func, values))
        code = own_function(function)
        body = getattr(code[0], "body", []) if code is not None else []
        if function is None or code is None or not body:
            return "", ""
        tree, place = body[0], f"{file_name(code[1])}, line {{}}"
        if not isinstance(tree, ast.FunctionDef):
            return "", ""
        passed = _passed(tree, call, owner)
        mine = [n for n, one in passed.items() if any(source.reads(one, name) for name in given)]
        if len(mine) != 1:
            return "", ""
        (name,) = mine
        reads = [one for one in ast.walk(tree) if _is_read(one, name)]
        if not reads:
            at = place.format(code[2] + tree.lineno - 1)
            return f" {tree.name}() never uses its argument {name} ({at}).", ""
        for node in ast.walk(tree):
            if isinstance(node, ast.IfExp | ast.If) and (by := _skipped(node, passed, reads)):
                at, text = place.format(code[2] + node.lineno - 1), source.spelled(call)
                return (
                    f" {tree.name}() uses {name} only where {by} is None ({at}), and {text} "
                    f"passes {by} too.",
                    f"Leave {by} out of {text}, so that {name} is what it computes with.",
                )
        further = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _hands(one, name)]
        if len(further) != 1:
            return "", ""
        values = _visible(function, tree, owner)
        call, given = further[0], [name]
    return "", ""


def _passed(tree: ast.FunctionDef, call: ast.Call, owner: Any) -> dict[str, ast.expr]:
    """What a call passes, by the names of the function's arguments."""
    arguments = [one.arg for one in tree.args.args][1 if owner is not None else 0 :]
    passed = dict(zip(arguments, call.args, strict=False))
    return passed | {one.arg: one.value for one in call.keywords if one.arg is not None}


def _skipped(
    node: ast.IfExp | ast.If, passed: dict[str, ast.expr], reads: list[ast.AST]
) -> str | None:
    """The argument that was passed, and by which a condition skips all these reads."""
    if (decided := _decided(node, passed)) is None:
        return None
    other, is_true = decided
    skipped = node.orelse if is_true else node.body
    inside = skipped if isinstance(skipped, list) else [skipped]
    known = {id(one) for part in inside for one in ast.walk(part)}
    return other if all(id(one) in known for one in reads) else None


def _hands(call: ast.Call, name: str) -> bool:
    parts = (part for one in (*call.args, *call.keywords) for part in ast.walk(one))
    return any(_is_read(part, name) for part in parts)


def _visible(function: FunctionType, tree: ast.FunctionDef, owner: Any) -> dict[str, Any]:
    """The variables that a function finds outside of it, and self."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    values = {**function.__globals__, **{key: one.cell_contents for key, one in cells}}
    if owner is not None and tree.args.args:
        values[tree.args.args[0].arg] = owner
    return values


def _value(node: ast.expr, values: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return values.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(_value(node.value, values), node.attr, None)
    return None


def _is_read(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)


def _decided(node: ast.IfExp | ast.If, passed: dict[str, ast.expr]) -> tuple[str, bool] | None:
    """The argument that a condition asks for, which was passed, and whether that makes it true."""
    test = node.test
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name):
        right = test.comparators[0]
        is_none = isinstance(right, ast.Constant) and right.value is None
        value = passed.get(test.left.id)
        given = value is not None and not isinstance(value, ast.Constant)
        if is_none and given and isinstance(test.ops[0], ast.Is | ast.IsNot):
            return test.left.id, isinstance(test.ops[0], ast.IsNot)
    return None
