"""An entry of a list or a dict of results that a line edits in place: `maps[i] /= total`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import ran
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_SIGNS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)


def read(frames: Frames, told: Explained, node: str, edits: list[str]) -> Explained | None:
    """The one line of this code that edits something, where it is such an entry.

    `edits` are the lines that edit a tensor with a name of its own.
    """
    found = {
        one.place_of(edit.lineno): (edit, name, value)
        for number, one in enumerate(frames.own)
        for edit, name, value in _edits(one)
        if ran.when(frames, number, edit.lineno) != ran.NEVER
    }
    if len(found) != 1 or set(edits) - set(found):
        return None
    ((place, (edit, name, value)),) = found.items()
    target = ast.unparse(edit.target)
    return replace(
        told,
        meaning=f"{node} saved {target}, an entry of the {type(value).__name__} {name}, and "
        f"{ast.unparse(edit)} edited it in place afterwards.",
        cure=f"Put a new tensor there: {target} = "
        f"{ast.unparse(ast.BinOp(edit.target, edit.op, edit.value))}.",
        place=place,
        sure=True,
    )


def _edits(frame: Frame) -> Iterator[tuple[ast.AugAssign, str, Any]]:
    """Such edits of a frame's code: the statement, the collection's name, and the collection."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.AugAssign) or not isinstance(node.target, ast.Subscript):
            continue
        value = looked_up(node.target.value, frame)
        inside = list(value.values()) if isinstance(value, dict) else value
        held = inside if isinstance(inside, list) and isinstance(node.op, _SIGNS) else []
        if any(isinstance(one, Tensor) and one.dim() for one in held):
            yield node, ast.unparse(node.target.value), value
