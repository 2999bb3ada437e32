"""A result that a caller hands to two functions: the backward of the first freed its graph."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from torch import Tensor

from grader.errors.seen.again import graph
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, own_function
from grader.errors.seen.reading.lookup import looked_up

Told = tuple[str, str, str]
"""Meaning, cure and line."""


def before(frames: Frames, frame: Frame, hanging: Mapping[str, Tensor]) -> Told | None:
    """The earlier call in a caller that was given what this loss hangs on, and ran backward."""
    at = frames.own.index(frame)
    given = {id(one): one for one in frame.names.values() if isinstance(one, Tensor)}
    handed = [one for one in hanging.values() if id(one) in given]
    freed = [one for one in handed if any(map(graph.is_freed, graph.nodes(one.grad_fn)))]
    for outer in reversed(frames.own[:at]):
        found = [
            (call, argument)
            for call in _earlier(outer)
            for argument in (*call.args, *(one.value for one in call.keywords))
            if any(looked_up(argument, outer) is one for one in freed) and _runs(call, outer)
        ]
        if found:
            call, argument = found[-1]
            name, function = source.in_brackets(argument), ast.unparse(call.func)
            text = ast.unparse(_detaching(call, argument))
            return (
                f"{name} went to {function}() before, whose backward ran through the graph of "
                f"{name} and freed it; this loss goes through it again.",
                f"Give the one that is not to train what {name} was computed from {name}.detach(), "
                f"as a discriminator is not to train the generator: {text}. Only if both are to "
                "train it, add the losses and call backward once: (a + b).backward().",
                outer.place_of(call.lineno),
            )
    return None


def _earlier(frame: Frame) -> Iterator[ast.Call]:
    """The calls before the line of a frame, in the same pass of its loop, as they are written."""
    tree = frame.source
    scope = (source.loop_of(tree, frame.line) or tree) if tree is not None else None
    for node in ast.walk(scope) if scope is not None else ():
        if isinstance(node, ast.Call) and (node.end_lineno or node.lineno) < frame.line:
            yield node


def _runs(call: ast.Call, frame: Frame) -> bool:
    """Whether the function of a call, the reader's own, holds a backward."""
    value: Any = looked_up(call.func, frame)
    function = value.__func__ if inspect.ismethod(value) else value
    code = own_function(function) if isinstance(function, FunctionType) else None
    return code is not None and bool(source.calls(code[0], "backward"))


def _detaching(call: ast.Call, argument: ast.expr) -> ast.Call:
    """The call with an argument that is detached."""

    def detached(one: ast.expr) -> ast.expr:
        if one is not argument:
            return one
        return ast.Call(ast.Attribute(one, "detach", ast.Load()), [], [])

    keywords = [ast.keyword(one.arg, detached(one.value)) for one in call.keywords]
    return ast.Call(call.func, [detached(one) for one in call.args], keywords)
