"""Layers that were made for another input: a Linear's features, an Embedding's rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.batches import samples
from grader.errors.seen.modules import inputs
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.shapes import indexed, products

_PRODUCT = re.compile(r"shapes cannot be multiplied \(\d+x(\d+) and (\d+)x(\d+)\)")
_WHOLE = (torch.int64, torch.int32)


def read_product(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one Linear that was made for the number of features in the error's text."""
    if (
        one := inputs.read(frames, told, message) or products.read(frames, told, message)
    ) is not None:
        return one
    sizes = _PRODUCT.search(message)
    if sizes is None:
        return None
    given, taken, made = (int(size) for size in sizes.groups())
    fitting = [
        name
        for name, part in parts(frames)
        if isinstance(part, nn.Linear) and (part.in_features, part.out_features) == (taken, made)
    ]
    if len(fitting) != 1:
        return None
    return replace(
        told,
        meaning=f"{fitting[0]} was made for {taken} features in a row, and is given {given}.",
        cure=f"If its input is right, make it nn.Linear({given}, {made}). Behind a flatten that is "
        "channels times height times width: print the shape in front of it.",
    )


def read_index(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A Dataset's missing sample, a tensor of indices, or the one Embedding of too few rows."""
    if (sample := samples.read(frames, told, message)) is not None:
        return sample
    if (index := indexed.read(frames, told, message)) is not None:
        return index
    tables = [(name, part) for name, part in parts(frames) if isinstance(part, nn.Embedding)]
    numbers = [
        (name, one)
        for name, one in frames.tensors()
        if one.dtype in _WHOLE and one.numel() and name.isidentifier()
    ]
    if "out of range in self" not in message or len(tables) != 1:
        return None
    (table, part), rows = tables[0], tables[0][1].num_embeddings
    for name, one in numbers:
        low, high = (int(end) for end in one.detach().aminmax())
        if low < 0 or high >= rows:
            wrong = low if low < 0 else high
            return replace(
                told,
                meaning=f"{name} holds the number {wrong}, and {table} has {rows} rows, 0 to "
                f"{rows - 1}.",
                cure="Make it with a row for every number that any of your data hold, of "
                "validation and test too, padding counted: at least nn.Embedding("
                f"{high + 1}, {part.embedding_dim})."
                if low >= 0
                else f"Numbers below 0 are no rows: look at where {name} gets them.",
            )
    return None


def parts(frames: Frames) -> Iterator[tuple[str, nn.Module]]:
    """Every module that can be named, and every part of it."""
    for name, module in frames.modules():
        for path, part in module.named_modules():
            yield (f"{name}.{path}" if path else name), part
