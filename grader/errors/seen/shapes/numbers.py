"""A tensor that is one number, of which entries are asked for: which it is, and what it is for."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """`loss.data[0]` of older programs, and any other entry of a tensor without dimensions."""
    frame = frames.last
    if "invalid index" not in message:
        return None
    found = {}
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
            continue
        value = looked_up(node.value, frame)
        if isinstance(value, Tensor) and value.dim() == 0:
            found[ast.unparse(node)] = node
    if len(found) != 1:
        return None
    ((written, node),) = found.items()
    whole = node.value
    if isinstance(whole, ast.Attribute) and whole.attr == "data":
        whole = whole.value
    name = source.in_brackets(whole)
    return replace(
        told,
        meaning=f"{name} has the shape (): it is one number, and {written} asks for an entry.",
        cure=f"For a Python number, to add up or to print, write {name}.item() in the place of "
        f"{written}. To compute on with its gradient, use {name} itself.",
        place=frame.place,
    )
