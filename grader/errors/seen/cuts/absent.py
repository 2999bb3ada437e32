"""A tensor of a list that is asked for: whether what is differentiated has it, or lost it."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.cuts import anew
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, call: ast.Call, index: int) -> Explained | None:
    """The leaf at this place of a written list, where the result does not lead back to it."""
    asked, frame = call.args[1], frames.last
    if not isinstance(asked, ast.List | ast.Tuple) or index >= len(asked.elts):
        return None
    leaf, result = looked_up(asked.elts[index], frame), _tensors(call.args[0], frame)
    if not _is_leaf(leaf) or len(result) != 1 or _leads_to(result[0][1], leaf):
        return None
    name, shown = ast.unparse(asked.elts[index]), result[0][0]
    every = [(ast.unparse(one), looked_up(one, frame)) for one in asked.elts]
    rest = [key for key, one in every if not _is_leaf(one) or _leads_to(result[0][1], one)]
    why = f"{shown} was not computed from it."
    if (slope := _differentiated(frame, shown)) is not None:
        function, by = slope
        if any(_leads_to(one, leaf) for _, one in _tensors(function, frame)):
            why = (
                f"{shown} is the slope of {ast.unparse(function)} by {by}, and a term without {by} "
                f"drops out of a slope: {name} stands in none that is left."
            )
    out = f"Leave it out: [{', '.join(rest)}]. Or" if rest else "Do not ask for it. Or"
    return replace(
        told,
        meaning=f"{shown} does not depend on {name}, number {index} in the list. {why}",
        cure=f"{out} pass allow_unused=True, materialize_grads=True, which gives 0 for it.",
        place=frame.place,
    )


def made_now(frames: Frames, told: Explained, call: ast.Call, asked: ast.expr) -> Explained | None:
    """A call, or a part of a tensor, which makes a new tensor where its gradient is asked for."""
    frame = frames.last
    method = asked.func if isinstance(asked, ast.Call) else None
    part = isinstance(asked, ast.Subscript) and isinstance(looked_up(asked.value, frame), Tensor)
    if not part and not isinstance(method, ast.Attribute):
        return None
    return replace(
        told,
        meaning=f"{source.spelled(asked)} makes a new tensor at this moment, and the result was "
        "computed before from another.",
        cure=anew.of_leaf(asked, frame) or of_whole(call, frame) or anew.MADE_NOW,
        place=frame.place,
    )


def of_whole(call: ast.Call, frame: Frame) -> str | None:
    """The call that asks for a whole leaf, with the part taken out of what it gives."""
    asked = call.args[1]
    if not isinstance(asked, ast.Subscript):
        return None
    whole = looked_up(asked.value, frame)
    if not _is_leaf(whole):
        return None
    if not any(_leads_to(one, whole) for _, one in _tensors(call.args[0], frame)):
        return None
    given = [ast.unparse(one) for one in (call.args[0], asked.value, *call.args[2:])]
    given += [ast.unparse(one) for one in call.keywords]
    part = ast.unparse(asked).removeprefix(ast.unparse(asked.value))
    return (
        f"The result depends on {ast.unparse(asked.value)}: ask for that, and take the part out of "
        f"what comes, {ast.unparse(call.func)}({', '.join(given)})[0]{part}."
    )


def _differentiated(frame: Frame, name: str) -> tuple[ast.expr, str] | None:
    """What a name is the gradient of, and by what, where the statement before the line says so."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    before = [one for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
    value = source.value_of(before[-1], name) if before else None
    for call in ast.walk(value) if value is not None else ():
        is_grad = isinstance(call, ast.Call) and failing.name_of(call) == "grad"
        if is_grad and isinstance(call, ast.Call) and len(call.args) > 1:
            return call.args[0], ast.unparse(call.args[1])
    return None


def _tensors(node: ast.expr, frame: Frame) -> list[tuple[str, Tensor]]:
    """The tensors with a graph that an expression names."""
    found = {
        ast.unparse(one): value
        for one in ast.walk(node)
        if isinstance(one, ast.Name | ast.Attribute)
        and isinstance(value := looked_up(one, frame), Tensor)
        and value.grad_fn is not None
    }
    return list(found.items())


def _is_leaf(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_leaf and value.requires_grad


def _leads_to(result: Tensor, leaf: object) -> bool:
    return any(one is leaf for one in graph.leaves(graph.nodes(result.grad_fn)))
