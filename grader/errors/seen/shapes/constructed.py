"""A tensor that was to be made of tensors: torch.tensor of a list whose tensors have entries."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_MAKERS = {"tensor", "as_tensor", "asarray", "new_tensor"}


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The failing line makes a tensor of a list: torch.stack or torch.cat is what it wants."""
    frame = frames.last
    call = _failing(frame)
    if call is None:
        return None
    maker, given = ast.unparse(call.func), call.args[0]
    name = ast.unparse(given)
    entries = _entries(given, frame)
    what = f"{name} holds tensors of several entries"
    if len(name) > 40:
        name, what = "tensors", "this list holds tensors of several entries"
    if any(isinstance(one, list | tuple) for one in entries):
        what = f"{name} holds lists of tensors"
    cure = _cure(name, entries)
    return replace(
        told,
        meaning=f"{maker}(...) takes numbers, and lists of numbers: {what}.",
        cure=cure,
        place=frame.place,
    )


def _failing(frame: Frame) -> ast.Call | None:
    """The call that makes a tensor in the failing line, if it is the one that failed."""
    calls = [
        node
        for node in (ast.walk(frame.source) if frame.source is not None else ())
        if isinstance(node, ast.Call) and node.args and _makes(node.func)
    ]
    here = [one for one in calls if one.lineno <= frame.line <= (one.end_lineno or one.lineno)]
    if frame.columns is not None:
        here = [one for one in here if (one.col_offset, one.end_col_offset) == frame.columns]
    return here[0] if len(here) == 1 else None


def _makes(node: ast.expr) -> bool:
    name = getattr(node, "attr", getattr(node, "id", ""))
    return name in _MAKERS or name.endswith("Tensor")


def _entries(given: ast.expr, frame: Frame) -> list[Any]:
    """What a list or a tuple holds, None for what is computed there; nothing of anything else."""
    if isinstance(given, ast.List | ast.Tuple):
        return [looked_up(one, frame) for one in given.elts]
    value = looked_up(given, frame)
    return list(value) if isinstance(value, list | tuple) else []


def _cure(name: str, entries: list[Any]) -> str:
    """stack for one shape, cat for several, and what joins anything where they are not known."""
    if any(isinstance(one, list | tuple) for one in entries):
        return f"Stack each inner list first: torch.stack([torch.stack(row) for row in {name}])."
    tensors = [one for one in entries if isinstance(one, Tensor)]
    shapes = {tuple(one.shape) for one in tensors}
    if tensors and len(tensors) == len(entries) and len(shapes) == 1:
        return (
            f"Use torch.stack({name}), which adds a dimension and keeps the graph, or "
            f"torch.cat({name}) along one that they have."
        )
    ends = {shape[1:] for shape in shapes}
    if len(tensors) == len(entries) and len(ends) == 1 and () not in shapes:
        return f"Their lengths differ, so join them along the first: torch.cat({name})."
    return (
        f"Use torch.stack({name}) if all are tensors of one shape. Else join their entries: "
        f"torch.cat([one.reshape(-1) for one in {name}]), a number as torch.tensor([number])."
    )
