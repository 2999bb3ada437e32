"""A gradient asked for with respect to a model, of a loss that another one or a copy computed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

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
        if (copied := _copied(frames, told, name, asked, root)) is not None:
            return copied
    return None


def _copied(
    frames: Frames, told: Explained, name: str, asked: nn.Module, root: Tensor
) -> Explained | None:
    """A copy that has no name any more: its parameters are in the graph, its line in the text."""
    shapes = [one.shape for one in asked.parameters()]
    reached = [one.shape for one in graph.leaves(graph.nodes(root.grad_fn))]
    place = frames.the_one_line(_copies)
    if not place or not all(one in reached for one in shapes):
        return None
    return replace(
        told,
        meaning=f"The loss was computed from a copy of {name}: deepcopy() makes parameters of "
        f"their own, and no graph leads from them to those of {name}.",
        cure=f"Adapt the weights without a copy: weights = dict({name}.named_parameters()) in its "
        f"place, torch.func.functional_call({name}, weights, (x,)) for each call of it, "
        "torch.autograd.grad(loss, list(weights.values()), create_graph=True), and weights = "
        "{key: w - lr * g for (key, w), g in zip(weights.items(), grads)} outside of no_grad().",
        place=place,
    )


def _copies(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and failing.name_of(node) == "deepcopy"


def _asked(frames: Frames) -> Iterator[tuple[str, nn.Module]]:
    """The modules whose parameters() the failing line names."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "parameters":
            value = looked_up(node.func.value, frame)
            if isinstance(value, nn.Module):
                yield ast.unparse(node.func.value), value
        elif node.func.attr == "grad" and len(node.args) > 1:
            yield from _holding(frames, looked_up(node.args[1], frame))


def _holding(frames: Frames, tensors: Any) -> Iterator[tuple[str, nn.Module]]:
    """The module whose parameters a list holds, all of them and nothing else."""
    held = {id(one) for one in tensors} if isinstance(tensors, list | tuple) else set()
    for name, module in parts(frames):
        if held and {id(one) for one in module.parameters()} == held:
            yield name, module
            return


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
