"""An entry of a list or a dict of results that a line edits in place: `maps[i] /= total`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.in_place import buffers
from grader.errors.seen.reading import ran, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name
from grader.errors.seen.reading.lookup import looked_up

_SIGNS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)


def read(frames: Frames, told: Explained, node: str, edits: list[str]) -> Explained | None:
    """The one line of this code that edits something, where it is such an entry.

    `edits` are the lines that edit a tensor with a name of its own.
    """
    found = {
        one.place_of(edit.lineno): (edit, kind)
        for number, one in enumerate(frames.own)
        for edit, kind in _edits(one)
        if ran.when(frames, number, edit.lineno) != ran.NEVER
    }
    if not found:
        found = {
            f"{file_name(file)}, line {first + edit.lineno - 1}": (edit, kind)
            for tree, file, first in buffers.code_of(frames)
            for edit, kind in _of_collections(tree)
        }
    if len(found) != 1 or set(edits) - set(found):
        return None
    ((place, (edit, kind)),) = found.items()
    target = ast.unparse(edit.target)
    return replace(
        told,
        meaning=f"{node} saved {target}, an entry of the {kind} {_owner(edit)}, and "
        f"{ast.unparse(edit)} edited it in place afterwards.",
        cure=f"Put a new tensor there: {target} = "
        f"{ast.unparse(ast.BinOp(edit.target, edit.op, edit.value))}.",
        place=place,
        sure=True,
    )


def _edits(frame: Frame) -> Iterator[tuple[ast.AugAssign, str]]:
    """Such edits of a frame's code, by what its variables hold."""
    for node in _augmented(frame.source):
        value = looked_up(node.target.value, frame)  # type: ignore[union-attr]
        inside = list(value.values()) if isinstance(value, dict) else value
        held = inside if isinstance(inside, list) else []
        if any(isinstance(one, Tensor) and one.dim() for one in held):
            yield node, type(value).__name__


def _of_collections(tree: ast.AST) -> Iterator[tuple[ast.AugAssign, str]]:
    """The same of a function that has returned, by what its text gives the name."""
    for node in _augmented(tree):
        given = [source.value_of(one, _owner(node)) for one in source.assigned(tree, _owner(node))]
        if given and all(map(buffers.is_collection, given)):
            yield node, "dict" if isinstance(given[0], ast.Dict | ast.DictComp) else "list"


def _augmented(tree: ast.AST | None) -> Iterator[ast.AugAssign]:
    for node in ast.walk(tree) if tree is not None else ():
        signed = isinstance(node, ast.AugAssign) and isinstance(node.op, _SIGNS)
        if signed and isinstance(node.target, ast.Subscript):  # type: ignore[attr-defined]
            yield node  # type: ignore[misc]


def _owner(node: ast.AugAssign) -> str:
    return ast.unparse(node.target.value)  # type: ignore[union-attr]
