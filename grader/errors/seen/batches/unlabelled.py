"""A class number beyond the scores: a mark of "no label", or a class that the net has none for."""

from __future__ import annotations

import re
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
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


def _may_mark(value: int, classes: int) -> bool:
    """The number just behind the last class is rather a class more than a mark."""
    return value < 0 or value > classes or value == 255


def _spelled(name: str) -> str:
    return "target" if " " in name else name
