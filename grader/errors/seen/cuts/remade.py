"""A result that a call with requires_grad=True made a leaf of: its numbers, without their graph."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.scope import behind

_COPYING = ("tensor", "as_tensor", "Tensor", "FloatTensor", "Variable")


def read(frames: Frames, told: Explained) -> Explained | None:
    """The call that copied the numbers of what the result was to be computed from."""
    for call in failing.calls(frames.last, "grad"):
        if len(call.args) < 2:
            continue
        result, asked = call.args[0], call.args[1]
        value = looked_up(result, frames.last)
        is_leaf = isinstance(value, Tensor) and value.is_leaf and value.requires_grad
        if not is_leaf or looked_up(asked, frames.last) is value:
            continue
        for frame, name in _names(frames, value):
            for made, place in _made(frame, name):
                name, x = source.spelled(result), source.spelled(asked)
                whole = source.spelled(made.func)
                return replace(
                    told,
                    meaning=f"{name} is a leaf of its own: {whole} copies the numbers of what it "
                    "is given, and requires_grad=True does not bring their graph back. Nothing "
                    f"leads from {name} to {x}.",
                    cure=f"Join the tensors themselves, without the flag: {_joined(made)}.",
                    place=place,
                )
    return None


def _names(frames: Frames, value: Tensor) -> Iterator[tuple[Frame, str]]:
    """Every name that the own frames have for a tensor, the innermost first."""
    for frame in reversed(frames.own):
        yield from ((frame, name) for name, one in frame.names.items() if one is value)


def _made(frame: Frame, name: str) -> Iterator[tuple[ast.Call, str]]:
    """The copying call that gave a name its value, in this text or in a function that it calls."""
    for statement in source.assigned(frame.source, name) if frame.source is not None else ():
        call = source.value_of(statement, name)
        if not isinstance(call, ast.Call) or call.lineno > frame.line:
            continue
        if _copies(call):
            yield call, frame.place_of(call.lineno)
        code = own_function(behind(looked_up(call.func, frame))[0])
        if code is None:
            continue
        tree, file, first = code
        inside = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _copies(one)]
        if len(inside) == 1:
            yield inside[0], f"{file_name(file)}, line {first + inside[0].lineno - 1}"


def _copies(call: ast.Call) -> bool:
    """`torch.tensor([[a, b]], requires_grad=True)` of what is computed."""
    flags = [one.value for one in call.keywords if one.arg == "requires_grad"]
    flagged = any(isinstance(one, ast.Constant) and one.value is True for one in flags)
    computed = any(isinstance(one, ast.Name) for arg in call.args for one in ast.walk(arg))
    return failing.name_of(call) in _COPYING and flagged and computed


def _joined(call: ast.Call) -> str:
    """The same of torch.stack; a number among tensors becomes a tensor."""
    given = call.args[0]
    rows = given.elts if isinstance(given, ast.List | ast.Tuple) else []
    if not rows:
        return f"torch.stack({source.spelled(given)})"
    lists = [one.elts for one in rows if isinstance(one, ast.List | ast.Tuple)]
    parts = [one for row in lists for one in row] if len(lists) == len(rows) else rows
    shape = f".reshape({len(rows)}, {len(lists[0])})" if len(lists) == len(rows) else ""
    like = source.in_brackets(next(one for one in parts if not _is_number(one)))
    entries = [
        f"torch.full_like({like}, {source.spelled(one)})"
        if _is_number(one)
        else source.spelled(one)
        for one in parts
    ]
    return f"torch.stack([{', '.join(entries)}]){shape}"


def _is_number(one: ast.expr) -> bool:
    """`-1.0`, `math.pi`: what no tensor is part of."""
    names = {node.id for node in ast.walk(one) if isinstance(node, ast.Name)}
    return names <= {"math", "np", "torch"} and not any(
        isinstance(node, ast.Call) for node in ast.walk(one)
    )
