"""A result without a graph whose flag was set by hand, and that is differentiated all the same."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.cuts import slopes
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained) -> Explained | None:
    """The name of such a result, the line that set its flag, and whether it is a slope itself."""
    frame = frames.last
    for call in failing.calls(frame, "grad"):
        result = _one(failing.argument(_plain(call), 0, "outputs"))
        by = _one(failing.argument(_plain(call), 1, "inputs"))
        value = looked_up(result, frame) if result is not None else None
        if result is None or by is None or not isinstance(value, Tensor):
            continue
        if not value.requires_grad or not value.is_leaf or looked_up(by, frame) is value:
            continue
        name, x = ast.unparse(result), ast.unparse(by)
        if (line := _flagged(frame, name)) is None:
            continue
        told = replace(told, place=frame.place_of(line))
        meaning = (
            f"{name} has no graph: it did not require grad, and this line set the flag. That makes "
            f"it a leaf, and nothing leads from a leaf back to {x}."
        )
        if not _is_slope(frame, name) or _has_functions(frames):
            return replace(
                told,
                meaning=meaning,
                cure=f"Leave the flag alone, and keep what {name} is computed from in torch and "
                "recorded.",
            )
        return replace(
            told,
            meaning=f"{meaning} It is a gradient that was recorded, so it does not depend on {x}: "
            "its slope is constant, as that of a straight line is, and its derivative is 0.",
            cure="Leave the flag alone, and take 0 where a slope does not require grad: "
            f"torch.zeros_like({x}). With the flag, allow_unused=True, materialize_grads=True in "
            "this torch.autograd.grad gives the same.",
        )
    return None


def _plain(call: ast.Call) -> ast.Call:
    """`grad(...)` for `torch.autograd.grad(...)`: no tensor stands in front of it."""
    return ast.Call(ast.Name("grad", ast.Load()), call.args, call.keywords)


def _one(given: ast.expr | None) -> ast.expr | None:
    """The one entry of a list or a tuple, or the expression itself."""
    if isinstance(given, ast.List | ast.Tuple):
        return given.elts[0] if len(given.elts) == 1 else None
    return given


def _flagged(frame: Frame, name: str) -> int | None:
    """The line that sets the flag of a name: `d.requires_grad_()`, `d.requires_grad = True`."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{name}.requires_grad_":
            return node.lineno
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if target is not None and ast.unparse(target) == f"{name}.requires_grad":
            return target.lineno
    return None


def _has_functions(frames: Frames) -> bool:
    """Whether the reader wrote a custom Function, whose backward may have cut a slope's graph."""
    return any(
        ast.unparse(base).endswith("Function")
        for tree, _ in frames.files()
        for kind in ast.walk(tree)
        for base in (kind.bases if isinstance(kind, ast.ClassDef) else ())
    )


def _is_slope(frame: Frame, name: str) -> bool:
    """Whether a call of grad with create_graph=True gave a name its value."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    return any(slopes.is_recorded(one) for statement in made for one in ast.walk(statement))
