"""A result that was computed before a loop, by weights that the loop's own steps change."""

from __future__ import annotations

import ast
from typing import Any

from torch import Tensor

from grader.errors.seen.again import graph
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames


def made_before(frames: Frames, root: Tensor, refusing: list[Any]) -> tuple[str, str, str] | None:
    """What this backward hangs on, the statement that made it in front of the loop, and where.

    Only where a step stands inside of the loop of the failing line.
    """
    frame, _ = start_of(frames)
    tree = frame.source
    loop = source.loop_of(tree, frame.line) if tree is not None else None
    if tree is None or loop is None or not source.calls(loop, "step"):
        return None
    below = set(graph.nodes(root.grad_fn))
    found = []
    for name, value in frame.names.items():
        if not isinstance(value, Tensor) or value.grad_fn is None or value.grad_fn not in below:
            continue
        if source.assigned(loop, name) or not source.reads(loop, name):
            continue
        if not set(refusing) & set(graph.nodes(value.grad_fn)):
            continue
        made = [
            one
            for one in source.assigned(tree, name)
            if isinstance(one, ast.Assign) and one.lineno < loop.lineno
        ]
        if made:
            found.append((value.grad_fn._sequence_nr(), name, made[-1]))
    if not found:
        return None
    _, name, statement = max(found, key=lambda one: one[0])
    return name, ast.unparse(statement), frame.place_of(statement.lineno)
