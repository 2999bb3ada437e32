"""A model that is to be trained, called in a block of no_grad that holds its targets too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up


class _Inside(NamedTuple):
    """A statement in a block that records nothing, which calls a model that an optimizer holds."""

    name: str
    model: str
    line: int
    text: str
    block: int
    end: int


def read(
    frames: Frames, told: Explained, frame: Frame, places: Sequence[tuple[str, str]]
) -> Explained | None:
    """The one result of such a model that the code behind the block computes the loss with.

    `places` are the lines that cut, with reasons: another reason than such blocks is the nearer.
    """
    held = frames.held()
    if any("nothing is recorded" not in why for _, why in places):
        return None
    found = [one for one in _inside(frame, held) if _is_read_behind(frame, one)]
    if len({one.name for one in found}) != 1 or not held:
        return None
    one = found[-1]
    return replace(
        told,
        meaning=f"{one.name} is what {one.model} gives, which an optimizer holds, and it is "
        f"computed in the block of line {one.block}, where nothing is recorded: the loss has no "
        "graph.",
        cure=f"Move `{one.text}` out of that block, behind it. What only gives targets may stay "
        "in it.",
        place=frame.place_of(one.line),
    )


def _inside(frame: Frame, held: set[int]) -> Iterator[_Inside]:
    for block in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(block, ast.With) or (block.end_lineno or 0) >= frame.line:
            continue
        if not any(_is_off(item.context_expr) for item in block.items):
            continue
        for node in block.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if not isinstance(node, ast.Assign) or not isinstance(target, ast.Name):
                continue
            for call in ast.walk(node.value):
                model = looked_up(call.func, frame) if isinstance(call, ast.Call) else None
                is_it = isinstance(model, nn.Module) and isinstance(call, ast.Call)
                if is_it and any(id(one) in held for one in model.parameters()):  # type: ignore[union-attr]
                    spelled = ast.unparse(call.func)  # type: ignore[attr-defined]
                    text = ast.unparse(node)
                    lines = block.lineno, block.end_lineno or 0
                    yield _Inside(target.id, spelled, node.lineno, text, *lines)
                    break


def _is_off(node: ast.expr) -> bool:
    text = ast.unparse(node)
    return text.endswith(("no_grad()", "inference_mode()", "set_grad_enabled(False)"))


def _is_read_behind(frame: Frame, one: _Inside) -> bool:
    """Whether the code between the block and the failing line reads the result."""
    return any(
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and node.id == one.name
        and one.end < node.lineno <= frame.line
        for node in ast.walk(frame.source or ast.Module([], []))
    )
