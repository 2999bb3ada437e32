"""A loop that calls backward in each pass on results which share a graph made before it."""

from __future__ import annotations

import ast
from typing import Any

from torch import Tensor

from grader.errors.seen.again import graph, second
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up


def shared(frames: Frames, frame: Frame, root: Tensor) -> tuple[tuple[str, str], str] | None:
    """The words, and the name of what the loop goes through: a list, a dict, or a tensor."""
    loop = source.loop_of(frame.source, frame.line) if frame.source is not None else None
    if not isinstance(loop, ast.For):
        return None
    targets = [one.id for one in ast.walk(loop.target) if isinstance(one, ast.Name)]
    values = [frame.variables.get(one) for one in targets]
    for node in ast.walk(loop.iter):
        whole = looked_up(node, frame)
        if isinstance(whole, Tensor):
            if whole.grad_fn is not None and any(_is_below(one, root) for one in values):
                given = _as_target(frames, frame, loop, whole, root)
                return given or _words(frame, second.ROWS), ast.unparse(node)
            continue
        parts = _parts(whole)
        mine = [one for one in parts if any(one is value for value in values)]
        if any(one is root for one in mine):
            return second.LISTED, ast.unparse(node)
        if mine and any(_is_below(one, root) for one in mine) and _share(parts):
            return _words(frame, second.LOOPED), ast.unparse(node)
    return _of_entries(frame, loop, targets, root)


def _of_entries(
    frame: Frame, loop: ast.For, targets: list[str], root: Tensor
) -> tuple[tuple[str, str], str] | None:
    """`y[i]` in a loop over i, where y was computed before the loop."""
    for node in ast.walk(loop):
        if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
            continue
        names = [one.id for one in ast.walk(node.slice) if isinstance(one, ast.Name)]
        whole = looked_up(node.value, frame)
        name = node.value.id
        if not set(names) & set(targets) or source.assigned(loop, name):
            continue
        if isinstance(whole, Tensor) and whole.grad_fn is not None and _is_below(whole, root):
            return _words(frame, second.ROWS), name
    return None


def _words(frame: Frame, words: tuple[str, str]) -> tuple[str, str]:
    """For `torch.autograd.grad` there is nothing to add up."""
    return second.ROWS_BY_GRAD if any(failing.calls(frame, "grad")) else words


def _as_target(
    frames: Frames, frame: Frame, loop: ast.For, whole: Tensor, root: Tensor
) -> tuple[str, str] | None:
    """The words for rows that the loop's losses take as they are, as labels: with their graph.

    What they are computed of is held by no optimizer and named nowhere in the loop, and the
    losses train other leaves.
    """
    leaves = graph.leaves(graph.nodes(whole.grad_fn))
    mine, beside = set(map(id, leaves)), graph.leaves(graph.nodes(root.grad_fn, whole.grad_fn))
    others = [one for one in beside if id(one) not in mine]
    if not others or mine & frames.held() or len(others) != len(beside):
        return None
    names = {key: one for key, one in frame.variables.items() if id(one) in mine}
    if any(source.reads(one, name) for one in loop.body for name in names):
        return None
    made = f" Or make {' and '.join(names)} without requires_grad=True." if names else ""
    return second.ROWS_GIVEN[0], second.ROWS_GIVEN[1] + made


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def _share(parts: list[Any]) -> bool:
    """Whether the graphs of the first two results meet above their leaves."""
    made = [one for one in parts if isinstance(one, Tensor) and one.grad_fn is not None][:2]
    inner = [
        {node for node in graph.nodes(one.grad_fn) if not hasattr(node, "variable")} for one in made
    ]
    return len(inner) == 2 and bool(inner[0] & inner[1])


def _is_below(value: Any, root: Tensor) -> bool:
    """Whether a result was computed from this value."""
    if not isinstance(value, Tensor) or value.grad_fn is None or root.grad_fn is None:
        return False
    return value.grad_fn in set(graph.nodes(root.grad_fn))
