"""A function that records nothing, as its updates ask for, and calls what is to be recorded."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frame, Frames


def closure(frames: Frames, told: Explained, places: Sequence[tuple[str, str]]) -> Explained | None:
    """The call of a closure in an optimizer's step, or another function, that records nothing."""
    if not any("is decorated to record nothing" in why for _, why in places):
        return None
    for frame in frames.own:
        node = _handed_in(frame)
        if node is None or not _writes(frame):
            continue
        written = ast.unparse(node)
        return replace(
            told,
            meaning=f"{frame.code_name} is decorated to record nothing, as it has to be where it "
            f"writes into parameters, and it calls {ast.unparse(node.value)} there: the forward "  # type: ignore[attr-defined]
            "pass in it is not recorded either.",
            cure=f"Leave the decorator, and switch recording on for that call: "
            f"with torch.enable_grad(): {written}.",
            place=frame.place,
        )
    return None


def _handed_in(frame: Frame) -> ast.stmt | None:
    """The failing statement of a decorated function, if it calls an argument of that function."""
    tree = frame.source
    if not isinstance(tree, ast.FunctionDef) or not tree.decorator_list:
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
