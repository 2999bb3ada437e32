"""A saved parameter that an optimizer's step changed between the forward and the backward pass."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph, kept, once, passes, replayed, second
from grader.errors.seen.in_place import behind, given, later, stale
from grader.errors.seen.reading import ran
from grader.errors.seen.reading.frames import Frame, Frames, file_name, held
from grader.errors.seen.reading.lookup import looked_up

_Holder = tuple[str, torch.optim.Optimizer | None]
_OTHERS = ("scheduler", "sched", "env", "scaler", "pbar", "prof", "profiler")
"""Names of what steps and is no optimizer, where the value is not at hand."""


def read(
    frames: Frames, told: Explained, message: str, root: Tensor, refusing: list[Any]
) -> Explained | None:
    """Which parameter it is, whose step changed it, and where; None if it is no parameter."""
    found = _edited(message, refusing)
    if not found:
        return None
    parameter = next((one for one in found if _holders(frames, one)), found[0])
    holders = _holders(frames, parameter)
    stepped = _that_stepped(holders, parameter)
    if holders and not stepped:
        return None
    code, place, optimizer = _step(frames, stepped)
    if not code or _is_edited_by_hand(frames, parameter):
        return None
    what = frames.name_of(parameter) or f"a parameter of shape {tuple(parameter.shape)}"
    if (carried := passes.carried(frames)) is not None:
        comes, it = ("come", "them") if ", " in carried.name else ("comes", "it")
        return replace(
            told,
            meaning=f"{second.spoken(carried.name)} {comes} from {carried.of}, so this backward "
            f"goes on into the graph of that one, and {code}.step() has changed {what} since.",
            cure=f"Detach {it} {carried.where}: {carried.detached}. Then retain_graph=True is "
            "not needed.",
            place=carried.place,
        )
    if (kept_once := once.below(frames, kept.opened(frames), root, parameter)) is not None:
        path, made = kept_once
        return replace(
            told,
            meaning=f"{path} was computed once, {made.by}, of {what}, and {code}.step() has "
            "changed that since.",
            cure=f"Compute {path} in forward, of what {what} is then: every step has a graph "
            "of its own, and retain_graph=True is not needed.",
            place=made.place,
        )
    if (old := stale.made_before(frames, root, refusing)) is not None:
        name, statement, at = old
        return replace(
            told,
            meaning=f"{name} was computed before this loop ({at}), and {code}.step() has changed "
            f"{what}, by which it was computed, in an earlier pass of the loop.",
            cure=f"Compute {name} anew in each pass of the loop, in front of its first use there: "
            f"{statement}.",
            place=place,
        )
    if (handed := given.read(frames, told, root, refusing, code, what)) is not None:
        return handed
    if not is_straight(frames):
        put_away = replayed.read(frames, told, root, refusing, code, what)
        if put_away is not None:
            return put_away
    loss = _name_where_made(frames, root) or "this loss"
    beside = _reaches_others(root, held(optimizer) if optimizer is not None else [])
    steps = [code, *later.steps(frames, root, optimizer)]
    cure = _cure(steps, loss, beside)
    if beside:
        cure = behind.cure(frames, root, refusing, place, (steps, optimizer)) or cure
    cure += later.behind(frames, root)
    shared = ""
    if others := [name for name, one in holders if one is not optimizer and optimizer is not None]:
        shared = f" {' and '.join([code, *others])} both hold it."
        cure = _cure_of_shared([code, *others])
    return replace(
        told,
        meaning=f"{code}.step() changed {what} in place after the forward pass of this loss had "
        f"saved it.{shared}",
        cure=cure,
        place=place,
        sure=False,
    )


def is_straight(frames: Frames) -> bool:
    """Whether an optimizer's step stands before the failing line, in no earlier pass of a loop."""
    return any(
        ran.when(frames, number, node.lineno, node.col_offset) == ran.STRAIGHT
        and node.lineno < frame.line
        for number, frame in enumerate(frames.own)
        if frame.source is not None
        for node in _steps(frame.source, frame, None)
    )


def _name_where_made(frames: Frames, root: Tensor) -> str:
    """What a loss is called where it was computed, and not where it was handed on."""
    for frame in reversed(frames.own):
        arguments = {one.arg for one in getattr(getattr(frame.source, "args", None), "args", ())}
        for name, value in frame.names.items():
            if value is root and name not in arguments:
                return name
    return frames.name_of(root)


def _holders(frames: Frames, parameter: Tensor) -> list[_Holder]:
    """The optimizers that hold a parameter, by name."""
    return [
        (name, optimizer)
        for name, optimizer in frames.optimizers()
        if any(one is parameter for one in held(optimizer))
    ]


def _that_stepped(holders: list[_Holder], parameter: Tensor) -> list[_Holder]:
    """Without those that would keep a state of the parameter by now, and have none."""
    return [
        (name, one)
        for name, one in holders
        if one is None or one.state.get(parameter) or not {"betas", "rho"} & one.defaults.keys()
    ]


def _cure_of_shared(names: list[str]) -> str:
    steps = ", then ".join(f"{name}.step()" for name in names)
    return (
        "Compute both losses, call backward on both (the first with retain_graph=True), and step "
        f"after that: {steps}, with no zero_grad() after the first backward. What both hold then "
        "moves twice, by the sum of both gradients; to move it once, give it to one optimizer "
        "alone, or add the losses and use one optimizer for all."
    )


