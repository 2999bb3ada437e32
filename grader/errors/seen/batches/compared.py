"""What a loss was given: the dtype and the range of its arguments, and what the line calls them."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames, file_name

LOSSES = (
    *("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"),
    *("gaussian_nll_loss", "poisson_nll_loss"),
)
_OF_PAIRS = ("cosine_embedding_loss", "margin_ranking_loss", "hinge_embedding_loss")
_LONG = 30


def read_pairs(frames: Frames, told: Explained) -> Explained | None:
    """A target of one number for each pair, in a column."""
    given = [frames.given(function).get("target") for function in _OF_PAIRS]
    target = next((one for one in given if isinstance(one, Tensor)), None)
    if target is None or target.dim() != 2 or target.shape[1] != 1:
        return None
    t = frames.name_of(target) or written(frames) or "target"
    return replace(
        told,
        meaning=f"{t} has the shape {tuple(target.shape)}, and this loss takes one number for "
        f"each pair, ({len(target)},).",
        cure=f"Take the dimension of 1 out: {t}.squeeze(1).",
        place=frames.last.place,
    )


def made_once(frames: Frames, name: str) -> tuple[int, str] | None:
    """The line that gives a target its last value, where several calls of the code read that."""
    frame = frames.last
    tree = frame.source
    given = source.assigned(tree, name) if tree is not None and name.isidentifier() else []
    lines = [int(getattr(one, "lineno", 0)) for one in given]
    before = [line for line in lines if line < frame.line]
    if tree is None or not before or len(before) != len(lines):
        return None
    reading = {
        call.lineno
        for call in source.called(tree)
        if call.lineno > before[-1] and name in [ast.unparse(one) for one in call.args]
    }
    return (before[-1], frame.place_of(before[-1])) if len(reading) > 1 else None


def written(frames: Frames, at: int = -1) -> str:
    """What the failing call writes for its last argument, the target, if that is short.

    Or for another one, by its number.
    """
    frame = frames.last
    for call in failing.on_line(frame):
        if not isinstance(call, ast.Call) or len(call.args) < 2 or call.keywords:
            continue
        text = source.in_brackets(call.args[at])
        here = (call.col_offset, call.end_col_offset) == frame.columns
        return text if here and len(text) < _LONG and text.isascii() else ""
    return ""


def read_dtype(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The target that is to become class numbers, or probabilities, by its name."""
    for function in LOSSES:
        names = frames.given(function)
        target = names.get("target")
        if not isinstance(target, Tensor):
            continue
        t = frames.name_of(target) or written(frames) or "target"
        of_classes = function in ("cross_entropy", "nll_loss")
        if of_classes == (target.dtype == torch.int64):
            return None
        kind = str(target.dtype).removeprefix("torch.")
        wanted, method = ("class numbers, int64", "long") if of_classes else ("floats", "float")
        return replace(
            told,
            meaning=f"{t} is {kind}, and this loss takes {wanted}.",
            cure=f"Convert it in the call: {t}.{method}(). Better, once, where the data is read.",
            place=frames.last.place,
        )
    return None


def read_range(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Scores that were given to a loss of probabilities."""
    names = frames.given("binary_cross_entropy")
    scores, target = names.get("input"), names.get("target")
    if not isinstance(scores, Tensor) or not isinstance(target, Tensor) or "target" in message:
        return None
    low, high = (float(end) for end in scores.detach().aminmax())
    if math.isnan(low) or math.isnan(high):
        return None
    s = frames.name_of(scores) or "input"
    goes = f"This loss takes probabilities, and {s} goes from {low:.3g} to {high:.3g}"
    if (otherwise := _otherwise(scores, s)) is not None:
        said, cure = otherwise
        return replace(told, meaning=f"{goes}: {said}", cure=cure, place=frames.last.place)
    return replace(
        told,
        meaning=f"{goes}: these are scores, to which no sigmoid was applied.",
        cure="Make the loss nn.BCEWithLogitsLoss() in the place of nn.BCELoss(), or call "
        "F.binary_cross_entropy_with_logits: both take scores, and apply the sigmoid themselves.",
        place=_loss(frames) or frames.last.place,
    )


_HANDED_ON = {
    *("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Select", "Slice", "ToCopy"),
    *("Permute", "Transpose", "Clone", "Alias", "T", "Unbind", "Split", "Index", "Expand"),
}
"""Nodes of what takes values as they are, or some of them."""


def _otherwise(scores: Tensor, s: str) -> tuple[str, str] | None:
    """What to say of values that another function than a sigmoid bounds."""
    node = scores.grad_fn
    while node is not None and _kind(node) in _HANDED_ON:
        node = node.next_functions[0][0]
    name = _kind(node) if node is not None else ""
    if name == "Tanh":
        return (
            "they come from a tanh, which gives numbers from -1 to 1.",
            "End the net with nn.Sigmoid() in the place of nn.Tanh(). A tanh may stay where its "
            f"range is moved, ({s} + 1) / 2; scores for a loss with logits it does not give.",
        )
    if (inner := _computed_with(node)) is not None:
        return (
            f"they are computed from what a {inner.lower()} gave, and that lies between 0 and 1.",
            f"Give the loss what the {inner.lower()} gives, or bring {s} back between 0 and 1 by "
            f"what undoes the change; {s}.clamp(0, 1) has no slope where it clamps.",
        )
    if name in ("LogSoftmax", "LogSigmoid"):
        return (
            f"they come from {name}, so they are logarithms of probabilities.",
            f"Take the probabilities: {s}.exp(). Better, give the scores in front of it to "
            "F.binary_cross_entropy_with_logits or F.cross_entropy.",
        )
    return None


def _computed_with(node: Any) -> str | None:
    """`Sigmoid` of 1.2 * sigmoid(x) - 0.1: what numbers were added to and multiplied with."""
    changed = False
    while node is not None and _kind(node) in {*_HANDED_ON, "Add", "Sub", "Mul", "Div", "Rsub"}:
        changed = changed or _kind(node) not in _HANDED_ON
        below = [one for one, _ in node.next_functions if one is not None]
        node = below[0] if len(below) == 1 else None
    kind = _kind(node) if node is not None else ""
    return kind if changed and kind in ("Sigmoid", "Softmax") else None


def _kind(node: Any) -> str:
    """`Tanh` of TanhBackward0."""
    return str(node.name()).partition("Backward")[0]


def _loss(frames: Frames) -> str:
    """The one line of the reader's files that makes a BCELoss."""
    lines = [
        f"{file_name(file)}, line {node.lineno}"
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "BCELoss"
    ]
    return lines[0] if len(lines) == 1 else ""
