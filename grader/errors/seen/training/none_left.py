"""An optimizer that was given a choice among parameters, of which nothing is left."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.cuts import severed
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

CHOSEN = ", and the optimizer is given those alone that do"


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The model whose parameters are all frozen where only what requires grad is kept."""
    for frame in reversed(frames.own):
        for model in _asked(frames, frame):
            parameters = list(model.parameters())
            if not parameters or any(one.requires_grad for one in parameters):
                continue
            whole = next((key for key, one in frames.modules() if one is model), "")
            if not whole:
                continue
            found = severed.frozen(frames, told, whole, frame)
            return replace(
                found,
                meaning=found.meaning.replace(severed.UNRECORDED, CHOSEN),
                cure=f"{found.cure} Do it in front of the line that makes the optimizer.",
            )
    return None


def _asked(frames: Frames, frame: Frame) -> list[nn.Module]:
    """The models whose parameters the failing statement chooses from, by `requires_grad`.

    The statement may name a list that an earlier one has made, or a function that makes it.
    """
    tree = frame.source
    if tree is None:
        return []
    code: list[ast.AST] = list(failing.on_line(frame))
    names = {one.id for part in code for one in ast.walk(part) if isinstance(one, ast.Name)}
    for name in names:
        filled = source.filled(tree, name)
        code += [*source.assigned(tree, name), *filled]
        code += [loop for one in filled if (loop := source.loop_of(tree, one.lineno)) is not None]  # type: ignore[attr-defined]
    called = {failing.name_of(call) for part in code for call in source.called(part)}
    functions = [
        node
        for file, _ in frames.files()
        for node in ast.walk(file)
        if isinstance(node, ast.FunctionDef) and node.name in called
    ]
    if not any(map(_chooses, [*code, *functions])):
        return []
    found = {
        ast.unparse(one): value
        for part in code
        for one in ast.walk(part)
        if isinstance(one, ast.Name | ast.Attribute)
        and isinstance(value := looked_up(one, frame), nn.Module)
    }
    return list(found.values())


def _chooses(code: ast.AST) -> bool:
    """Whether it asks a flag: `p.requires_grad`, and sets none."""
    return any(
        isinstance(one, ast.Attribute)
        and one.attr == "requires_grad"
        and isinstance(one.ctx, ast.Load)
        for one in ast.walk(code)
    )
