"""More indices between brackets than a tensor has dimensions: which tensor, and what it lacks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name
from grader.errors.seen.reading.lookup import looked_up, named
from grader.errors.seen.shapes import chosen

_MAKERS = ("as_tensor", "tensor", "FloatTensor", "Tensor", "from_numpy")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The tensor in front of the brackets: one without entries, a mask's, or another one."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Subscript):
            continue
        value = named(node.value, frame)
        asked = [
            one
            for one in (node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])
            if not (isinstance(one, ast.Constant) and one.value in (None, Ellipsis))
        ]
        if not isinstance(value, Tensor):
            continue
        if len(asked) == 1:
            return chosen.read_mask(frames, told, message)
        if len(asked) <= value.dim():
            continue
        name = ast.unparse(node.value)
        if tuple(value.shape) == (0,):
            return _empty(frames, told, name)
        return replace(
            told,
            meaning=f"{name} has the shape {tuple(value.shape)}, and {ast.unparse(node)} has "
            f"{len(asked)} indices.",
            place=frame.made(name),
        )
    return None


def _empty(frames: Frames, told: Explained, name: str) -> Explained:
    """A tensor of nothing, which has no columns unless they are said."""
    frame = frames.last
    first, line = _before(frame, name)
    width = _columns(frames, first)
    columns = str(width) if width else "columns"
    count = "" if width else ", with the number of columns of the others"
    made = {
        (ast.unparse(one.value), f"{file_name(file)}, line {one.lineno}")
        for key in (_key(first), name)
        for tree, file in frames.files()
        for one in ast.walk(tree)
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == key
        if isinstance(one.value, ast.Call) and failing.name_of(one.value) in _MAKERS
    }
    if len(made) == 1:
        ((text, place),) = made
        cure = f"Say the columns where it is made: {text}.reshape(-1, {columns}){count}."
    else:
        place = line or frame.place
        cure = f"Say the columns: {first}.reshape(-1, {columns}) in the place of {first}{count}."
    return replace(
        told,
        meaning=f"{name} has the shape (0,): it has no entries, and what is made of an empty list "
        "has one dimension and no columns.",
        cure=cure,
        place=place,
    )


def _before(frame: Frame, name: str) -> tuple[str, str]:
    """The empty tensor that a name was computed from, with the line that did it."""
    statements = source.assigned(frame.source, name) if frame.source is not None else []
    value = source.value_of(statements[0], name) if len(statements) == 1 else None
    if value is None:
        return name, ""
    for one in ast.walk(value):
        if isinstance(one, ast.Name | ast.Attribute | ast.Subscript):
            inner = looked_up(one, frame)
            if isinstance(inner, Tensor) and tuple(inner.shape) == (0,):
                return ast.unparse(one), frame.place_of(statements[0].lineno)  # type: ignore[attr-defined]
    return name, ""


def _key(text: str) -> str:
    """`boxes` of `target['boxes']`."""
    node = ast.parse(text, mode="eval").body
    inside = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    return str(node.slice.value) if inside else text  # type: ignore[attr-defined]


def _columns(frames: Frames, text: str) -> int:
    """How many columns the tensors of this key have in the other samples of a list."""
    key = _key(text)
    widths = {
        one.shape[1]
        for frame in frames.own
        for value in frame.names.values()
        for sample in _samples(value)
        if isinstance(one := sample.get(key), Tensor) and one.dim() == 2
    }
    return int(widths.pop()) if len(widths) == 1 else 0


def _samples(value: Any) -> Iterator[dict[Any, Any]]:
    if isinstance(value, list | tuple):
        yield from (one for one in value if isinstance(one, dict))
