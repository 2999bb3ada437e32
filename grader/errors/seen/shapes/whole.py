"""Whole numbers and truth values where torch wants floating ones: which expression gives them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.modules.fed import fed
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import named

_REDUCES = ("mean", "std", "var", "nanmean", "norm", "softmax", "log_softmax", "quantile")
_SIXTEEN = (torch.bfloat16, torch.float16)


def read_mean(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The mean of the failing line, with a conversion in front."""
    frame = frames.last
    for call in failing.calls(frame, *_REDUCES):
        given = failing.arguments(call)
        if not given:
            continue
        text = source.in_brackets(given[0])
        other = copy.deepcopy(call)
        converted = ast.parse(f"{text}.float()", mode="eval").body
        if isinstance(other.func, ast.Attribute) and given[0] is getattr(call.func, "value", None):
            other.func.value = converted
        else:
            other.args[0] = converted
        return replace(
            told,
            meaning=f"{told.meaning} {ast.unparse(given[0])} holds no floating numbers.",
            cure=f"Convert first: {ast.unparse(other)}.",
            place=frame.place,
        )
    return None


def read_found(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The prediction or the target that is not float32, by its name and dtype."""
    if (short := _short(frames, told)) is not None:
        return short
    found: dict[int, tuple[str, Tensor]] = {}
    for _, value in frames.tensors():
        target = _target(value)
        if target is not None and target.dtype != torch.float32:
            found[target.data_ptr()] = frames.name_of(target) or _same(frames, target), target
    if len(found) != 1:
        return None
    ((name, target),) = found.values()
    if not name:
        return None
    text = str(target.dtype).removeprefix("torch.")
    why = " NumPy's numbers are float64." if target.dtype == torch.float64 else ""
    converted = f"{name} = {name}.float()" if name.isidentifier() else f"{name}.float()"
    return replace(
        told,
        meaning=f"{name}, the target of the loss, is {text}, and the prediction float32.{why}",
        cure=f"Convert it before the loss: {converted}.",
        place=frames.last.made(name),
    )


def _short(frames: Frames, told: Explained) -> Explained | None:
    """A prediction in 16 bits beside a target of float32, given to a loss or kept by its node."""
    below = [names for _, names in reversed(frames.within)]
    given = [(names.get("input"), names.get("target")) for names in below]
    losses = [one.grad_fn for _, one in frames.tensors() if one.dim() == 0]
    kept = [
        tuple(getattr(one, key, None) for key in ("_saved_self", "_saved_target")) for one in losses
    ]
    for prediction, target in (*given, *kept):
        if not isinstance(prediction, Tensor) or not isinstance(target, Tensor):
            continue
        if prediction.dtype not in _SIXTEEN or target.dtype != torch.float32:
            continue
        p, t = (frames.name_of(one) or _same(frames, one) for one in (prediction, target))
        kind = str(prediction.dtype).removeprefix("torch.")
        cast = any(
            one.source is not None and source.calls(one.source, "autocast") for one in frames.own
        )
        why = f" Under autocast layers and products give {kind}." if cast else ""
        p, t = p or "the prediction", t or "the target"
        called = _in_call(frames, prediction) or f"{p}.float() in the place of {p}"
        return replace(
            told,
            meaning=f"{p} is {kind}, and {t} float32.{why}",
            cure=f"Compute the loss in float32: {called}.",
            place=frames.last.place,
        )
    return None


def _in_call(frames: Frames, prediction: Tensor) -> str:
    """The failing call as it is written, with the prediction converted."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call):
            continue
        for at, one in enumerate(node.args):
            if named(one, frame) is prediction:
                other = copy.deepcopy(node)
                text = f"{source.in_brackets(one)}.float()"
                other.args[at] = ast.parse(text, mode="eval").body
                return ast.unparse(other)
    return ""


def read_result(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Whole numbers that an in-place operation would make fractions of."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.AugAssign):
            continue
        name, value = ast.unparse(node.target), named(node.target, frame)
        if not isinstance(value, Tensor) or value.is_floating_point():
            continue
        kind = str(value.dtype).removeprefix("torch.")
        return replace(
            told,
            meaning=f"{name} is {kind}, and {ast.unparse(node)} would write fractions into it: an "
            "operation in place keeps the dtype.",
            cure=f"Let it hold floats before: {name} = {name}.float() behind the line that makes "
            "it, or dtype=torch.float32 in that line.",
            place=frames.last.made(name),
        )
    return None


def _target(value: Tensor) -> Tensor | None:
    """The target that the node of a loss has saved."""
    node, steps = value.grad_fn, 0
    while node is not None and steps < 20:
        saved = getattr(node, "_saved_target", None)
        if isinstance(saved, Tensor):
            return saved
        node = node.next_functions[0][0] if node.next_functions else None
        steps += 1
    return None


def _same(frames: Frames, target: Tensor) -> str:
    """The name of the tensor that shares this one's memory."""
    known = [
        name
        for name, one in frames.tensors()
        if one.data_ptr() == target.data_ptr() and one.dtype == target.dtype
    ]
    return known[0] if known else ""


def read_operation(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What the failing call was given, where it holds integers or truth values."""
    one = fed(frames)
    if one is not None and not one.x.is_floating_point() and one.name:
        return _converted(frames, told, one.name, one.x)
    values = {name: value for name, value in _given(frames.last) if not value.is_floating_point()}
    if len(values) != 1:
        return None
    ((name, value),) = values.items()
    return _converted(frames, told, name, value)


def _converted(frames: Frames, told: Explained, name: str, value: Tensor) -> Explained:
    text = str(value.dtype).removeprefix("torch.")
    return replace(
        told,
        meaning=f"{name} is {text}, and this operation is for floating numbers.",
        cure=f"Convert it first: {name}.float()."
        + (" Bytes of a picture are scaled with it: / 255." if value.dtype == torch.uint8 else ""),
        place=frames.last.made(name),
    )


def _given(frame: Frame) -> Iterator[tuple[str, Tensor]]:
    for node in failing.on_line(frame):
        if isinstance(node, ast.Call):
            for one in failing.arguments(node):
                value = named(one, frame)
                if isinstance(value, Tensor):
                    yield ast.unparse(one), value
