"""A list of tensors whose gradients are asked for, of which some are frozen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frame, Frames, file_name
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, asked: ast.expr | None) -> Explained | None:
    """The list that holds them, and the one line that freezes, if it is one."""
    frame = frames.last
    for text, tensors in _lists(asked, frame):
        frozen = [one for one in tensors if not one.requires_grad]
        if not frozen or not all(one.is_floating_point() for one in frozen):
            continue
        lines = _freezing(frames)
        at = f" ({lines[0]})" if len(lines) == 1 else ""
        each = "None of" if len(frozen) == len(tensors) else f"{len(frozen)} of"
        some = "does not require grad" if len(frozen) == 1 else "do not require grad"
        verb = "requires grad" if len(frozen) == len(tensors) else some
        cure = f"Ask for those alone that require it: [p for p in {text} if p.requires_grad]."
        if (keyed := _keyed(asked, frame)) is not None:
            text, names = keyed
            some = f"{verb} ({', '.join(names[:2])}{' and others' if len(names) > 2 else ''})"
            verb = some if len(frozen) < len(tensors) else verb
            cure = (
                f"Ask for those alone that require it: trained = {{k: p for k, p in {text}.items() "
                "if p.requires_grad}, trained.values() here, and trained.items() beside the "
                f"gradients; what comes of them goes over the others, {{**{text}, **new}}."
            )
            text = f"{text}.values()"
        if frame.code_name == "backward" and "ctx" in frame.names:
            cure = (
                f"Take out what freezes them{at}, and leave them out of the optimizer: then they "
                "stay as they are. To keep them frozen, ask for the others alone, and return None "
                "in the places of these."
            )
        return replace(
            told,
            meaning=f"{each} the {len(tensors)} tensors in {text} {verb}, and the gradient of each "
            "is asked for.",
            cure=cure,
            place=lines[0] if len(lines) == 1 else frame.place,
        )
    return None


def _lists(node: ast.expr | None, frame: Frame) -> Iterator[tuple[str, list[Tensor]]]:
    """The lists of tensors that an expression is made of, as they are written."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _lists(node.left, frame)
        yield from _lists(node.right, frame)
    elif isinstance(node, ast.Call) and failing.name_of(node) in ("list", "tuple") and node.args:
        yield from _lists(node.args[0], frame)
    elif node is not None and (tensors := _tensors(node, frame)):
        yield ast.unparse(node), tensors


def _keyed(node: ast.expr | None, frame: Frame) -> tuple[str, list[str]] | None:
    """The dict whose values are asked for, and the keys of those that are frozen."""
    if isinstance(node, ast.Call) and failing.name_of(node) in ("list", "tuple") and node.args:
        node = node.args[0]
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    owner = looked_up(node.func.value, frame)
    if node.func.attr != "values" or not isinstance(owner, dict):
        return None
    tensors = ((key, one) for key, one in owner.items() if isinstance(one, Tensor))
    return ast.unparse(node.func.value), [str(k) for k, one in tensors if not one.requires_grad]


def _tensors(node: ast.expr, frame: Frame) -> list[Tensor]:
    values: Any = looked_up(node, frame)
    if isinstance(node, ast.Call) and failing.name_of(node) == "values":
        owner = looked_up(node.func.value, frame) if isinstance(node.func, ast.Attribute) else None
        values = list(owner.values()) if isinstance(owner, dict) else None
    if isinstance(node, ast.Call) and failing.name_of(node) == "parameters":
        owner = looked_up(node.func.value, frame) if isinstance(node.func, ast.Attribute) else None
        values = list(owner.parameters()) if isinstance(owner, nn.Module) else None
    if not isinstance(values, list | tuple):
        return []
    return list(values) if all(isinstance(one, Tensor) for one in values) else []


def _freezing(frames: Frames) -> list[str]:
    """The lines of the reader's files that set a flag to False."""
    return [
        f"{file_name(file)}, line {node.lineno}"
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.Expr) and _freezes(node)
    ]


def _freezes(node: ast.Assign | ast.Expr) -> bool:
    text = ast.unparse(node)
    if isinstance(node, ast.Assign):
        return text.endswith(".requires_grad = False")
    return text.endswith(".requires_grad_(False)")
