"""A tensor that was to be made of tensors: torch.tensor of a list whose tensors have entries."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.frames import Frame, Frames
from grader.errors.seen.passes import looked_up

_MAKERS = {"tensor", "as_tensor", "asarray", "new_tensor"}


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The failing line makes a tensor of a list: torch.stack or torch.cat is what it wants."""
    frame = frames.last
    call = _failing(frame)
    if call is None:
        return None
    maker, given = ast.unparse(call.func), call.args[0]
    name = ast.unparse(given)
    entries = _entries(looked_up(given, frame))
    what = f"{name} holds tensors of several entries"
    if len(name) > 40:
        name, what = "tensors", "this list holds tensors of several entries"
    if entries and any(not isinstance(one, Tensor) for one in entries):
        what = f"{name} holds lists of tensors"
        cure = f"Stack each inner list first: torch.stack([torch.stack(row) for row in {name}])."
    elif len({tuple(one.shape) for one in entries}) > 1:
        cure = f"Their shapes differ, so join them along one dimension: torch.cat({name})."
    else:
        cure = (
            f"Use torch.stack({name}), which adds a dimension and keeps the graph, or "
            f"torch.cat({name}) along one that they have."
        )
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


def _entries(value: Any) -> list[Any]:
    """What a list or a tuple holds; nothing of anything else."""
    return list(value) if isinstance(value, list | tuple) else []