def _cure(optimizers: list[str], loss: str, others: bool) -> str:
    """A loss that trains what the optimizer does not hold would leave its gradients in the rest."""
    steps = " and ".join(f"{one}.step()" for one in optimizers)
    again = (
        f"Compute {loss} after {steps}, from the updated weights: run the forward pass "
        f"that leads to {loss} again there."
    )
    detached = "A part of the graph that the step is not to train is cut off with detach()."
    if others:
        return (
            f"{again} Calling its backward before that step would add its gradients to those that "
            f"{optimizers[0]} uses. {detached}"
        )
    return (
        "If one step is to follow both losses, add them: (a + b).backward(), then one step(), "
        f"with no zero_grad() between. Else {again[0].lower()}{again[1:]} {detached}"
    )


def _edited(message: str, refusing: list[Any]) -> list[Tensor]:
    """The leaves near the refusing nodes that have the shape and the version of the message."""
    shape = re.search(r"\[torch\.\S+ \[([\d, ]*)\]\]", message)
    version = re.search(r"is at version (\d+)", message)
    if shape is None:
        return []
    sizes = sorted(int(size) for size in re.findall(r"\d+", shape[1]))
    return [
        leaf
        for node in refusing
        for leaf in _leaves_near(node)
        if sorted(leaf.shape) == sizes and (version is None or leaf._version == int(version[1]))
    ]


def _leaves_near(node: Any) -> list[Tensor]:
    """The parameters that a node uses directly, or through a transpose."""
    found = []
    for below, _ in node.next_functions:
        if below is None:
            continue
        near = (below, *(deeper for deeper, _ in below.next_functions))
        found += [one.variable for one in near if one is not None and hasattr(one, "variable")]
    return found


def _reaches_others(root: Tensor, mine: list[Tensor]) -> bool:
    """Whether a loss trains parameters too that the optimizer does not hold."""
    ids = {id(one) for one in mine}
    return any(id(leaf) not in ids for leaf in graph.leaves(graph.nodes(root.grad_fn)))


def _step(frames: Frames, holders: list[_Holder]) -> tuple[str, str, torch.optim.Optimizer | None]:
    """What the code calls the optimizer that stepped, the line of that step, and which it is.

    A step that the failing pass cannot have come to is none of them.
    """
    known: list[_Holder] = [*holders] or [("", None)]
    steps = [
        (ran.when(frames, number, node.lineno, node.col_offset), number, node, one)
        for number, frame in enumerate(frames.own)
        for _, one in known
        for node in (_steps(frame.source, frame, one) if frame.source is not None else ())
    ]
    sooner = [one for one in steps if one[0] > ran.AGAIN]
    before = sooner or [one for one in steps if one[0] == ran.AGAIN]
    if not before:
        return _step_elsewhere(frames, holders)
    _, number, node, optimizer = max(before, key=lambda one: (one[1], one[0], one[2].lineno))
    return _receiver(node), frames.own[number].place_of(node.lineno), optimizer


def _step_elsewhere(
    frames: Frames, holders: list[_Holder]
) -> tuple[str, str, torch.optim.Optimizer | None]:
    """The same, where a function that is called between steps it: of several the one that is."""
    lines = {
        name: f"{file_name(file)}, line {first + node.lineno - 1}"  # type: ignore[attr-defined]
        for name, _ in reversed(holders)
        for tree, file, first in kept.code_of(frames)
        for node in ast.walk(tree)
        if _is_step(node)
        and _receiver(node).rpartition(".")[2] == name.rpartition(".")[2]
        and not _is_in_frames(frames, file, first + node.lineno - 1)  # type: ignore[attr-defined]
    }
    told = [one for one in holders if one[0] in lines] or holders
    if len(told) != 1:
        return "", "", None
    ((name, optimizer),) = told
    return name, lines.get(name, ""), optimizer


def _is_in_frames(frames: Frames, file: str, line: int) -> bool:
    """Whether a line belongs to code that the error went through, whose steps were looked at."""
    return any(
        statement.lineno <= line <= (statement.end_lineno or 0)
        for one in frames.own
        if one.file == file
        for statement in getattr(one.source, "body", ())
    )


def _steps(tree: ast.AST, frame: Frame, optimizer: object) -> Iterator[ast.Call]:
    """Calls of this optimizer's step, or of what may be one if none is known."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not _is_step(node):
            continue
        value = looked_up(node.func.value, frame)  # type: ignore[attr-defined]
        if optimizer is not None:
            scaled = bool(node.args) and looked_up(node.args[0], frame) is optimizer
            if value is optimizer or scaled:
                yield node
        elif isinstance(value, torch.optim.Optimizer) or (
            value is None and _receiver(node).rpartition(".")[2].lower() not in _OTHERS
        ):
            yield node


def _is_step(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "step"
    )


def _receiver(node: ast.AST) -> str:
    """`self.critic_optim` of `self.critic_optim.step()`; of a scaler's step its optimizer."""
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Attribute)
    return ast.unparse(node.args[0] if node.args else node.func.value)


def _is_edited_by_hand(frames: Frames, parameter: Tensor) -> bool:
    """Whether a line of these frames edits this very parameter."""
    for frame in frames.own:
        for node in ast.walk(frame.source) if frame.source is not None else ():
            target: ast.expr | None = node.target if isinstance(node, ast.AugAssign) else None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = node.func.attr
                target = node.func.value if name.endswith("_") and name[:-1].isalpha() else None
            if target is not None and looked_up(target, frame) is parameter:
                return True
    return False
