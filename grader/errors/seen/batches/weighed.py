"""Weights of classes that do not fit the scores: their number, and their dtype."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frames, file_name

_LOSSES = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")


def read_dtype(frames: Frames, told: Explained) -> Explained | None:
    """Weights of another dtype than the scores."""
    for function in _LOSSES:
        names = frames.given(function)
        scores, weight = names.get("input"), names.get("weight")
        if not isinstance(scores, Tensor) or not isinstance(weight, Tensor):
            continue
        if scores.dtype == weight.dtype:
            continue
        kinds = [str(one.dtype).removeprefix("torch.") for one in (weight, scores)]
        numpy = " NumPy's numbers are float64." if kinds[0] == "float64" else ""
        return replace(
            told,
            meaning=f"The weights of the classes are {kinds[0]}, and the scores {kinds[1]}.{numpy}",
            cure="Convert the weights where the loss is made: weight=weights.float().",
            place=_given(frames) or frames.last.place,
        )
    return None


def read_count(frames: Frames, told: Explained, message: str) -> Explained | None:
    """As many weights as classes that were counted, and not as there are."""
    for function in _LOSSES[:2]:
        names = frames.given(function)
        scores, weight = names.get("input"), names.get("weight")
        if not isinstance(scores, Tensor) or not isinstance(weight, Tensor):
            continue
        classes = scores.shape[1 if scores.dim() > 1 else 0]
        said = f"There are {len(weight)} weights, and the scores have {classes} classes."
        counts = _counts(frames)
        if len(counts) == 1 and len(weight) < classes:
            (call, place) = counts[0]
            words = [*call.keywords, ast.keyword("minlength", ast.Constant(classes))]
            counted = ast.unparse(ast.Call(call.func, call.args, words))
            return replace(
                told,
                meaning=f"{said} bincount counts up to the largest class that it meets.",
                cure=f"Say how many there are: {counted}. A class that never occurs has the "
                "count 0, so do not divide by it.",
                place=place,
            )
        return replace(
            told,
            meaning=said,
            cure=f"Give one weight for each class, {classes} of them.",
            place=_given(frames) or frames.last.place,
        )
    return None


def _counts(frames: Frames) -> list[tuple[ast.Call, str]]:
    """Counts of classes that do not say how many there are."""
    return [
        (node, f"{file_name(file)}, line {node.lineno}")
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "bincount"
        and all(one.arg != "minlength" for one in node.keywords)
    ]


def _given(frames: Frames) -> str:
    """The one line of the reader's files that gives a loss its weights."""
    return frames.the_one_line(
        lambda node: (
            isinstance(node, ast.Call) and any(one.arg == "weight" for one in node.keywords)
        )
    )
