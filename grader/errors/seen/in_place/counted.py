"""Values of another kind whose line of origin this code shows: numbers, and inference tensors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from types import FunctionType

from grader.errors.explanation import Explained
from grader.errors.seen.cuts import summed
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name, is_library
from grader.errors.seen.reading.lookup import looked_up


def read_number(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one line that made a number of what is used as a tensor."""
    frame = frames.last
    if (tree := frame.source) is None:
        return None
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or f"'{node.attr}'" not in message:
            continue
        owner = node.value
        if owner.lineno != frame.line:
            continue
        empty = summed.read(frame, owner, told, message)
        if empty is not None and (empty.sure or not isinstance(owner, ast.Name)):
            return empty
        if not isinstance(owner, ast.Name):
            continue
        if type(frame.names.get(owner.id, frame.above.get(owner.id))) not in (float, int):
            continue
        lines = set()
        for statement in source.assigned(tree, owner.id):
            lines |= {frame.place_of(line) for line, _ in source.calls(statement, *summed.NUMBERS)}
            for call in ast.walk(statement):
                value = looked_up(call.func, frame) if isinstance(call, ast.Call) else None
                if isinstance(value, FunctionType) and not is_library(value.__code__.co_filename):
                    lines |= set(_made(value))
        if len(lines) == 1:
            return replace(
                told,
                meaning=f"{owner.id} is a Python number, made by the line that is named here: "
                "item() and float() leave the graph.",
                cure="Leave item() and float() out of what the loss is computed from, and read "
                "numbers for printing after backward.",
                place=lines.pop(),
            )
        if empty is not None and not lines:
            return empty
    return None


def _made(function: FunctionType) -> Iterator[str]:
    if (code := source.own_code(function)) is not None:
        tree, file, first = code
        for line, _ in source.calls(tree, *summed.NUMBERS):
            yield f"{file_name(file)}, line {first + line - 1}"


def read_inference(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one block or function of this code that works in inference mode."""
    place = frames.the_one_line(
        lambda node: (
            isinstance(node, ast.Attribute | ast.Name)
            and getattr(node, "attr", getattr(node, "id", "")) == "inference_mode"
        )
    )
    if not place:
        return None
    return replace(
        told,
        meaning=f"{told.meaning} This code has one place that makes such tensors.",
        place=place,
    )
