"""A matrix product of the reader's own whose sizes do not meet."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.sized import shape_of


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The two factors of the failing line, and which of them is to be turned."""
    frame = frames.last
    for node in failing.on_line(frame):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            sides = [node.left, node.right]
        elif isinstance(node, ast.Call) and failing.name_of(node) in ("matmul", "mm", "bmm"):
            sides = failing.arguments(node)[:2]
        else:
            continue
        if len(sides) != 2:
            continue
        left, right = (shape_of(one, frame) for one in sides)
        if left is None or right is None or len(left) < 2 or len(right) < 2:
            continue
        if left[-1] == right[-2]:
            continue
        a, b = map(source.in_brackets, sides)
        said = (
            f"{a} has the shape {left} and {b} {right}: the last size of the first, {left[-1]}, "
            f"has to be the last but one of the second, and that is {right[-2]}."
        )
        if left == right:
            cure = (
                f"Turn one of them. Rows against rows, as the scores of attention: {a} @ "
                f"{b}.transpose(-2, -1). Columns against columns: {a}.transpose(-2, -1) @ {b}."
            )
        elif left[-1] == right[-1]:
            cure = f"Turn the second: {a} @ {b}.transpose(-2, -1)."
        elif left[-2] == right[-2]:
            cure = f"Turn the first: {a}.transpose(-2, -1) @ {b}."
        else:
            cure = f"Look at how {a} and {b} are made: neither fits when it is turned."
        return replace(told, meaning=said, cure=cure, place=frame.place)
    return None
