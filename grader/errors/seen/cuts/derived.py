"""Second derivatives: a gradient that was computed without a graph, where and by which line."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up

_CUTS = ("item", "detach", "tolist", "numpy", "tensor", "no_grad")
"""Behind these a value is a number, whatever it was computed from."""


def read(frames: Frames, told: Explained) -> Explained | None:
    """A result of `grad` without create_graph that is differentiated again, by a helper or not."""
    starts = _starts(frames.last)
    started = _tensors(starts, frames.last)
    for frame in reversed(frames.own):
        feeding = _feeding(starts if frame is frames.last else _handed_on(frame), frame)
        for node, line in _gradients(frame):
            for name, value in _values(node, frame):
                is_it = name in feeding or any(value is one for one in started)
                if isinstance(value, Tensor) and not value.requires_grad and is_it:
                    return replace(
                        told,
                        meaning=f"The gradient {name} was computed without create_graph=True, so "
                        "it has no graph that a second derivative could go through.",
                        cure="Pass create_graph=True to that torch.autograd.grad.",
                        place=line,
                    )
    return None


def _starts(frame: Frame) -> list[ast.expr]:
    """The expressions that the failing line differentiates."""
    starts: list[ast.expr] = []
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call):
            continue
        starts += node.args[:1] if failing.name_of(node) == "grad" else ()
        if isinstance(node.func, ast.Attribute) and node.func.attr == "backward":
            starts.append(node.func.value)
    return starts


def _handed_on(frame: Frame) -> list[ast.expr]:
    """What the failing line of an outer frame hands to a function of the reader's own."""
    calls = [
        call
        for call in failing.on_line(frame)
        if isinstance(call, ast.Call) and own_function(_function(call, frame)) is not None
    ]
    given = [one for call in calls for one in (*call.args, *(key.value for key in call.keywords))]
    return [one for one in given if not source.calls(one, *_CUTS)]


def _function(call: ast.Call, frame: Frame) -> Any:
    value = looked_up(call.func, frame)
    return value.__func__ if inspect.ismethod(value) else value


def _tensors(starts: list[ast.expr], frame: Frame) -> list[Tensor]:
    values = (looked_up(one, frame) for start in starts for one in ast.walk(start))
    return [one for one in values if isinstance(one, Tensor)]


def _feeding(starts: list[ast.expr], frame: Frame) -> set[str]:
    """The names that these expressions are computed of, by the statements before the line."""
    names: set[str] = set()
    ahead = [one.id for start in starts for one in ast.walk(start) if isinstance(one, ast.Name)]
    while ahead:
        name = ahead.pop()
        if name in names or frame.source is None:
            continue
        names.add(name)
        for statement in source.assigned(frame.source, name):
            if source.calls(statement, *_CUTS):
                continue
            ahead += [one.id for one in ast.walk(statement) if isinstance(one, ast.Name)]
    return names


def _gradients(frame: Frame) -> Iterator[tuple[ast.Assign, str]]:
    """Statements before the failing line that give a gradient without a graph, with the call."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Assign) or node.lineno >= frame.line:
            continue
        for call in ast.walk(node.value):
            if not isinstance(call, ast.Call):
                continue
            if _is_bare(call):
                yield node, frame.place_of(node.lineno)
            elif (place := _in_called(call, frame)) is not None:
                yield node, place


def _is_bare(call: ast.Call) -> bool:
    """`torch.autograd.grad(...)` that is not told to record."""
    if getattr(call.func, "attr", getattr(call.func, "id", "")) != "grad" or len(call.args) < 2:
        return False
    if any(one.arg is None for one in call.keywords):
        return False  # `**settings` may hold it
    given = [one.value for one in call.keywords if one.arg == "create_graph"]
    return not given or (isinstance(given[0], ast.Constant) and given[0].value is False)


def _in_called(call: ast.Call, frame: Frame) -> str | None:
    """Where a function of the reader's own computes the gradient that it returns."""
    if (code := own_function(_function(call, frame))) is None:
        return None
    tree, file, first = code
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
    bare = [one for one in calls if _is_bare(one)]
    grads = [one for one in calls if failing.name_of(one) == "grad"]
    if len(bare) != 1 or len(grads) != 1:
        return None
    return f"{file_name(file)}, line {first + bare[0].lineno - 1}"


def _values(node: ast.Assign, frame: Frame) -> Iterator[tuple[str, Any]]:
    """The names that a statement gives values, with what they are now."""
    for target in ast.walk(node.targets[0]):
        if isinstance(target, ast.Name):
            value = frame.names.get(target.id, frame.above.get(target.id))
            yield target.id, value[0] if isinstance(value, tuple) and value else value


def read_part(frames: Frames, told: Explained, asked: ast.AST, index: int) -> Explained | None:
    """A tensor that was taken out of what the result was computed from, and asked for itself."""
    if isinstance(asked, ast.List | ast.Tuple):
        asked = asked.elts[index] if index < len(asked.elts) else asked
    tensor = looked_up(asked, frames.last)
    _, root = start_of(frames)
    if not isinstance(tensor, Tensor) or tensor.grad_fn is None or root is None:
        return None
    below = set(graph.nodes(root.grad_fn)) if root.grad_fn is not None else set()
    for frame in reversed(frames.own):
        for name in [one for one, value in frame.names.items() if value is tensor]:
            made = [one for one in _given(frame, name) if one[1].lineno < frame.line]
            whole = made[-1][0] if made else None
            if whole is None or not _is_behind(looked_up(whole, frame), below):
                continue
            return _told_of_part(told, frame, name, ast.unparse(whole), made[-1][1], root)
    return None


def _told_of_part(
    told: Explained, frame: Frame, name: str, whole: str, made: ast.Assign, root: Tensor
) -> Explained:
    result = next((key for key, one in frame.names.items() if one is root), "the result")
    return replace(
        told,
        meaning=f"{name} was taken out of {whole} by the line named here, and {result} was "
        f"computed from {whole} and not from {name}: nothing leads from {result} to {name}.",
        cure=f"Take the parts first and compute {result} from them, with torch.cat where {whole} "
        f"is needed whole. Or ask for the gradient of {whole} and take the part out of that.",
        place=frame.place_of(made.lineno),
    )


def _given(frame: Frame, name: str) -> Iterator[tuple[ast.expr, ast.Assign]]:
    """For each statement that takes a name out of a whole: the whole, and the statement."""
    statements = source.assigned(frame.source, name) if frame.source is not None else []
    for statement in statements:
        if not isinstance(statement, ast.Assign):
            continue
        value = source.value_of(statement, name)
        whole = _taken_from(value) if value is not None else None
        if whole is not None:
            yield whole, statement


def _taken_from(value: ast.expr) -> ast.expr | None:
    """`points` of `points[:, 0:1]`, `points[:, 0].unsqueeze(1)` and `points.unbind(1)`."""
    while isinstance(value, ast.Subscript) or (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)
    ):
        inner = value.value if isinstance(value, ast.Subscript) else value.func.value  # type: ignore[attr-defined]
        if isinstance(inner, ast.Name) and inner.id != "torch":
            return inner
        value = inner
    return None


def _is_behind(value: Any, below: set[Any]) -> bool:
    """Whether a result was computed from this tensor."""
    if not isinstance(value, Tensor):
        return False
    if value.grad_fn is not None:
        return value.grad_fn in below
    return any(getattr(node, "variable", None) is value for node in below)
