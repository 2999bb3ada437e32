"""A row that a model chose by its own scores, of which there are more than the table has rows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor, nn

from grader.errors.seen.modules.made import made
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_CHOOSING = ("multinomial", "argmax", "Categorical")


class Drawn(NamedTuple):
    """What is said of it."""

    meaning: str
    cure: str
    place: str


def read(frames: Frames, layer: nn.Embedding) -> Drawn | None:
    """The scores that the number was chosen by, and the layer that makes too many of them."""
    rows = layer.num_embeddings
    for frame in reversed(frames.own):
        for scores, size in _chosen(frame, rows):
            meaning = (
                f"It was chosen by the model: {scores} has {size} scores in a row, so a choice "
                f"by them goes up to {size - 1}."
            )
            return _told(frames, layer, meaning, size, frame.place)
    return None


def _chosen(frame: Frame, rows: int) -> Iterator[tuple[str, int]]:
    """Choices of this text that gave a row which is not there: their scores, and how many."""
    for one in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(one, ast.Assign) or not isinstance(one.targets[0], ast.Name):
            continue
        value = frame.names.get(one.targets[0].id)
        if not isinstance(value, Tensor) or value.is_floating_point() or not value.numel():
            continue
        if int(value.max()) < rows:
            continue
        for call in ast.walk(one.value):
            if not isinstance(call, ast.Call) or failing.name_of(call) not in _CHOOSING:
                continue
            for given in (*failing.arguments(call)[:1], *(key.value for key in call.keywords)):
                scores = looked_up(given, frame) if isinstance(given, ast.Name) else None
                if isinstance(scores, Tensor) and scores.dim() and scores.shape[-1] > rows:
                    yield source.spelled(given), scores.shape[-1]


def _told(frames: Frames, layer: nn.Embedding, meaning: str, size: int, place: str) -> Drawn | None:
    rows, wide = layer.num_embeddings, layer.embedding_dim
    heads = [
        part
        for _, module in frames.modules()
        for part in module.modules()
        if isinstance(part, nn.Linear) and part.out_features == size
    ]
    if not heads and wide == size:
        at = made(frames, layer)
        cure = (
            f"The table itself gives the scores, {wide} for each token, and there are {rows} "
            f"tokens: put a layer behind it that scores each of them, nn.Linear({wide}, {rows}), "
            f"or make it nn.Embedding({rows}, {rows})."
        )
        return Drawn(meaning, cure, at.place if at is not None else place)
    if len(heads) != 1:
        return None
    at = made(frames, heads[0])
    cure = (
        f"Score the {rows} tokens that have a row, and no other: make that layer nn.Linear("
        f"{heads[0].in_features}, {rows}). If there are {size} tokens, make the table "
        f"nn.Embedding({size}, {wide})."
    )
    return Drawn(meaning, cure, at.place if at is not None else place)
