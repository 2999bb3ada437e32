"""An index beyond what it indexes: which tensor holds it, from where to where, and who made it."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen import source
from grader.errors.seen.frames import Frame, Frames, file_name
from grader.errors.seen.lookup import looked_up

_TEXT = re.compile(r"^index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one index of the failing line that holds the number of the text."""
    if (found := _TEXT.search(message)) is None:
        return None
    wrong, dimension, size = (int(one) for one in found.groups())
    frame = frames.last
    held = [
        (name, one)
        for name, one in _indices(frame).items()
        if bool((one == wrong).any()) and not bool(((one >= 0) & (one < size)).all())
    ]
    if len(held) != 1:
        return None
    ((name, index),) = held
    low, high = (int(end) for end in index.detach().aminmax())
    meaning = (
        f"{name} goes from {low} to {high}, and dimension {dimension}, which it indexes, has the "
        f"size {size}: 0 to {size - 1}."
    )
    if low == 1 and high == size:
        cure = f"Numbers that begin at 1 are one too large: {name} - 1."
        return replace(told, meaning=meaning, cure=cure, place=_made(frame, name))
    if low > 0 and len(ends := _ends(frames)) == 1:
        offset, made, sizes, place = ends[0]
        return replace(
            told,
            meaning=f"{meaning} The line named here makes {offset}, where each part ends; an "
            "index into parts that were joined counts from where its part begins.",
            cure=f"Take the starts: {offset} = {made} - {sizes}.",
            place=place,
            sure=False,
        )
    cure = (
        f"Look at how {name} is made, and at whether it counts in the tensor that it indexes here."
    )
    return replace(told, meaning=meaning, cure=cure, place=_made(frame, name))


def _indices(frame: Frame) -> dict[str, Tensor]:
    """The whole numbers in tensors that the failing line names."""
    found = {}
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            continue
        if not node.lineno <= frame.line <= (node.end_lineno or node.lineno):
            continue
        value = looked_up(node, frame)
        whole = isinstance(value, Tensor) and value.dtype in (torch.int64, torch.int32)
        if whole and value.numel() and not value.is_meta:
            found[source.spelled(node)] = value
    return found


def _made(frame: Frame, name: str) -> str:
    """The last line in front of the failing one that gave a name its value, or that one."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    lines = [one.lineno for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
    return frame.place_of(lines[-1]) if lines else frame.place


def _ends(frames: Frames) -> list[tuple[str, str, str, str]]:
    """Running sums that are used as they are: name, call, what is summed, and place."""
    found = []
    for tree, file in frames.files():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
                continue
            call, target = node.value, node.targets[0]
            if getattr(call.func, "attr", "") != "cumsum" or not isinstance(target, ast.Name):
                continue
            of_torch = source.spelled(call.func) == "torch.cumsum" and call.args
            owner = call.args[0] if of_torch else getattr(call.func, "value", None)
            if isinstance(owner, ast.Name) and not _is_corrected(tree, target.id):
                place = f"{file_name(file)}, line {node.lineno}"
                found.append((target.id, source.spelled(call), owner.id, place))
    return found


def _is_corrected(tree: ast.Module, offset: str) -> bool:
    """Whether this code takes something from the running sums, or leaves out the last."""
    text = source.spelled(tree)
    once = len(source.assigned(tree, offset)) == 1
    return not once or f"{offset} - " in text or f"{offset}[:-1]" in text
