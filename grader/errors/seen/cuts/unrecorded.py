"""A function that records nothing, as its updates ask for, and calls what is to be recorded."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frame, Frames

_OFF = ("no_grad", "inference_mode")


def closure(frames: Frames, told: Explained) -> Explained | None:
    """The call of a closure in an optimizer's step, or another function, that records nothing."""
    for frame in frames.own:
        node = _handed_in(frame)
        if node is None or not _writes(frame):
            continue
        written, first = ast.unparse(node), "Leave the decorator, and switch"
        if any("inference_mode" in one for one in _decorators(frame)):
            first = (
                "Write @torch.no_grad() in the place of @torch.inference_mode(), inside of which "
                "nothing can be recorded, and switch"
            )
        return replace(
            told,
            meaning=f"{frame.code_name} is decorated to record nothing, as it has to be where it "
            f"writes into parameters, and it calls {ast.unparse(node.value)} there: the forward "  # type: ignore[attr-defined]
            "pass in it is not recorded either.",
            cure=f"{first} recording on for that call: with torch.enable_grad(): {written}.",
            place=frame.place,
        )
    return None


def _handed_in(frame: Frame) -> ast.stmt | None:
    """The failing statement of a decorated function, if it calls an argument of that function."""
    tree = frame.source
    off = any(word in one for one in _decorators(frame) for word in _OFF)
    if not isinstance(tree, ast.FunctionDef) or not off:
        return None
    given = {one.arg for one in (*tree.args.args, *tree.args.kwonlyargs)}
    called = [
        one
        for one in failing.on_line(frame)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in given
    ]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.Expr | ast.Return):
            continue
        if called and any(_is_same(one, called[0]) for one in ast.walk(node)):
            return node
    return None


def _decorators(frame: Frame) -> list[str]:
    return [ast.unparse(one) for one in getattr(frame.source, "decorator_list", ())]


def _is_same(one: ast.AST, other: ast.Call) -> bool:
    at = getattr(one, "lineno", None), getattr(one, "col_offset", None)
    return isinstance(one, ast.Call) and at == (other.lineno, other.col_offset)


def _writes(frame: Frame) -> bool:
    """Whether the function edits tensors in place, as an update does."""
    return any(
        isinstance(node, ast.AugAssign)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr.endswith("_")
            and not node.func.attr.endswith("__")
        )
        for node in (ast.walk(frame.source) if frame.source is not None else ())
    )
