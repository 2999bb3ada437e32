"""A derivative of a derivative that does not depend on the input, since the function is linear."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, own_function
from grader.errors.seen.reading.lookup import looked_up

_CUTS = ("item", "detach", "tolist", "numpy", "tensor")


def constant(frames: Frames, told: Explained) -> Explained | None:
    """A gradient with respect to x, recorded, that is differentiated by the same x and has none."""
    asked = _asked(frames.last)
    if asked is None:
        return None
    starts, by = asked
    for frame in reversed(frames.own):
        for node, call in _recorded(frame, by):
            wholes = _tensors(call.args[0], frame)
            if any(_has_functions(one) for one in wholes):
                continue  # a Function of the reader's own may have cut it
            for target in ast.walk(node.targets[0]):
                value = looked_up(target, frame) if isinstance(target, ast.Name) else None
                if not isinstance(value, Tensor) or _depends(value, by):
                    continue
                if any(value is one for one in starts):
                    told = replace(told, sure=bool(wholes))
                    return _told(told, frame, ast.unparse(target), call, by)
    return None


def or_cut(told: Explained, places: list[tuple[str, str]]) -> Explained:
    """What is said of a straight function, where a cut may hide that it is none."""
    if not places:
        return told
    told_places = "; ".join(f"{place}: {why}" for place, why in places[:3])
    return replace(
        told,
        meaning=f"{told.meaning} Or a cut hides how it bends: what is cut off is a constant to "
        f"torch. Cuts in this code: {told_places}.",
        cure=f"{told.cure} Where the cut part is to count, compute it with recording.",
        sure=False,
    )


def _told(told: Explained, frame: Frame, slope: str, call: ast.Call, by: Tensor) -> Explained:
    whole, x = ast.unparse(call.args[0]), _name_in(call, frame, by)
    zero = f"write the zero itself, torch.zeros_like({x}), in the place of this call."
    if told.code == "unused":  # the slope is recorded, so torch can give zeros for it
        zero = "pass materialize_grads=True to torch.autograd.grad, which then gives zeros."
    return replace(
        told,
        meaning=f"{slope} is a gradient itself, recorded, and it does not depend on {x}: {whole} "
        f"is linear in {x}, or consists of straight pieces, so its second derivative by {x} is 0.",
        cure="A net whose layers have no activation between them is linear: put a curved one "
        f"there, tanh, sin, softplus or gelu. Where {whole} is meant to be linear, at times or "
        f"always, {zero}",
        place=frame.place,
    )


def _asked(frame: Frame) -> tuple[list[Tensor], Tensor] | None:
    """What the failing line differentiates: the tensors that it names, and by which tensor."""
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call) or _name(node) != "grad" or len(node.args) < 2:
            continue
        entries = node.args[1].elts if isinstance(node.args[1], ast.List | ast.Tuple) else ()
        by = looked_up(entries[0] if len(entries) == 1 else node.args[1], frame)
        starts = _tensors(node.args[0], frame)
        return (starts, by) if starts and isinstance(by, Tensor) else None
    return None


def _tensors(node: ast.expr, frame: Frame) -> list[Tensor]:
    """The tensors that an expression names."""
    values = [looked_up(one, frame) for one in ast.walk(node)]
    return [one for one in values if isinstance(one, Tensor)]


def _recorded(frame: Frame, by: Tensor) -> Iterator[tuple[ast.Assign, ast.Call]]:
    """Statements before the failing line that take a recorded gradient by the same tensor."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Assign) or node.lineno >= frame.line:
            continue
        if source.calls(node, *_CUTS):
            continue
        for call in ast.walk(node.value):
            if isinstance(call, ast.Call) and call.args and _name_in(call, frame, by):
                value = looked_up(call.func, frame)
                value = value.__func__ if inspect.ismethod(value) else value
                code = own_function(value)
                inside = [call] if code is None else list(ast.walk(code[0]))
                if any(is_recorded(one) for one in inside):
                    yield node, call


def _name_in(call: ast.Call, frame: Frame, by: Tensor) -> str:
    """How an argument spells that tensor, if one is it."""
    given = [*call.args, *(one.value for one in call.keywords)]
    flat = [part for one in given for part in getattr(one, "elts", [one])]
    return next((ast.unparse(one) for one in flat if looked_up(one, frame) is by), "")


def is_recorded(node: Any) -> bool:
    """`grad(..., create_graph=True)`."""
    given = node.keywords if isinstance(node, ast.Call) and _name(node) == "grad" else ()
    values = [one.value for one in given if one.arg == "create_graph"]
    return any(isinstance(one, ast.Constant) and one.value is True for one in values)


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _depends(tensor: Tensor, by: Tensor) -> bool:
    """Whether a graph leads from one tensor to another."""
    below = graph.nodes(tensor.grad_fn) if tensor.grad_fn is not None else []
    return any(one is by.grad_fn or getattr(one, "variable", None) is by for one in below)


def _has_functions(tensor: Tensor) -> bool:
    below = graph.nodes(tensor.grad_fn) if tensor.grad_fn is not None else []
    return any(isinstance(one, torch.autograd.function.BackwardCFunction) for one in below)
