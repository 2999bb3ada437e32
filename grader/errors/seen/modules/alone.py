"""A batch of one sample in front of a layer that takes statistics of it: which loader gave it."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import nn
from torch.utils.data import DataLoader

from grader.errors.explanation import Explained
from grader.errors.seen.modules.fed import fed
from grader.errors.seen.reading import failing, opening, source
from grader.errors.seen.reading.frames import Frames, is_library


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The DataLoader whose last batch has one sample, or a single sample given to a model."""
    one = fed(frames)
    if one is None or not isinstance(one.layer, nn.modules.batchnorm._BatchNorm):
        return None
    if one.shape[:1] != (1,):
        return None
    said = f"{one.meaning} In training it divides by the spread over the batch, and one has none."
    for name, value in opening.opened(frames.variables(), is_library):
        if not isinstance(value, DataLoader) or value.drop_last or not value.batch_size:
            continue
        count = len(value.dataset)  # type: ignore[arg-type]
        if value.batch_size > 1 and count % value.batch_size == 1:
            return replace(
                told,
                meaning=f"{said} {name} gives {count} samples in batches of {value.batch_size}: "
                "one is left for the last batch.",
                cure=f"Pass drop_last=True where {name} is made: DataLoader(..., drop_last=True).",
                place=_made(frames, name),
            )
    return replace(
        told,
        meaning=said,
        cure="If this is no training, call eval() on the model first: model.eval(). In training "
        "give it two samples or more.",
        place=frames.last.place,
    )


def _made(frames: Frames, loader: str) -> str:
    """The line that makes this DataLoader, or the one that makes any."""
    for frame in reversed(frames.own):
        given = source.assigned(frame.source, loader) if frame.source is not None else []
        values = [source.value_of(one, loader) for one in given]
        if len(values) == 1 and isinstance(values[0], ast.Call):
            return frame.place_of(values[0].lineno)
    return frames.the_one_line(
        lambda node: isinstance(node, ast.Call) and failing.name_of(node) == "DataLoader"
    )
