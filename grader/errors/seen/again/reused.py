"""One graph that several calls go through: of a closure, of a cache, behind an earlier gradient."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from torch import Tensor

from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up

Told = tuple[str, str, str]
"""Meaning, cure and line."""


def by_closure(frames: Frames, frame: Frame, root: Tensor) -> Told | None:
    """A closure that an optimizer calls several times, on a loss computed outside of it."""
    tree = frame.source
    if not isinstance(tree, ast.FunctionDef) or frame not in frames.own[1:]:
        return None
    outer = frames.own[frames.own.index(frame) - 1]
    steps = [
        one
        for one in ast.walk(outer.source or ast.Pass())
        if isinstance(one, ast.Call)
        and getattr(one.func, "attr", "") == "step"
        and any(ast.unparse(given) == tree.name for given in one.args)
        and one.lineno <= outer.line <= (one.end_lineno or 0)
    ]
    names = [key for key, one in frame.names.items() if one is root]
    arguments = [one.arg for one in tree.args.args]
    outside = [one for one in names if one not in arguments and not source.assigned(tree, one)]
    if not steps or not outside or outer.source is None:
        return None
    name, caller = outside[0], ast.unparse(steps[0].func)
    made = source.assigned(outer.source, name)
    return (
        f"{caller} calls {tree.name}() several times, and {name} was computed outside of it, once: "
        "the first call freed its graph.",
        f"Compute {name} inside of {tree.name}(), with the forward pass that leads to it, behind "
        "zero_grad(): each call needs the loss of the weights as they are then.",
        outer.place_of(made[-1].lineno) if made else frame.place,  # type: ignore[attr-defined]
    )


def by_cache(frames: Frames) -> Told | None:
    """`parametrize.cached()` around several steps: the weight of the first is kept for all."""
    for frame in reversed(frames.own):
        for node in ast.walk(frame.source) if frame.source is not None else ():
            if not isinstance(node, ast.With) or not _holds(node, frame.line):
                continue
            calls = [ast.unparse(one.context_expr) for one in node.items]
            inner = source.loop_of(frame.source, frame.line) if frame.source is not None else None
            if "cached()" in calls[0] and inner is not None and _holds(node, inner.lineno):
                return (
                    f"Inside of `with {calls[0]}:` a parametrized weight is computed once and kept "
                    "with its graph, which the first backward freed; the block holds all steps.",
                    f"Write `with {calls[0]}:` inside of the loop, around the forward and backward "
                    "of one step, in front of optimizer.step().",
                    frame.place_of(node.lineno),
                )
    return None


def by_gradient(frames: Frames, frame: Frame) -> Told | None:
    """The one `autograd.grad` that ran before in this pass, and was not told to keep the graph."""
    found = list(dict.fromkeys(_freeing(frames, frame)))
    if len(found) != 1:
        return None
    return (
        "This torch.autograd.grad ran before, through the graph of this loss, and freed it.",
        "Pass create_graph=True to it where the loss is computed from its gradient and is to be "
        "trained through that; else retain_graph=True. Both keep the graph.",
        found[0],
    )


def _freeing(frames: Frames, frame: Frame) -> Iterator[str]:
    tree = frame.source
    loop = source.loop_of(tree, frame.line) if tree is not None else None
    for statement in ast.walk(loop or tree or ast.Pass()):
        if not isinstance(statement, ast.Assign | ast.Expr | ast.Return):
            continue
        if statement.lineno >= frame.line:
            continue
        for call in ast.walk(statement):
            if not isinstance(call, ast.Call):
                continue
            if _is_freeing(call):
                yield frame.place_of(call.lineno)
            elif (code := _code(looked_up(call.func, frame))) is not None:
                inside, file, first = code
                calls = (one for one in ast.walk(inside) if isinstance(one, ast.Call))
                for one in calls:
                    if _is_freeing(one):
                        yield f"{file_name(file)}, line {first + one.lineno - 1}"


def _code(value: Any) -> tuple[ast.AST, str, int] | None:
    function = value.__func__ if inspect.ismethod(value) else value
    return own_function(function) if isinstance(function, FunctionType) else None


def _is_freeing(call: ast.Call) -> bool:
    """`torch.autograd.grad(...)` with neither retain_graph nor create_graph."""
    if not ast.unparse(call.func).endswith("autograd.grad"):
        return False
    return not {"retain_graph", "create_graph"} & {one.arg for one in call.keywords}


def _holds(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)
