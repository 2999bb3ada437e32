"""An argument that brings its graph along, through weights that a step has changed since."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.reading.frames import Frame, Frames, held
from grader.errors.seen.reading.lookup import looked_up


def read(
    frames: Frames, told: Explained, root: Tensor, refusing: list[Any], stepped: str, what: str
) -> Explained | None:
    """The one argument of the failing function behind which alone the changed weights lie.

    The optimizers that the function itself steps train nothing of what that was computed from.
    """
    frame, _ = start_of(frames)
    number = next((n for n, one in enumerate(frames.own) if one is frame), 0)
    given = [
        (name, value)
        for name, value in frame.names.items()
        if name in _arguments(frame)
        and isinstance(value, Tensor)
        and value.grad_fn is not None
        and value is not root
        and set(refusing) <= set(graph.nodes(value.grad_fn))
    ]
    if len(given) != 1 or not number:
        return None
    ((name, value),) = given
    behind = {id(one) for one in graph.leaves(graph.nodes(value.grad_fn))}
    mine = [one for one in _optimizers(frame) if not behind.intersection(map(id, held(one)))]
    if len(mine) != 1 or len(_optimizers(frame)) != 1:
        return None
    caller = frames.own[number - 1]
    handed = next((key for key, one in caller.names.items() if one is value), name)
    return replace(
        told,
        meaning=f"{handed} was computed before {stepped}.step() changed {what}, and it is handed "
        f"to {frame.code_name}() with its graph, as {name}: this backward goes on through weights "
        "that are others by now. The optimizer that steps here holds none of them.",
        cure=f"To this loss it is a number: hand it over as {handed}.detach(). Only if the loss is "
        f"to train what {handed} was computed from too, compute it anew behind {stepped}.step().",
        place=caller.place,
    )


def _arguments(frame: Frame) -> set[str]:
    """The names of a function's arguments."""
    given = getattr(frame.source, "args", None)
    return {one.arg for one in [*given.args, *given.kwonlyargs]} if given is not None else set()


def _optimizers(frame: Frame) -> list[torch.optim.Optimizer]:
    """What a function steps."""
    found = {}
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            one = looked_up(node.func.value, frame)
            if node.func.attr == "step" and isinstance(one, torch.optim.Optimizer):
                found[id(one)] = one
    return list(found.values())
