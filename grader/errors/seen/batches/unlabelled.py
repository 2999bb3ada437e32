"""A class number beyond the scores: a mark of "no label", or a class that the net has none for."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames

_TEXT = re.compile(r"Target (-?\d+) is out of bounds")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What the target holds beside the classes: one value alone, or several."""
    names = frames.given("cross_entropy") or frames.given("nll_loss")
    scores, target = names.get("input"), names.get("target")
    found = _TEXT.search(message)
    if found is None or not isinstance(scores, Tensor) or not isinstance(target, Tensor):
        return None
    classes = scores.shape[1 if scores.dim() > 1 else 0]
    values = torch.unique(target.detach())
    inside = (values >= 0) & (values < classes)
    beyond = [int(one) for one in values[~inside] if int(one) != names.get("ignore_index")]
    if int(found[1]) not in beyond:
        return None
    t = frames.name_of(target) or "the target"
    holds = f"The scores have {classes} classes, 0 to {classes - 1}, and {t} holds "
    if classes == 2 and beyond == [255] and values.tolist() == [0, 255]:
        return replace(
            told,
            meaning=f"{holds}0 and 255 alone: it is a mask as a picture stores it, black and "
            "white, and not the numbers of classes.",
            cure=f"Make classes of it: ({_spelled(t)} > 127).long(). With ignore_index=255 the "
            "white places would count for nothing.",
            place=frames.last.place,
        )
    if len(beyond) == 1 and _may_mark(beyond[0], classes):
        (mark,) = beyond
        if (passed := _passed(frames)) is not None:
            return replace(
                told,
                meaning=f'{holds}one value that is none of them: {mark}. Is it the mark of "no '
                f'label"? This call passes ignore_index={passed}, which is '
                f"{names.get('ignore_index')}.",
                cure=f"If it is: let {passed} be {mark}{_set(frames, passed)}, and such places "
                "count for nothing. If it is a class, number the classes from 0 and give the last "
                "layer as many outputs as there are classes.",
                place=frames.last.place,
            )
        return replace(
            told,
            meaning=f'{holds}one value that is none of them: {mark}. Is it the mark of "no label"?',
            cure=f"If it is: F.cross_entropy(scores, {_spelled(t)}, ignore_index={mark}), or "
            f"nn.CrossEntropyLoss(ignore_index={mark}), and such places count for nothing. If it "
            "is a class, number the classes from 0 and give the last layer as many outputs as "
            "there are classes.",
            place=frames.last.place,
        )
    low, high = int(values.min()), int(values.max())
    counts_from_1 = low == 1 and high == classes
    return replace(
        told,
        meaning=f"{holds}numbers from {low} to {high}.",
        cure=f"Numbers that begin at 1 are one too large: {_spelled(t)} - 1."
        if counts_from_1
        else told.cure,
        place=frames.last.place,
    )


def _passed(frames: Frames) -> str | None:
    """What the failing call passes as ignore_index, if that is a name or an attribute."""
    for call in failing.calls(frames.last, "cross_entropy", "nll_loss"):
        for one in call.keywords:
            if one.arg == "ignore_index" and isinstance(one.value, ast.Name | ast.Attribute):
                return ast.unparse(one.value)
    return None


def _set(frames: Frames, passed: str) -> str:
    """Where an attribute of self is set: as an argument of the class, if its __init__ has it."""
    owner, _, name = passed.rpartition(".")
    known = frames.last.names.get(owner) if owner == "self" else None
    settings = inspect.signature(type(known)).parameters if known is not None else {}
    if name not in settings:
        return ""
    return f", as {type(known).__name__}({name}=...) where it is made"


def _may_mark(value: int, classes: int) -> bool:
    """The number just behind the last class is rather a class more than a mark."""
    return value < 0 or value > classes or value == 255


def _spelled(name: str) -> str:
    return "target" if " " in name else name
