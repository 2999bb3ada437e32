"""A gradient asked for with respect to a model, of a loss that another one computed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained) -> Explained | None:
    """The model whose parameters the loss does depend on, beside the one that is asked for."""
    frame, root = start_of(frames)
    if root is None or root.grad_fn is None:
        return None
    reached = {id(one) for one in graph.leaves(graph.nodes(root.grad_fn))}
    for name, asked in _asked(frames):
        mine = list(asked.parameters())
        if not mine or any(id(one) in reached for one in mine):
            continue
        for other_name, other in parts(frames):
            theirs = list(other.parameters())
            if other is asked or not any(id(one) in reached for one in theirs):
                continue
            return _told(told, name, asked, other_name, other, frame.place, root)
    return None


def _asked(frames: Frames) -> Iterator[tuple[str, nn.Module]]:
    """The modules whose parameters() the failing line names."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr != "parameters":
            continue
        value = looked_up(node.func.value, frame)
        if isinstance(value, nn.Module):
            yield ast.unparse(node.func.value), value


def _told(
    told: Explained,
    name: str,
    asked: nn.Module,
    other_name: str,
    other: nn.Module,
    place: str,
    root: Tensor,
) -> Explained:
    shapes = [[one.shape for one in model.parameters()] for model in (asked, other)]
    copied = f", which has the shapes of {name}, as a copy has" if shapes[0] == shapes[1] else ""
    return replace(
        told,
        meaning=f"The loss was computed from the parameters of {other_name}{copied}; and the "
        f"gradient of those of {name} is asked for: no graph leads from one to the other.",
        cure=f"For the gradient at {other_name} ask for list({other_name}.parameters()), and hand "
        f"it on to {name}. To go back through the steps that made {other_name}, take them without "
        "an optimizer: weights = {key: w - lr * g, ...} with create_graph=True, and "
        f"torch.func.functional_call({name}, weights, (x,)).",
        place=place,
    )
