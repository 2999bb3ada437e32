"""A gradient scaler that steps an optimizer without gradients, or unscales one twice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

import torch

from grader.errors.explanation import Explained
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, held, own_function
from grader.errors.seen.reading.lookup import looked_up


def read_unchecked(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The optimizer whose every .grad is None, and which lines around the step explain it."""
    optimizer = frames.given("step").get("optimizer")
    if not isinstance(optimizer, torch.optim.Optimizer):
        return None
    mine = held(optimizer)
    if any(one.grad is not None for one in mine):
        return None
    frame = frames.last
    name = _name(frames, frame, optimizer)
    emptied = _emptied_after_backward(frame, name)
    if emptied is not None:
        return replace(
            told,
            meaning=f"{name} has no gradients to step with: zero_grad() came between backward() "
            "and this step, and set every .grad to None.",
            cure=f"Call {name}.zero_grad() before backward(), or after scaler.update().",
            place=frame.place_of(emptied),
        )
    others = [one for _, module in frames.modules() for one in module.parameters()]
    known = {id(one) for one in others}
    if any(one.grad is not None for one in others) and not any(id(one) in known for one in mine):
        return replace(
            told,
            meaning=f"{name} holds none of the parameters of the models here, so no backward fills "
            "the .grad of those that it holds.",
            cure="Make the optimizer of the parameters of the model that is trained, after that "
            "model was made, moved or replaced.",
        )
    return replace(
        told,
        meaning=f"Every .grad of what {name} holds is None: since they were emptied, no backward "
        "of a scaled loss has reached them, and there is nothing to check or to step with.",
        cure=f"Step {name} only where its loss was run backward: put scaler.step({name}) into the "
        "same if, or the same pass of the loop, as scaler.scale(loss).backward(). If that "
        "backward did run, the loss does not lead to these parameters: ask why_no_grad().",
    )


def read_twice(frames: Frames, told: Explained, message: str) -> Explained | None:
    """An unscale_ in every pass, beside a step in some of them; or two of them in one step."""
    if (earlier := _unscaled_before(frames)) is not None:
        return replace(
            told,
            meaning="The gradients of this optimizer were unscaled before in this step, at "
            f"{earlier}, and no update() came since: they would be divided twice.",
            cure="Leave this call out: what follows it finds them unscaled already.",
            place=frames.last.place,
        )
    frame = frames.last
    tree = frame.source
    if tree is None:
        return None
    for node in ast.walk(tree):
        if not isinstance(node, ast.If) or node.lineno <= frame.line <= (node.end_lineno or 0):
            continue
        if source.calls(node, "update") and source.calls(node, "step"):
            return replace(
                told,
                meaning="unscale_() runs in every pass of the loop, and step() and update() only "
                "in those of an if: the second unscale_ before an update() is refused.",
                cure="Move unscale_() and the clipping into that if, in front of step().",
                place=frame.place_of(node.lineno),
            )
    if (line := _leaves_between(tree, frame.line)) is not None:
        return replace(
            told,
            meaning="This line leaves the pass behind unscale_() and in front of update(), so the "
            "next pass unscales without an update() between.",
            cure="Call update() of the scaler in front of it; the gradients that are not used are "
            "emptied by zero_grad(). The scaler itself leaves out a step whose gradients are inf "
            "or nan.",
            place=frame.place_of(line),
        )
    return None


def _leaves_between(tree: ast.AST, line: int) -> int | None:
    """The one continue between the unscale_ of a loop and its update."""
    loop = source.loop_of(tree, line)
    updates = [at for at, _ in source.calls(loop, "update")] if loop is not None else []
    found = [
        node.lineno
        for node in (ast.walk(loop) if loop is not None else ())
        if isinstance(node, ast.Continue) and updates and line < node.lineno < updates[-1]
    ]
    updated = [at for at in updates if found and line < at < found[0]]
    return found[0] if len(found) == 1 and not updated else None


def _unscaled_before(frames: Frames) -> str | None:
    """The one unscale_ that ran before the failing one, in a frame or in what a frame called."""
    if len(frames.optimizers()) != 1:
        return None  # it may have been another's
    for frame in reversed(frames.own):
        tree = frame.source
        scope = (source.loop_of(tree, frame.line) or tree) if tree is not None else None
        found = list(_unscaling(scope, frame)) if scope is not None else []
        if found:
            return found[0] if len(set(found)) == 1 else None
    return None


def _unscaling(scope: ast.AST, frame: Frame) -> Iterator[str]:
    """Where the statements before a frame's line unscale, but for those of an if or a loop."""
    for statement in getattr(scope, "body", ()):
        if statement.lineno >= frame.line or not isinstance(statement, ast.Expr | ast.Assign):
            continue
        for call in (one for one in ast.walk(statement) if isinstance(one, ast.Call)):
            if getattr(call.func, "attr", "") == "unscale_":
                yield frame.place_of(call.lineno)
                continue
            value = looked_up(call.func, frame)
            code = own_function(getattr(value, "__func__", value))
            if code is not None:
                yield from _always(*code)


def _always(tree: ast.AST, file: str, first: int) -> Iterator[str]:
    """Where a function unscales in each of its runs."""
    for function in getattr(tree, "body", ()):
        for one in getattr(function, "body", ()):
            if isinstance(one, ast.Expr) and source.calls(one, "unscale_"):
                yield f"{file_name(file)}, line {first + one.lineno - 1}"


def _name(frames: Frames, frame: Frame, optimizer: object) -> str:
    for name, one in frames.optimizers():
        if one is optimizer:
            return name
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.Call) and node.lineno == frame.line and node.args:
            return ast.unparse(node.args[0])
    return "optimizer"


def _emptied_after_backward(frame: Frame, name: str) -> int | None:
    """The line of a zero_grad of this optimizer between the last backward and the failing step."""
    tree = frame.source
    if tree is None:
        return None
    backward = [line for line, _ in source.calls(tree, "backward") if line < frame.line]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of_it = ast.unparse(node.func.value) == name and node.func.attr == "zero_grad"
        if of_it and backward and backward[-1] < node.lineno < frame.line:
            return node.lineno
    return None
