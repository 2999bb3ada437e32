"""Further optimizers that step between a forward pass and its backward, after the first did."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import torch
from torch import Tensor

from grader.errors.seen.again import graph, starts
from grader.errors.seen.reading import failing, ran, source
from grader.errors.seen.reading.frames import Frames, held
from grader.errors.seen.reading.lookup import looked_up


def steps(frames: Frames, root: Tensor, first: torch.optim.Optimizer | None) -> list[str]:
    """Those that move weights of a loss's graph behind the last step of `first`, by name."""
    leaves = {id(leaf) for leaf in graph.leaves(graph.nodes(root.grad_fn))}
    found: dict[str, tuple[int, int]] = {}
    begin: tuple[int, int] | None = None
    for number, frame in enumerate(frames.own):
        for node in ast.walk(frame.source) if frame.source is not None else ():
            if not isinstance(node, ast.Call):
                continue
            for one in _stepping(frames, number, node):
                optimizer = looked_up(one, frame)
                if not _is_before(frames, number, node):
                    continue
                if optimizer is first:
                    begin = max(begin or (0, 0), (number, node.lineno))
                elif any(id(each) in leaves for each in held(optimizer)):
                    found[ast.unparse(one)] = number, node.lineno
    return [name for name, at in found.items() if begin is not None and at > begin]


def _stepping(frames: Frames, number: int, node: ast.Call) -> Iterator[ast.expr]:
    """The optimizers that a call steps: by itself, or by the function that the error went through.

    Such a function, `update(optimizer, loss)`, is called with each optimizer in its turn.
    """
    frame, name = frames.own[number], failing.name_of(node)
    below = frames.own[number + 1] if number + 1 < len(frames.own) else None
    owner = [node.func.value] if isinstance(node.func, ast.Attribute) and name == "step" else []
    is_same = below is not None and name == below.code_name and below.source is not None
    if is_same and below is not None and below.source and source.calls(below.source, "step"):
        owner += [*node.args, *(one.value for one in node.keywords)]
    for one in owner:
        if isinstance(looked_up(one, frame), torch.optim.Optimizer):
            yield one


def _is_before(frames: Frames, number: int, node: ast.Call) -> bool:
    """Whether a call came before the failing line in the same pass."""
    when = ran.when(frames, number, node.lineno, node.col_offset)
    return when == ran.STRAIGHT and node.lineno < frames.own[number].line


def behind(frames: Frames, root: Tensor) -> str:
    """A sentence on losses of the same graph whose backward comes behind a further step."""
    shared, told = starts.inner(graph.nodes(root.grad_fn)), dict[str, str]()
    for frame in frames.own:
        tree = frame.source
        steps = [
            (node.lineno, ast.unparse(node.func.value))
            for node in (ast.walk(tree) if tree is not None else ())
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "step"
            and isinstance(looked_up(node.func.value, frame), torch.optim.Optimizer)
        ]
        for start in starts.started(tree, frame) if tree is not None else ():
            between = [name for line, name in sorted(steps) if frame.line < line < start.at[0]]
            others = starts.inner(graph.nodes(start.value.grad_fn)) if start.exact else set()
            if between and start.value is not root and shared & others:
                told[start.name] = between[-1]
    return "".join(
        f" So it is with {name}, which is made of the same pass: compute it after {step}.step()."
        for name, step in list(told.items())[:2]
    )
