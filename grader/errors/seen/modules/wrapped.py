"""What a Subset, a DataLoader or another wrapper lacks, and the object inside has."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import torch
from torch.utils.data import DataLoader, Dataset, Subset

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up

_TEXT = re.compile(r"has no attribute '(\w+)'")


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The attribute of the dataset inside, and how its samples are chosen."""
    found, frame = _TEXT.search(message), frames.last
    for node in failing.on_line(frame):
        if found is None or not isinstance(node, ast.Attribute) or node.attr != found[1]:
            continue
        outer, name = looked_up(node.value, frame), ast.unparse(node.value)
        inner, path = outer, name
        while isinstance(inner, Subset | DataLoader) and not hasattr(inner, found[1]):
            inner, path = inner.dataset, f"{path}.dataset"
        if inner is outer or not isinstance(inner, Dataset) or not hasattr(inner, found[1]):
            continue
        text, held = f"{path}.{found[1]}", getattr(inner, found[1])
        said = f"{name} is a {type(outer).__name__}, and {text} is what it wraps."
        per_sample = isinstance(outer, Subset) and _counts(held) == len(inner)  # type: ignore[arg-type]
        chosen = f"[{text}[i] for i in {name}.indices]"
        if isinstance(held, torch.Tensor):
            chosen = f"{text}[{name}.indices]"
        return replace(
            told,
            meaning=said,
            cure=f"Of the samples in {name}: {chosen}. Of all: {text}."
            if per_sample
            else f"Write {text}.",
            place=frame.place,
        )
    return None


def _counts(held: object) -> int:
    return len(held) if hasattr(held, "__len__") else -1
