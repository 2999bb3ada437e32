"""A generator of parameters that an earlier line went through: nothing of it is left."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames

_GOING_THROUGH = {
    *("sum", "list", "tuple", "len", "sorted", "max", "min", "set", "dict", "any", "all"),
}


def read(frames: Frames, told: Explained) -> Explained | None:
    """The line that went through the generator which the failing line hands on.

    The variable may be an argument: the caller's lines count as those of the function do.
    """
    models = [one for _, one in frames.modules()]
    if models and not any(list(one.parameters()) for one in models):
        return None  # there was nothing to go through
    for name, value, frame in _handed_on(frames):
        for other in reversed(frames.own):
            known = [key for key, one in other.variables.items() if one is value]
            for key in known:
                if (line := _gone_through(other, key)) is not None:
                    return _told(told, frame, name, other, key, line)
    return None


def _told(told: Explained, frame: Frame, name: str, other: Frame, key: str, line: int) -> Explained:
    given = "" if other is frame else f", which {frame.code_name}() knows as {name}"
    return replace(
        told,
        meaning=f"{key} is a generator{given}: it gives its parameters once, and the line named "
        "here went through it. Nothing is left for the optimizer.",
        cure=f"Make a list of it in front of that line: {key} = list({key}).",
        place=other.place_of(line),
    )


def _handed_on(frames: Frames) -> Iterator[tuple[str, Any, Frame]]:
    """The generators that the failing lines hand on, by name, the innermost frame's first."""
    for frame in reversed(frames.own):
        for node in failing.on_line(frame):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                value = frame.variables.get(node.id)
                if hasattr(value, "__next__"):
                    yield node.id, value, frame


def _gone_through(frame: Frame, name: str) -> int | None:
    """The first line before the failing one that goes through a name's values."""
    tree = frame.source
    made = source.assigned(tree, name) if tree is not None else []
    begun = max((one.lineno for one in made if one.lineno < frame.line), default=0)  # type: ignore[attr-defined]
    lines = [
        getattr(node, "lineno", over.lineno)
        for node in (ast.walk(tree) if tree is not None else ())
        for over in _over(node)
        if isinstance(over, ast.Name) and over.id == name
    ]
    return min((one for one in lines if begun < one < frame.line), default=None)


def _over(node: ast.AST) -> list[ast.expr]:
    """What a loop, a comprehension or a call goes through."""
    if isinstance(node, ast.For | ast.comprehension):
        return [node.iter]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return list(node.args) if node.func.id in _GOING_THROUGH else []
    return []
