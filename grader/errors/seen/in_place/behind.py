"""What is to be computed again behind a step, line by line, or which pass is to go first."""

from __future__ import annotations

import ast
from typing import Any

import torch
from torch import Tensor

from grader.errors.seen.again import apart, graph, starts
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, held
from grader.errors.seen.reading.lookup import looked_up

_MOST = 4
"""More lines than these are a forward pass, and are named as one."""


def cure(
    frames: Frames,
    root: Tensor,
    refusing: list[Any],
    place: str,
    stepped: tuple[list[str], torch.optim.Optimizer | None],
) -> str | None:
    """The lines to write again behind the steps, else the pass that is to go first, else None.

    `place` is where the first of them steps; `stepped` all by name, and the first as it is.
    """
    steps, optimizer = stepped
    if (again := _lines(frames, root, refusing, place)) is None:
        return _first(frames, root, optimizer)
    texts = [f"`{ast.unparse(one)}`" for one in again]
    written = " and ".join([", ".join(texts[:-1]), *texts[-1:]][len(texts) == 1 :])
    behind = " and ".join(f"{one}.step()" for one in steps)
    return (
        f"Compute {ast.unparse(again[-1].targets[0])} after {behind}, from the updated weights: "
        f"write {written} again behind it. Calling its backward before that step would add its "
        f"gradients to those that {steps[0]} uses. A part of the graph that the step is not to "
        "train is cut off with detach()."
    )


def _lines(
    frames: Frames, root: Tensor, refusing: list[Any], place: str
) -> list[ast.Assign] | None:
    """The statements to write again behind a step.

    They stand in front of the step in the code around the failing line, and give a name what the
    changed weights saved. Together they are all that this loss is made of and that is old.
    """
    frame, _ = start_of(frames)
    if (scope := starts.around(frame)) is None:
        return None
    steps = [line for line, _ in source.calls(scope, "step") if frame.place_of(line) == place]
    if not steps or steps[0] >= frame.line:
        return None
    old = _old(frames, root, refusing)
    made: dict[int, ast.Assign] = {}
    names = set()
    for name in old:
        given = [one for one in source.assigned(scope, name) if _line(one) < frame.line]
        if not given or not isinstance(given[-1], ast.Assign) or _line(given[-1]) > steps[0]:
            continue
        made[_line(given[-1])] = given[-1]
        names.add(name)
    found = [made[line] for line in sorted(made)]
    if not found or len(found) > _MOST or not _is_all(frame, root, refusing, old, names, found):
        return None
    return found


def _old(frames: Frames, root: Tensor, refusing: list[Any]) -> dict[str, Tensor]:
    """The results below a loss that changed weights lie behind, by name."""
    below, refused = set(graph.nodes(root.grad_fn)), set(refusing)
    return {
        name: value
        for name, value in frames.tensors()
        if value.grad_fn in below and refused & set(graph.nodes(value.grad_fn))
    }


def _is_all(
    frame: Frame,
    root: Tensor,
    refusing: list[Any],
    old: dict[str, Tensor],
    names: set[str],
    found: list[ast.Assign],
) -> bool:
    """Whether the loss is made of nothing old but these names, and they of nothing but those."""
    again = [old[name].grad_fn for name in names if old[name] is not root]
    if not any(old[name] is root for name in names):
        left = set(graph.nodes(root.grad_fn, *again)) - set(again)
        if left & set(refusing):
            return False
    refused = set(refusing)
    for one in found:
        for node in ast.walk(one.value):
            text = source.spelled(node) if isinstance(node, ast.Name | ast.Attribute) else ""
            for value in _parts(looked_up(node, frame)) if text and text not in names else ():
                if value.grad_fn is not None and refused & set(graph.nodes(value.grad_fn)):
                    return False
    return True


def _parts(value: Any) -> list[Tensor]:
    """The tensors that a value is, or holds."""
    inner = value.values() if isinstance(value, dict) else value
    several = inner if isinstance(value, list | tuple | dict) else [value]
    return [one for one in several if isinstance(one, Tensor)]


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))


def _first(frames: Frames, root: Tensor, optimizer: torch.optim.Optimizer | None) -> str | None:
    """The cure of a loss that came computed, and whose pass can go before the other one's.

    It can where the other loss has no part in what this one's optimizer moves, and no node of
    this one's graph.
    """
    frame, _ = start_of(frames)
    scope = starts.around(frame)
    before = [one for one in starts.before(scope, frame) if one.exact] if scope is not None else []
    here = starts.failing(scope, frame) if scope is not None else None
    if scope is None or here is None or not here.exact or not before:
        return None
    turns = apart.Turns(frame, scope, before[0].at[0])
    earlier, later = turns.earlier, turns.later
    if earlier is None or later is None or earlier[1] is not optimizer or later[1] is optimizer:
        return None
    other = graph.nodes(before[0].value.grad_fn)
    moved = {id(one) for one in held(later[1])}
    shared = starts.inner(other) & starts.inner(graph.nodes(root.grad_fn))
    if shared or any(id(one) in moved for one in graph.leaves(other)):
        return None
    return (
        f"Both losses are computed before either step, so the order decides: put {here.call} and "
        f"{later[0]}.step() in front of {before[0].call}, and {earlier[0]}.zero_grad() between "
        f"them, which takes away what {here.name} left there. {before[0].name} is not made of "
        f"what {later[0]} moves."
    )
