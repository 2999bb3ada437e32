"""Cuts that are meant: of models that no optimizer holds, such as those of a target."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import nn

from grader.errors.seen.in_place import buffers
from grader.errors.seen.reading.frames import Frame, Frames, file_name
from grader.errors.seen.reading.lookup import looked_up

_OFF = ("no_grad", "inference_mode")


class _Called(NamedTuple):
    """A call of a model, and whether an optimizer holds any of its parameters."""

    call: ast.Call
    is_held: bool


def without_targets(frames: Frames, places: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """The cuts, but for those of models that are not trained, where others remain."""
    held = frames.held()
    left = [one for one in places if not _is_of_target(frames, one[0], held)]
    return left if held and left else places


def instead(frames: Frames, place: str) -> str:
    """Of a function that measures: the model's call that is to stand in the place of its own."""
    held = frames.held()
    for tree, file, first in buffers.code_of(frames):
        if not isinstance(tree, ast.FunctionDef | ast.Module):
            continue
        function = tree if isinstance(tree, ast.FunctionDef) else tree.body[0]
        block = _block(tree, file, first, place)
        if block is None or not isinstance(function, ast.FunctionDef):
            continue
        given = [one.arg for one in function.args.args]
        for frame in reversed(frames.own):
            for call, made in _of_block(frame, block, held):
                names = [ast.unparse(one) for one in made.args]
                if made.keywords or set(names) - set(given) or not names:
                    continue
                told = [ast.unparse(one) for one in call.args]
                is_method = given[:1] == ["self"]
                by_name = dict(zip(given[is_method:], told, strict=False))
                if _name(call) != function.name or set(names) - by_name.keys():
                    continue
                new = f"{ast.unparse(made.func)}({', '.join(by_name[one] for one in names)})"
                return (
                    f"Where the loss is computed call {new}, in the place of {ast.unparse(call)}: "
                    f"{function.name}() records nothing, and is for choosing and measuring."
                )
    return ""


def _of_block(frame: Frame, block: ast.With, held: set[int]) -> Iterator[tuple[ast.Call, ast.Call]]:
    """The calls that a frame makes up to its failing line, each with a trained model's in a block.

    The model's is spelled as the function spells it, `self.net`, which the frame knows too.
    """
    mine = [one.call for one in _models(frame, block, held) if one.is_held]
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.Call) and node.lineno <= frame.line:
            yield from ((node, one) for one in mine)


def _is_of_target(frames: Frames, place: str, held: set[int]) -> bool:
    """Whether the statement or the block at a place computes with models that nothing trains."""
    for frame in frames.own:
        for node in ast.walk(frame.source) if frame.source is not None else ():
            if not isinstance(node, ast.Assign | ast.With | ast.Return):
                continue
            if frame.place_of(node.lineno) != place:
                continue
            called = _models(frame, node, held)
            if called and not any(one.is_held for one in called):
                return True
    return False


def _models(frame: Frame, node: ast.AST, held: set[int]) -> list[_Called]:
    return [
        _Called(call, any(id(one) in held for one in model.parameters()))
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and isinstance(model := looked_up(call.func, frame), nn.Module)
        and list(model.parameters())
    ]


def _block(tree: ast.AST, file: str, first: int, place: str) -> ast.With | None:
    for node in ast.walk(tree):
        if not isinstance(node, ast.With):
            continue
        is_off = any(one in ast.unparse(node.items[0].context_expr) for one in _OFF)
        if is_off and f"{file_name(file)}, line {first + node.lineno - 1}" == place:
            return node
    return None


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))
