"""Weights that a loop was to put into a model, where it gave its own variable another value."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up


class _Loop(NamedTuple):
    """A statement of a loop over a model's parameters that leaves these as they are."""

    line: int
    variable: str
    model: str
    """The model, as the code calls it."""
    copies: str
    """What the loop was to put into it."""
    is_data: bool
    """Whether it copies the values alone."""


def read(frames: Frames, told: Explained, asked: ast.expr) -> Explained | None:
    """The loop over a model's parameters, and what it takes of the tensors that are asked for."""
    frame, name = frames.last, ast.unparse(asked)
    for loop in _loops(frame):
        if loop.copies != name or loop.line >= frame.line:
            continue
        call = _called(frame, loop.model)
        weights = f"dict(zip(dict({loop.model}.named_parameters()), {name}))"
        inputs = ", ".join(map(ast.unparse, call.args)) if call is not None else "x"
        does = (
            f"copies values into the parameters of {loop.model}, and no graph"
            if loop.is_data
            else f"gives the variable {loop.variable} another value, and leaves the parameters of "
            f"{loop.model} as they are"
        )
        return replace(
            told,
            meaning=f"This line {does}: {loop.model} computed the result with its own parameters, "
            f"so it does not depend on {name}.",
            cure=f"Run {loop.model} on the others: torch.func.functional_call({loop.model}, "
            f"{weights}, ({inputs},)), in the place of {loop.model}({inputs}), and wherever "
            f"else {loop.model} is to run on them. This loop is not needed then.",
            place=frame.place_of(loop.line),
        )
    return None


def _loops(frame: Frame) -> Iterator[_Loop]:
    """`for p, q in zip(model.parameters(), copies): p = q`, and what is written like it."""
    for loop in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(loop, ast.For):
            continue
        pairs = dict(_paired(loop))
        model = next((one for one in map(_of_parameters, pairs.values()) if one), "")
        if not isinstance(_module(model, frame), nn.Module):
            continue
        mine = next((key for key, one in pairs.items() if _of_parameters(one)), "")
        for statement in loop.body:
            given = _given(statement, mine)
            if given is None:
                continue
            value, is_data = given
            if isinstance(value, ast.Attribute) and value.attr == "data":
                value = value.value
            copies = pairs.get(ast.unparse(value), _whole(value))
            yield _Loop(statement.lineno, mine, model, ast.unparse(copies), is_data)


def _paired(loop: ast.For) -> Iterator[tuple[str, ast.expr]]:
    """The loop's variables, each with what it goes through."""
    target, over = loop.target, loop.iter
    name = getattr(over.func, "id", "") if isinstance(over, ast.Call) else ""
    if name == "zip" and isinstance(over, ast.Call) and isinstance(target, ast.Tuple):
        for one, through in zip(target.elts, over.args, strict=False):
            yield from _last(one, through)
    elif name == "enumerate" and isinstance(over, ast.Call) and isinstance(target, ast.Tuple):
        yield from _last(target.elts[-1], over.args[0])
    else:
        yield from _last(target, over)


def _last(target: ast.expr, through: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """`p` of `p`, and of `(name, p)` in named_parameters()."""
    target = target.elts[-1] if isinstance(target, ast.Tuple) and target.elts else target
    yield ast.unparse(target), through


def _of_parameters(through: ast.expr) -> str:
    """`model` of `model.parameters()`."""
    function = through.func if isinstance(through, ast.Call) else None
    named = ("parameters", "named_parameters")
    is_it = isinstance(function, ast.Attribute) and function.attr in named
    return ast.unparse(function.value) if is_it and isinstance(function, ast.Attribute) else ""


def _module(model: str, frame: Frame) -> object:
    return looked_up(ast.parse(model, mode="eval").body, frame) if model else None


def _given(statement: ast.stmt, variable: str) -> tuple[ast.expr, bool] | None:
    """What a statement gives a variable, or copies into its values."""
    if isinstance(statement, ast.Assign):
        target = ast.unparse(statement.targets[0])
        if target in (variable, f"{variable}.data"):
            return statement.value, target != variable
    call = statement.value if isinstance(statement, ast.Expr) else None
    copies = (f"{variable}.copy_", f"{variable}.data.copy_")
    if isinstance(call, ast.Call) and call.args and ast.unparse(call.func) in copies:
        return call.args[0], True
    return None


def _whole(value: ast.expr) -> ast.expr:
    """`copies` of `copies[i]`."""
    return value.value if isinstance(value, ast.Subscript) else value


def _called(frame: Frame, model: str) -> ast.Call | None:
    """The last call of a model in front of the failing line."""
    calls = [
        one
        for one in (ast.walk(frame.source) if frame.source is not None else ())
        if isinstance(one, ast.Call) and ast.unparse(one.func) == model
        if one.lineno < frame.line
    ]
    return max(calls, key=lambda one: one.lineno, default=None)
