"""A saved tensor edited in place: which node refuses, and whether an optimizer's step did it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen import buffers, graph, passes, source
from grader.errors.seen.frames import Frame, Frames, file_name
from grader.errors.seen.passes import looked_up, start_of


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A parameter that an optimizer holds was stepped; anything else was edited by an operation."""
    frame, root = start_of(frames)
    if root is None or root.grad_fn is None:
        return _without_node(frames, told)
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
    sizes = {
        int(size) for size in re.findall(r"\d+", message.partition("[torch.")[2].split("]")[0])
    }
    parameters = [
        leaf for node in refusing for leaf in _leaves_near(node) if sizes == set(leaf.shape)
    ]
    stepped = next((one for one in parameters if id(one) in owned), None)
    step = _step_line(frames)
    if stepped is not None and step is not None and not _edits(frame):
        name = frames.name_of(stepped) or "a parameter"
        if (carried := passes.carried(frames)) is not None:
            state, detached, place = carried
            return replace(
                told,
                meaning=f"{state} comes from an earlier step, so this backward goes on into that "
                f"step's graph, and {owned[id(stepped)]}.step() has changed {name} since.",
                cure=f"Detach it at the end of each step: {detached}. Then retain_graph=True is "
                "not needed.",
                place=place,
            )
        return replace(
            told,
            meaning=f"{owned[id(stepped)]}.step() changed {name} in place after the forward pass "
            "of this loss had saved it.",
            cure=_cure_of_step(owned[id(stepped)], len(frames.optimizers())),
            place=step,
            sure=False,
        )
    if not refusing:
        return _without_node(frames, told)
    node = refusing[0].name()
    edits = [place for one in reversed(frames.own) for place in _edits(one)]
    edits = edits or _edits_of_models(frames)
    where = f" Edits in this code: {', '.join(edits[:3])}." if edits else ""
    if (buffer := _of_buffer(frames, node, edits)) is not None:
        meaning, cure, place = buffer
        return replace(told, meaning=meaning, cure=cure, place=place)
    cure = "Use the out-of-place operation (x = x + 1 for x += 1), or edit a clone."
    if kept := _kept(frames):
        cure = (
            f"What {kept} keeps from step to step is values: write them after this step's "
            f"backward, inside `with torch.no_grad():`, and detached, {kept}[...] = z.detach()."
        )
    return replace(
        told,
        meaning=f"{node} saved a tensor for its backward, and its memory was edited in place "
        f"afterwards.{where}",
        cure=cure,
        place=edits[0] if len(edits) == 1 else "",
        sure=True,
    )


def _without_node(frames: Frames, told: Explained) -> Explained | None:
    """What the code alone says, where the loss has no name and its graph is not at hand."""
    edits = [place for one in reversed(frames.own) for place in _edits(one)]
    if (buffer := _of_buffer(frames, "A node", edits)) is None:
        return None
    meaning, cure, place = buffer
    return replace(told, meaning=meaning, cure=cure, place=place, sure=False)


def _of_buffer(frames: Frames, node: str, edits: list[str]) -> tuple[str, str, str] | None:
    """A tensor that a loop fills and reads again, if it is all that is edited: what is said."""
    found = buffers.filled(frames)
    filled = {place for _, _, place in found}
    if len({name for name, _, _ in found}) != 1 or set(edits) - filled:
        return None
    name, entry, place = found[0]
    return (
        f"{node} saved a part of {name}, which is a view of its memory, and {entry} = ... wrote "
        "into that memory afterwards.",
        f"Collect the parts in a list, parts.append(...), read parts[-1] in the loop, and make "
        f"one tensor after it: {name} = torch.stack(parts).",
        place,
    )


def _cure_of_step(optimizer: str, optimizers: int) -> str:
    """With several optimizers an earlier backward would leave its gradients in the other's."""
    again = "run the forward pass of this loss again after the step"
    if optimizers > 1:
        return (
            f"Compute this loss after {optimizer}.step(), from the updated weights: {again}. "
            f"Calling its backward before that step would add its gradients to those that "
            f"{optimizer} uses. A part of the graph that the step is not to train is cut off with "
            "detach()."
        )
    return (
        "Call every backward before the first step(). If this loss is to use the updated "
        f"weights, {again}. A part of the graph that the step is not to train is cut off with "
        "detach()."
    )


def _kept(frames: Frames) -> str | None:
    """The attribute whose entries this code or a model's forward writes: kept between steps."""
    for frame in reversed(frames.own):
        for inside in _written(frame.source):
            if isinstance(inside, ast.Attribute) and isinstance(looked_up(inside, frame), Tensor):
                return ast.unparse(inside)
    for _, model in frames.modules():
        for part in model.modules():
            code = source.own_code(type(part))
            for inside in _written(code[0]) if code is not None else ():
                name = getattr(inside, "attr", "")
                if isinstance(getattr(part, name, None) if name else None, Tensor):
                    return ast.unparse(inside)
    return None


def _written(tree: ast.AST | None) -> list[ast.expr]:
    """What an assignment writes entries of: `self.bank` in `self.bank[i] = z`."""
    targets = [
        target
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Assign)
        for target in node.targets
    ]
    return [one.value for one in targets if isinstance(one, ast.Subscript)]


def _leaves_near(node: Any) -> list[Tensor]:
    """The parameters that a node uses directly, or through a transpose."""
    found = []
    for below, _ in node.next_functions:
        if below is None:
            continue
        near = (below, *(deeper for deeper, _ in below.next_functions))
        found += [one.variable for one in near if one is not None and hasattr(one, "variable")]
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
    found = _edited_lines(tree, lambda node: _is_tensor(node, frame)) if tree is not None else []
    return [frame.place_of(line) for line in found]


def _edits_of_models(frames: Frames) -> list[str]:
    """Lines that edit in place in the forward of the models that can be named."""
    kinds = {type(part) for _, model in frames.modules() for part in model.modules()}
    found = []
    for kind in kinds:
        if (code := source.own_code(kind)) is not None:
            tree, file, first = code
            lines = _edited_lines(tree, lambda node: True)
            found += [f"{file_name(file)}, line {first + line - 1}" for line in lines]
    return sorted(found)


def _edited_lines(tree: ast.AST, is_tensor: Callable[[ast.AST], bool]) -> list[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and is_tensor(node.target):
            found.add(node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            kept = ("requires_grad_", "retain_grad_", "detach_")
            if name.endswith("_") and not name.endswith("__") and name not in kept:
                found.add(node.lineno)
        elif isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Subscript) and is_tensor(one.value) for one in node.targets
        ):
            found.add(node.lineno)
    return sorted(found)


def _is_tensor(node: ast.AST, frame: Frame) -> bool:
    value = looked_up(node.value if isinstance(node, ast.Subscript) else node, frame)
    return isinstance(value, Tensor)
