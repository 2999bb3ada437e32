"""A tensor with a graph that is handed to NumPy: the failing line as torch's, or as a number."""

from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import kept
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """`np.exp(x)`, `np.array(losses)`, `p.numpy()` of the failing line."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        found = _of_call(frames, frame, told, node, node.func)
        if found is not None:
            return found
    return None


def _of_call(
    frames: Frames, frame: Frame, told: Explained, node: ast.Call, function: ast.Attribute
) -> Explained | None:
    owner = looked_up(function.value, frame)
    if (
        function.attr in ("numpy", "__array__")
        and isinstance(owner, Tensor)
        and owner.requires_grad
    ):
        name = source.in_brackets(function.value)
        return replace(
            told,
            cure=f"Write {name}.detach().numpy(), if nothing is to be trained through it. Where a "
            "model only measures, run it inside `with torch.no_grad():`.",
            place=frame.place,
        )
    if owner is not np or not node.args:
        return None
    given, value = ast.unparse(node.args[0]), looked_up(node.args[0], frame)
    if isinstance(value, list | tuple):
        return _of_list(frames, frame, told, given, value)
    twin = getattr(torch, function.attr, None)
    if isinstance(value, Tensor) and value.requires_grad and callable(twin):
        return replace(
            told,
            cure=f"Write torch.{function.attr}({given}) in the place of {ast.unparse(node)}: it is "
            "recorded. Only what is not to be trained may go to NumPy, as "
            f"{given}.detach().numpy().",
            place=frame.place,
        )
    return None


def _of_list(
    frames: Frames, frame: Frame, told: Explained, name: str, values: list[Tensor] | tuple[Tensor]
) -> Explained | None:
    """A list of results that were put away with their graphs, such as losses to plot."""
    if not any(isinstance(one, Tensor) and one.requires_grad for one in values):
        return None
    single = all(isinstance(one, Tensor) and one.numel() == 1 for one in values)
    end = "item()" if single else "detach()"
    put = kept.put_at(frames, name)
    code = put[0].replace("detach()", end) if put is not None else f"each value as value.{end}"
    return replace(
        told,
        meaning=f"{name} holds tensors that require grad, and keeps the graph of each.",
        cure=f"Keep what is to be stored without its graph, where it is put there: {code}.",
        place=put[1] if put is not None else frame.place,
    )
