"""A NumPy array whose memory torch cannot share: what the array itself holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up

_TURNS = ("flip", "fliplr", "flipud", "rot90")
_TAKERS = ("from_numpy", "as_tensor", "tensor", "Tensor", "FloatTensor", "LongTensor", "asarray")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """An array of objects: rows of different lengths, texts, or None among numbers."""
    found = _array(frames.last)
    if found is None:
        return None
    name, array = found
    entries = list(array.flat[:1000]) if array.dtype == object else []
    place = _made_at(frames.last, name)
    if array.dtype.kind in "US" or any(isinstance(one, str) for one in entries):
        texts = next((str(one) for one in (entries or array.flat) if isinstance(one, str)), "")
        return replace(
            told,
            meaning=f"{name} holds texts, such as {texts[:20]!r}, and a tensor holds numbers.",
            cure="Texts that are numbers: column.astype(np.float32). Words and categories: number "
            "them first, codes = np.unique(column, return_inverse=True)[1], and give them to an "
            "nn.Embedding or to one_hot. Then put the columns of numbers together as float32.",
            place=place,
        )
    sizes = [np.shape(one) for one in entries if isinstance(one, np.ndarray | list | tuple)]
    if sizes and len(sizes) == len(entries) and len(set(sizes)) > 1:
        shapes = " and ".join(map(str, list(dict.fromkeys(sizes))[:2]))
        return replace(
            told,
            meaning=f"{name} is an array of {len(entries)} objects, since its rows have different "
            f"lengths: {shapes}. A tensor has rows of one length, so astype fails too.",
            cure="Make a tensor of each row, and pad them: pad_sequence([torch.as_tensor(row, "
            f"dtype=torch.float32) for row in {name}], batch_first=True), from "
            "torch.nn.utils.rnn. Keep the lengths, to leave the padding out of sums and means. "
            "Or keep the list, and give the net one row at a time.",
            place=place,
        )
    if sizes and len(sizes) == len(entries):
        return replace(
            told,
            meaning=f"{name} is an array of {len(entries)} arrays, all of the shape {sizes[0]}.",
            cure=f"Stack them to one array of numbers: np.stack({name}).astype(np.float32).",
            place=place,
        )
    if any(one is None for one in entries):
        return replace(
            told,
            meaning=f"{name} holds None among its numbers, so it is an array of objects.",
            cure=f"{name}.astype(np.float32) makes each None a nan: fill or drop those before you "
            "train, as every sum with a nan is nan.",
            place=place,
        )
    if entries:
        return replace(
            told,
            meaning=f"{name} is an array of objects, as a table with columns of several kinds "
            "gives it, and holds numbers.",
            cure=f"Give it a dtype: {name}.astype(np.float32).",
            place=place,
        )
    return None


def read_turned(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The line that turned an array round, if this code has one such line."""
    found = _array(frames.last)
    if found is None:
        return None
    name = found[0]
    turned = list(dict.fromkeys(_turned(frames.last, name)))
    return replace(
        told,
        meaning=f"{name} runs backward through its memory, as a flip or a step of -1 leaves it, "
        "and a tensor cannot.",
        cure=f"Copy it first: torch.from_numpy({name}.copy()).",
        place=turned[0] if len(turned) == 1 else "",
    )


def _array(frame: Frame) -> tuple[str, np.ndarray[Any, Any]] | None:
    """The array that the failing line makes a tensor of, with its spelling."""
    for call in failing.calls(frame, *_TAKERS):
        value = _value(call.args[0], frame) if call.args else None
        if value is not None:
            return ast.unparse(call.args[0]), value
    return None


def _value(node: ast.expr, frame: Frame) -> np.ndarray[Any, Any] | None:
    """The array of an expression: a name, an attribute, or a slice of one."""
    value = looked_up(node, frame)
    if isinstance(node, ast.Subscript) and not isinstance(value, np.ndarray):
        return _value(node.value, frame)
    return value if isinstance(value, np.ndarray) else None


def _made_at(frame: Frame, name: str) -> str:
    """The one line of this function that gives an array its name, if it is another one."""
    root = name.split("[")[0]
    made = source.assigned(frame.source, root) if frame.source is not None else []
    lines = {one.lineno for one in made} - {frame.line}  # type: ignore[attr-defined]
    return frame.place_of(lines.pop()) if len(lines) == 1 else ""


def _turned(frame: Frame, name: str) -> Iterator[str]:
    """Lines that read an array backward: where it gets its name, and in what is called there."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    for statement in made:
        yield from (frame.place_of(line) for line in _backward(statement))
        for call in ast.walk(statement):
            value = looked_up(call.func, frame) if isinstance(call, ast.Call) else None
            function = getattr(value, "__func__", value)
            if (code := own_function(function)) is not None:
                tree, file, first = code
                yield from (f"{file_name(file)}, line {first + n - 1}" for n in _backward(tree))


def _backward(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        step = node.step if isinstance(node, ast.Slice) else None
        if isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub):
            yield step.lineno
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _TURNS:
            yield node.lineno
