"""Counts that do not agree: lengths of sequences, and first sizes of the tensors of a dataset."""

from __future__ import annotations

import ast
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames


def read_lengths(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Which of the lengths is 0, or how many there are beside the samples."""
    names = frames.given("pack_padded_sequence")
    given, x = names.get("lengths"), names.get("input")
    if given is None or not isinstance(x, Tensor):
        return None
    lengths = torch.as_tensor(given)
    batch = x.shape[0 if names.get("batch_first") else 1]
    empty = (lengths <= 0).nonzero().flatten().tolist()
    if len(lengths) == batch and empty:
        which = ", ".join(map(str, empty[:5]))
        return replace(
            told,
            meaning=f"Sequence {which} of this batch, counted from 0, has the length "
            f"{int(lengths[empty[0]])}, and every one needs 1 or more.",
            cure="Leave empty sequences out where the batch is made, or give each at least one "
            "entry, such as one for what is unknown. To keep them as padding: "
            "lengths.clamp(min=1).",
            place=frames.last.place,
        )
    if len(lengths) != batch:
        other = x.shape[1 if names.get("batch_first") else 0]
        first = "" if names.get("batch_first") else "batch_first=True is missing"
        why = (
            f": {first or 'batch_first=True does not belong here'}" if other == len(lengths) else ""
        )
        return replace(
            told,
            meaning=f"There are {len(lengths)} lengths, and the input of the shape "
            f"{tuple(x.shape)} is taken for {batch} samples{why}.",
            place=frames.last.place,
        )
    return None


def read_sizes(frames: Frames, told: Explained, message: str) -> Explained | None:
    """How many rows each tensor of a TensorDataset has."""
    tensors = frames.given("__init__").get("tensors")
    if not isinstance(tensors, tuple) or not all(isinstance(one, Tensor) for one in tensors):
        return None
    rows = [len(one) for one in tensors]
    texts: list[str] = []
    for call in failing.calls(frames.last, "TensorDataset"):
        texts = [ast.unparse(one) for one in call.args]
    names = texts if len(texts) == len(rows) else [f"tensor {n}" for n in range(len(rows))]
    listed = ", ".join(f"{name} has {count}" for name, count in zip(names, rows, strict=True))
    return replace(
        told,
        meaning=f"Sample i takes row i of each tensor, so all need as many rows: {listed}.",
        cure="Look at the lines that make them, at slices and windows above all. Cut both in the "
        "same way, so that row i of one belongs to row i of the other.",
        place=frames.last.place,
    )
