"""A hook on a tensor that was computed while nothing was recorded: which tensor, and where."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.frames import Frame, Frames
from grader.errors.seen.lookup import looked_up

_OFF = ("no_grad", "inference_mode", "set_grad_enabled(False)")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The tensor of the failing line, if a frame above it had recording switched off."""
    frame = frames.last
    off = next((place for one in reversed(frames.own) if (place := _off(one))), "")
    if (call := _call(frame)) is None or not off:
        return None
    name = ast.unparse(call.func.value)  # type: ignore[attr-defined]
    return replace(
        told,
        meaning=f"{name} does not require grad here: this forward ran without recording "
        f"({off}), so no gradient ever arrives at {name}.",
        cure=f"Ask first, so that both a recorded forward and this one run: "
        f"if {name}.requires_grad: {ast.unparse(call)}",
        place=frame.place,
    )


def _call(frame: Frame) -> ast.Call | None:
    """The call on the failing line that asks a tensor without grad for its gradient."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if not node.lineno <= frame.line <= (node.end_lineno or 0):
            continue
        if node.func.attr not in ("register_hook", "retain_grad"):
            continue
        value = looked_up(node.func.value, frame)
        if isinstance(value, Tensor) and not value.requires_grad:
            return node
    return None


def _off(frame: Frame) -> str:
    """The line that had switched recording off for a frame's failing line, or nothing."""
    tree = frame.source
    for one in getattr(tree, "decorator_list", ()):
        if _switches_off(one):
            return frame.place_of(one.lineno)
    found = ""
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.With | ast.AsyncWith):
            continue
        if node.lineno <= frame.line <= (node.end_lineno or 0):
            items = [item.context_expr for item in node.items]
            if any(_switches_off(one) for one in items):
                found = frame.place_of(node.lineno)
            elif any(ast.unparse(one).endswith("enable_grad()") for one in items):
                found = ""
    return found


def _switches_off(node: ast.expr) -> bool:
    text = ast.unparse(node).removesuffix("()")
    return text.rpartition(".")[2] in _OFF
