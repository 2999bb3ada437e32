"""A saved weight or buffer that something else than a step edited between forward and backward."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from types import FunctionType
from typing import Any

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.in_place import buffers
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.reading import ran
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up

_MESSAGE = re.compile(r"\[torch\.\S+ \[([\d, ]*)\]\].*is at version (\d+)", re.DOTALL)


def read(frames: Frames, told: Explained, message: str, node: str) -> Explained | None:
    """An embedding that shortens its rows, or a line that edits what the message tells of."""
    found = [(name, one) for name, one in _named(frames) if _is_meant(one, message)]
    for _, one in found:
        if (by_layer := _shortened(frames, told, node, one)) is not None:
            return by_layer
    for name, one in found:
        by_line = _edited(frames, name, one)
        if by_line is not None:
            written, place, caller = by_line
            return _told(told, node, name, one, written, place, caller)
    return None


def _named(frames: Frames) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers of models, by their whole names; then tensors that are leaves."""
    seen: set[int] = set()
    for name, model in frames.modules():
        for path, one in (*model.named_parameters(), *model.named_buffers()):
            seen.add(id(one))
            yield f"{name}.{path}", one
    for name, one in frames.tensors():
        if id(one) not in seen and one.grad_fn is None:
            yield name, one


def _is_meant(one: Tensor, message: str) -> bool:
    """Whether a tensor has the size and the version that a message tells."""
    if (told := _MESSAGE.search(message)) is None or one.is_inference():
        return False
    sizes = sorted(int(size) for size in re.findall(r"\d+", told[1]))
    return sorted(one.shape) == sizes and one._version == int(told[2])


def _shortened(frames: Frames, told: Explained, node: str, one: Tensor) -> Explained | None:
    for name, part in parts(frames):
        if not isinstance(part, nn.Embedding | nn.EmbeddingBag) or part.weight is not one:
            continue
        if part.max_norm is None:
            return None
        return replace(
            told,
            meaning=f"{node} saved {name}.weight, and a call of {name} afterwards edited it: with "
            f"max_norm={part.max_norm} each call shortens the rows that it looks up, in place.",
            cure=f"Give the other operation a copy: {name}.weight.clone() in the place of "
            f"{name}.weight. Or call {name} first, and use its weight after that.",
            place=_used_at(frames, f"{name.rpartition('.')[2]}.weight"),
            sure=True,
        )
    return None


def _used_at(frames: Frames, spelled: str) -> str:
    """The one line that uses a layer's weight itself."""
    lines = {
        f"{file_name(file)}, line {first + node.lineno - 1}"
        for tree, file, first in buffers.code_of(frames)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and f".{ast.unparse(node)}".endswith(f".{spelled}")
    }
    return lines.pop() if len(lines) == 1 else ""


def _edited(frames: Frames, name: str, one: Tensor) -> tuple[str, str, str] | None:
    """The one edit of this tensor in code that the lines before the failing one call."""
    last, found = name.rpartition(".")[2], {}
    for frame, call, function, owner in _called_before(frames):
        code = own_function(inspect.unwrap(function))
        if code is None:
            continue
        tree, file, first = code
        for node, target in _edits(tree):
            place = f"{file_name(file)}, line {first + node.lineno - 1}"
            spelled = ast.unparse(target)
            if spelled == f"self.{last}":
                found[place] = ast.unparse(node), place, ""
            elif isinstance(one, nn.Parameter) and _goes_through(tree, spelled, owner, one):
                caller = f"{ast.unparse(call)} on {frame.place_of(call.lineno)}"
                found[place] = ast.unparse(node), place, caller
    return next(iter(found.values())) if len(found) == 1 else None


def _called_before(frames: Frames) -> Iterator[tuple[Frame, ast.Call, FunctionType, Any]]:
    """The reader's functions that ran before the failing line: those called there, and forwards.

    Each with the object whose method it is.
    """
    for number, frame in enumerate(frames.own):
        for node in ast.walk(frame.source) if frame.source is not None else ():
            if not isinstance(node, ast.Call):
                continue
            value: Any = looked_up(node.func, frame)
            function = getattr(value, "__func__", value)
            is_before = ran.when(frames, number, node.lineno) == ran.STRAIGHT
            if isinstance(function, FunctionType) and is_before and node.lineno < frame.line:
                yield frame, node, function, getattr(value, "__self__", None)
            if isinstance(value, nn.Module) and is_before:
                for part in value.modules():
                    for method in vars(type(part)).values():
                        if isinstance(method, FunctionType) and method.__name__ != "__init__":
                            yield frame, node, method, part


def _edits(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, ast.expr]]:
    """Edits in place, each with the name that it edits or a part of: `self.bank` of all three."""
    for node in ast.walk(tree):
        target: ast.expr | None = None
        if isinstance(node, ast.AugAssign):
            target = node.target
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            target = node.targets[0].value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr
            if method.endswith("_") and not method.endswith("__") and method != "requires_grad_":
                target = node.func.value
        while isinstance(target, ast.Subscript):
            target = target.value
        chained = target.func if isinstance(target, ast.Call) else None
        if isinstance(chained, ast.Attribute) and chained.attr.endswith("_"):
            continue  # of x.mul_(a).add_(b) the first edit is told
        if target is not None and isinstance(node, ast.expr | ast.stmt):
            yield node, target


def _goes_through(tree: ast.AST, name: str, owner: Any, one: Tensor) -> bool:
    """Whether a loop over parameters() gives a name its values, this tensor among them.

    Whose parameters they are is known of self and its attributes; else they may be any.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.For) or "parameters()" not in ast.unparse(node.iter):
            continue
        given = _given(node.target, node.iter, name)
        if given is not None and "parameters()" in ast.unparse(given):
            whole = _whose(given, owner)
            if whole is None or any(part is one for part in whole.parameters()):
                return True
    return False


def _given(target: ast.expr, values: ast.expr, name: str) -> ast.expr | None:
    """What of a loop's values a name goes through: the second of zip(a, b) in `for x, name in`."""
    if isinstance(target, ast.Name):
        return values if target.id == name else None
    if not isinstance(target, ast.Tuple):
        return None
    function = getattr(values.func, "id", "") if isinstance(values, ast.Call) else ""
    parts = values.args if isinstance(values, ast.Call) and function == "zip" else []
    for number, inner in enumerate(target.elts):
        if name in [one.id for one in ast.walk(inner) if isinstance(one, ast.Name)]:
            if len(parts) == len(target.elts):
                return _given(inner, parts[number], name)
            return values
    return None


def _whose(values: ast.expr, owner: Any) -> nn.Module | None:
    """The module in `self.net.parameters()`, if self is known."""
    for node in ast.walk(values):
        if isinstance(node, ast.Attribute) and node.attr.endswith("parameters"):
            path = ast.unparse(node.value).split(".")
            found = owner if path[0] == "self" else None
            for part in path[1:]:
                found = getattr(found, part, None)
            return found if isinstance(found, nn.Module) else None
    return None


def _told(
    told: Explained, node: str, name: str, one: Tensor, written: str, place: str, caller: str
) -> Explained:
    by, last = f", by {caller}," if caller else "", name.rpartition(".")[2]
    cure = (
        "Make that call before the forward pass, or after this backward."
        if caller
        else f"Compute with a copy in forward, {last} = self.{last}.clone() in its first line and "
        f"{last} for self.{last} below; or make the edit after this backward."
    )
    return replace(
        told,
        meaning=f"{node} saved {name} for its backward, and {written} changed it{by} in place "
        "before this backward came.",
        cure=cure,
        place=place,
        sure=False,
    )
