"""A saved tensor edited in place: which node refuses, and whether an optimizer's step did it."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen import graph, source
from grader.errors.seen.frames import Frame, Frames
from grader.errors.seen.passes import looked_up, start_of


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A parameter that an optimizer holds was stepped; anything else was edited by an operation."""
    frame, root = start_of(frames)
    if root is None or root.grad_fn is None:
        return None
    refusing = [
        node
        for node in graph.nodes(root.grad_fn)
        if "modified by an inplace" in graph.complaint(node)
    ]
    owned = {
        id(parameter): name
        for name, optimizer in frames.optimizers()
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    sizes = {int(size) for size in re.findall(r"\d+", message.partition("[torch.")[2].split("]")[0])}
    parameters = [
        leaf for node in refusing for leaf in _leaves_near(node) if sizes == set(leaf.shape)
    ]
    stepped = next((one for one in parameters if id(one) in owned), None)
    step = _step_line(frames)
    if stepped is not None and step is not None and not _edits(frame):
        name = frames.name_of(stepped) or "a parameter"
        return replace(
            told,
            meaning=f"{owned[id(stepped)]}.step() changed {name} in place after the forward pass "
            "of this loss had saved it.",
            cure="Call every backward before the first step(). If this loss is to use the updated "
            "weights, run its forward pass again after the step. A part of the graph that the "
            "step is not to train is cut off with detach().",
            place=step,
            sure=False,
        )
    if not refusing:
        return None
    node = refusing[0].name()
    edits = _edits(frame) or [place for one in frames.own for place in _edits(one)]
    where = f" Edits in this code: {', '.join(edits[:3])}." if edits else ""
    return replace(
        told,
        meaning=f"{node} saved a tensor for its backward, and the tensor was edited in place "
        f"afterwards.{where}",
        cure="Use the out-of-place operation (x = x + 1 for x += 1), or edit a clone.",
        place=edits[0] if len(edits) == 1 else "",
        sure=True,
    )


def _leaves_near(node: Any) -> list[Tensor]:
    """The parameters that a node uses directly, or through a transpose."""
    found = []
    for below, _ in node.next_functions:
        if below is None:
            continue
        for one in (below, *(deeper for deeper, _ in below.next_functions)):
            if one is not None and one.name().endswith("AccumulateGrad"):
                found.append(one.variable)
    return found


def _step_line(frames: Frames) -> str | None:
    """Where an optimizer steps in these frames' code."""
    for frame in reversed(frames.own):
        tree = frame.source
        if tree is not None and (found := source.calls(tree, "step")):
            before = [line for line, _ in found if line < frame.line] or [found[0][0]]
            return frame.place_of(before[-1])
    return None


def _edits(frame: Frame) -> list[str]:
    """Lines of a frame's code that edit a tensor in place."""
    tree = frame.source
    found: list[int] = []
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.AugAssign) and _is_tensor(node.target, frame):
            found.append(node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            kept = ("requires_grad_", "retain_grad_", "detach_")
            if name.endswith("_") and not name.endswith("__") and name not in kept:
                found.append(node.lineno)
        elif isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Subscript) and _is_tensor(one.value, frame) for one in node.targets
        ):
            found.append(node.lineno)
    return [frame.place_of(line) for line in sorted(set(found))]


def _is_tensor(node: ast.AST, frame: Frame) -> bool:
    value = looked_up(node.value if isinstance(node, ast.Subscript) else node, frame)
    return isinstance(value, Tensor)
