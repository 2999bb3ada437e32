"""A loss that was given chosen classes or truth values in the place of scores: the right call."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection

import torch.nn.functional as F
from torch import Tensor, nn

from grader.errors.seen.reading import failing, source, tried
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_CASTS = ("float", "double", "long", "int", "to", "type", "view", "reshape", "squeeze")
_LOSSES = nn.modules.loss._Loss
_COMPARING = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss)


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
                if (other := _of_classes(written, frame, loss)) is not None:
                    return (
                        f"Give a loss of classes what that line chooses from: {other}. "
                        f"{ast.unparse(node.func)} compares numbers, and takes no scores."
                    )
                return f"Give the loss what that line chooses from: {ast.unparse(written)}."
    return ""


def _of_classes(call: ast.Call, frame: Frame, loss: object) -> str | None:
    """The loss of classes, where the reader's compares numbers and does not fit the scores."""
    scores, target = (looked_up(_plain(one), frame) for one in call.args[:2])
    if not isinstance(loss, _COMPARING) or not isinstance(scores, Tensor):
        return None
    if not isinstance(target, Tensor) or tried.gives(loss, scores, target) is not None:
        return None
    found, binary = F.cross_entropy, scores.numel() == target.numel()
    if binary or scores.dim() < 2 or not _is_whole(target):
        return None
    if tried.gives(found, scores, target.long()) is None:
        return None
    named = ast.unparse(_plain(call.args[1]))
    whole = named if not target.is_floating_point() else f"{named}.long()"
    return f"torch.nn.functional.cross_entropy({ast.unparse(call.args[0])}, {whole})"


def _is_whole(target: Tensor) -> bool:
    return not target.is_complex() and bool((target == target.round()).all())


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
