"""Weights of classes that do not fit the scores: their number, and their dtype."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor
from torch.nn import functional

from grader.errors.explanation import Explained
from grader.errors.seen.reading import source, tried
from grader.errors.seen.reading.frames import Frames, file_name

_LOSSES = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
_WEIGHTS = ("weight", "pos_weight")


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


def read_axes(frames: Frames, told: Explained) -> Explained | None:
    """One weight for each channel, that torch lays along the last dimension."""
    for function in _LOSSES[2:]:
        names = frames.given(function)
        scores, target = names.get("input"), names.get("target")
        if not isinstance(scores, Tensor) or not isinstance(target, Tensor) or scores.dim() < 3:
            continue
        words = [one for one in _WEIGHTS if isinstance(names.get(one), Tensor)]
        for word in words:
            weight, channels = names[word], scores.shape[1]
            view = weight.view(-1, *[1] * (scores.dim() - 2)) if weight.dim() == 1 else None
            loss = getattr(functional, function)
            others = {one: names[one] for one in words if one != word}
            if view is None or len(weight) != channels:
                continue
            if tried.gives(loss, scores, target, **others, **{word: view}) is None:
                continue
            sizes = ", ".join(["-1", *["1"] * (scores.dim() - 2)])
            given = _texts(frames, word)
            text = given.pop() if len(given) == 1 else "weights"
            return replace(
                told,
                meaning=f"The {word} of the loss has the shape ({channels},), and the scores "
                f"{tuple(scores.shape)}. Read from the right it meets the last dimension, of "
                f"{scores.shape[-1]}, and the channels are dimension 1.",
                cure=f"Give it the dimensions behind the channels: {word}={text}.view({sizes}).",
                place=_given(frames, word) or frames.last.place,
            )
    return None


def _texts(frames: Frames, word: str) -> set[str]:
    """What the reader's files pass to losses by this word."""
    return {
        source.in_brackets(one.value)
        for tree, _ in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for one in node.keywords
        if one.arg == word
    }


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


def _given(frames: Frames, word: str = "weight") -> str:
    """The one line of the reader's files that gives a loss its weights."""
    return frames.the_one_line(
        lambda node: isinstance(node, ast.Call) and any(one.arg == word for one in node.keywords)
    )
