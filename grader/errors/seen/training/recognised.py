"""Errors with a text of Python's own that the line which failed makes torch's."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_MODES = (torch.no_grad, torch.enable_grad, torch.inference_mode, torch.autocast)
_SHAPES = {"shape", "size"}
_GIVES = {"parameters", "named_parameters"}
_GRADIENTS = {"grad", "vjp"}


def recognised(error: BaseException) -> str | None:
    """The code of an explanation that fits what the failing line of the reader's code does."""
    frames = Frames.of(error)
    if not frames.own or frames.last.source is None:
        return None
    test = _TESTS.get(type(error).__name__)
    try:
        return test(frames.last, str(error)) if test is not None else None
    except Exception:  # whatever the variables hold, the error itself is to be shown
        return None


def _unpacked(frame: Frame, message: str) -> str | None:
    """What was unpacked into more names than it has values: a shape, gradients, or a batch."""
    if message.startswith("too many values to unpack"):
        return "batch_names" if any(_is_loader(one, frame) for one in _taken_apart(frame)) else None
    if not message.startswith("not enough values to unpack"):
        return None
    for value in _taken_apart(frame):
        name = _name_of_call(value)
        if name in _SHAPES:
            return "shape_names"
        if name in _GRADIENTS or name == "DataLoader":
            return "one_gradient"
        if _is_loader(value, frame):
            return "one_gradient"
    return None


def _is_loader(value: ast.expr, frame: Frame) -> bool:
    """Whether this is a DataLoader, or its next batch."""
    if isinstance(value, ast.Call) and _name_of_call(value) == "next":
        value = value.args[0] if value.args else value
        value = value.args[0] if isinstance(value, ast.Call) and value.args else value
    made_there = _name_of_call(value) == "DataLoader"
    return made_there or isinstance(looked_up(value, frame), DataLoader)


def _taken_apart(frame: Frame) -> Iterator[ast.expr]:
    """The right sides of what the failing line unpacks; of a loop what it goes through."""
    for node in _on_line(frame):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple | ast.List):
            yield node.value
        if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple | ast.List):
            inner = node.iter
            if isinstance(inner, ast.Call) and _name_of_call(inner) in ("enumerate", "tqdm"):
                inner = inner.args[0] if inner.args else inner
            yield inner


def _called(frame: Frame, message: str) -> str | None:
    """A class called with data, a mode that was not called, or generators that were added."""
    if message.startswith(("unsupported operand type(s) for +", "can only concatenate list")):
        return "generators_added" if any(_adds_parameters(one) for one in _on_line(frame)) else None
    if "context manager protocol" in message:
        for node in _on_line(frame):
            if isinstance(node, ast.With) and any(
                looked_up(one.context_expr, frame) in _MODES for one in node.items
            ):
                return "mode_uncalled"
        return None
    if ".forward() missing" in message:
        return "function_forward_called" if _is_function_forward(frame) else None
    if "__init__() " not in message:
        return None
    for node in _on_line(frame):
        kind = looked_up(node.func, frame) if isinstance(node, ast.Call) else None
        is_module = isinstance(kind, type) and issubclass(kind, nn.Module)
        if is_module and any(_is_data(one, frame) for one in node.args):
            return "no_class"
    return None


def _adds_parameters(node: ast.AST) -> bool:
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return False
    return any(_name_of_call(one) in _GIVES for one in (node.left, node.right))


def _is_function_forward(frame: Frame) -> bool:
    """Whether the failing line calls the forward of a custom Function by its class."""
    for node in _on_line(frame):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = looked_up(node.func.value, frame)
            is_function = isinstance(owner, type) and issubclass(owner, torch.autograd.Function)
            if is_function and node.func.attr == "forward":
                return True
    return False


def _is_data(node: ast.expr, frame: Frame) -> bool:
    """A tensor that has a name, or one that a function of torch makes there."""
    if isinstance(looked_up(node, frame), Tensor):
        return True
    maker = looked_up(node.func, frame) if isinstance(node, ast.Call) else None
    return callable(maker) and getattr(torch, getattr(maker, "__name__", ""), None) is maker


def _on_line(frame: Frame) -> Iterator[Any]:
    """The statements and expressions that begin at or before the failing line and reach it."""
    assert frame.source is not None
    node: Any
    for node in ast.walk(frame.source):
        first = getattr(node, "lineno", None)
        if first is None:
            continue
        last = first if isinstance(node, ast.For | ast.With) else node.end_lineno
        if first <= frame.line <= last:
            yield node


def _name_of_call(node: ast.AST) -> str:
    """`grad` of `torch.autograd.grad(...)`, `shape` of `x.shape`."""
    node = node.func if isinstance(node, ast.Call) else node
    return getattr(node, "attr", getattr(node, "id", ""))


_TESTS: dict[str, Callable[[Frame, str], str | None]] = {
    "ValueError": _unpacked,
    "TypeError": _called,
    "AttributeError": _called,
}
