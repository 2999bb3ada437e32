"""A result that a pass in front of a loop used up, and that the loop's own losses hang on."""

from __future__ import annotations

import ast
import copy

import torch
from torch import Tensor

from grader.errors.seen.again import graph, starts
from grader.errors.seen.again.apart import Detached
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, held
from grader.errors.seen.reading.lookup import looked_up


def before(
    frame: Frame, loop: source.Loop, name: str, value: Tensor, line: int
) -> tuple[str, str, str] | None:
    """Meaning, cure and place of what was computed at a line and used up in front of the loop.

    The loop's first pass meets a graph that is freed already. None where no backward between the
    line and the loop went through it.
    """
    tree = frame.source
    between = [
        one
        for one in (starts.started(tree, frame) if tree is not None else ())
        if line < one.at[0] < loop.lineno
        and one.value.grad_fn is not None
        and value.grad_fn in set(graph.nodes(one.value.grad_fn))
    ]
    if not between:
        return None
    call = between[-1]
    meaning = (
        f"{name} has its graph from {frame.place_of(line)}, and {call.call} "
        f"({frame.place_of(call.at[0])}) went back through that and freed it. This loss goes "
        f"through {name} once more."
    )
    detached = f"detach it where it is used here: {_used(loop, name)}"
    anew = f"compute {name} anew in front of its use, so that this pass has a graph of its own"
    moved = _moved(loop, frame)
    if moved is None:
        cure = f"If it is not to be trained here, {detached}. Else {anew}."
    elif moved & {id(one) for one in graph.leaves(graph.nodes(value.grad_fn))}:
        cure = f"This loss trains what {name} is computed of: {anew}."
    else:
        cure = f"What steps in this loop moves nothing that {name} is computed of: {detached}."
    return meaning, cure, frame.place_of(line)


def _used(loop: source.Loop, name: str) -> str:
    """The first expression of a loop that is given a result, with the result detached."""
    for node in ast.walk(loop):
        given = [ast.unparse(one) for one in node.args] if isinstance(node, ast.Call) else []
        if name in given:
            return ast.unparse(Detached({name}).visit(copy.deepcopy(node)))
    return f"{name}.detach()"


def _moved(loop: source.Loop, frame: Frame) -> set[int] | None:
    """What the optimizers that step in a loop hold; None where it is not known."""
    found: set[int] = set()
    for node in ast.walk(loop):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr != "step":
                continue
            one = looked_up(node.func.value, frame)
            if isinstance(one, torch.optim.Optimizer):
                found.update(map(id, held(one)))
    return found or None
