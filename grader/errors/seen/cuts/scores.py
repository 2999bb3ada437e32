"""A loss that was given chosen classes or truth values in the place of scores: the right call."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection

from torch import Tensor, nn

from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_CASTS = ("float", "double", "long", "int", "to", "type", "view", "reshape", "squeeze")
_LOSSES = nn.modules.loss._Loss


def instead(frames: Frames, places: Collection[str]) -> str:
    """A sentence with the loss of the scores, where the line that cut made its first argument."""
    for frame in reversed(frames.own):
        for node in ast.walk(frame.source) if frame.source is not None else ():
            if not isinstance(node, ast.Call) or len(node.args) < 2 or node.lineno > frame.line:
                continue
            loss, given = looked_up(node.func, frame), _plain(node.args[0])
            classes = failing.name_of(node) == "cross_entropy"
            classes = classes or isinstance(loss, nn.CrossEntropyLoss)
            if not isinstance(given, ast.Name) or not (classes or isinstance(loss, _LOSSES)):
                continue
            scores = _scores(given.id, frame, places)
            if scores is not None:
                written = _with(node, scores, frame, classes)
                return f"Give the loss what that line chooses from: {ast.unparse(written)}."
    return ""


def _plain(node: ast.expr) -> ast.expr:
    """`preds` of `preds.float()`."""
    while isinstance(node, ast.Call) and failing.name_of(node) in _CASTS:
        if not isinstance(node.func, ast.Attribute):
            break
        node = node.func.value
    return node


def _scores(name: str, frame: Frame, places: Collection[str]) -> ast.expr | None:
    """The one recorded tensor that the statement at one of these places makes a name's value of."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    before = [one for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
    if not before or frame.place_of(before[-1].lineno) not in places:  # type: ignore[attr-defined]
        return None
    value = source.value_of(before[-1], name)
    found = {
        ast.unparse(one): one
        for one in (ast.walk(value) if value is not None else ())
        if isinstance(one, ast.Name)
        and isinstance(tensor := looked_up(one, frame), Tensor)
        and tensor.requires_grad
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _with(call: ast.Call, scores: ast.expr, frame: Frame, classes: bool) -> ast.Call:
    """The call of a loss with scores for its first argument, and whole numbers for classes."""
    written = copy.deepcopy(call)
    written.args[0] = scores
    target, whole = looked_up(call.args[1], frame), looked_up(scores, frame)
    is_float = isinstance(target, Tensor) and target.is_floating_point()
    if classes and is_float and target.dim() == whole.dim() - 1:
        numbers = ast.Attribute(call.args[1], "long", ast.Load())
        written.args[1] = ast.Call(numbers, [], [])
    return written
