"""A mask of attention of another shape: what its dimensions are."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frames


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A mask for each sample, one for padding, one of the batch, or one of another length."""
    names = frames.given("multi_head_attention_forward")
    mask, heads = names.get("attn_mask"), names.get("num_heads")
    sizes = [one for one in map(names.get, ("bsz", "tgt_len", "src_len")) if isinstance(one, int)]
    if not isinstance(mask, Tensor) or len(sizes) != 3:
        return None
    batch, queries, keys = sizes
    name, shape = _spelled(frames), tuple(mask.shape)
    first = any(
        getattr(one.get("self"), "batch_first", False)
        for _, one in frames.within
        if isinstance(one.get("self"), nn.MultiheadAttention)
    )
    wanted = (
        f"Attention wants ({queries}, {keys}), one row for each query and one column for each key, "
        f"or ({batch} * {heads}, {queries}, {keys}), batch times heads."
    )
    meaning, cure = f"{name} has the shape {shape}. {wanted}", ""
    if shape == (batch, queries, keys):
        meaning = f"{name} has the shape {shape}: one mask for each sample. {wanted}"
        shared = (
            f"attn_mask=causal of ({queries}, {keys}), which all samples share, and "
            if queries == keys
            else ""
        )
        cure = (
            f"Repeat each sample's mask for its {heads} heads: {name}.repeat_interleave({heads}, "
            f"0). Or pass {shared}key_padding_mask=pad of ({batch}, {keys}), True where there is "
            "padding, if that is what it hides."
        )
    elif shape == (batch, keys) and batch != queries:
        meaning = f"{name} has the shape {shape}, (batch, keys): that is a padding mask. {wanted}"
        cure = f"Pass it as key_padding_mask={name}, True where there is padding."
    elif shape == (batch, batch) and not first:
        meaning = (
            f"{name} has the shape {shape}, and {batch} is what this layer takes for the "
            f"batch, and {queries} for the length."
        )
        cure = (
            "If the batch comes first in your tensors, pass batch_first=True when you make the "
            "layer. Else make the mask for x.shape[0], the length."
        )
    elif shape == (batch, batch):
        meaning = (
            f"{name} has the shape {shape}: it was made for the batch, and not for the "
            f"length, {queries}."
        )
        cure = f"Make it for x.shape[1]: {_SQUARE}(x.shape[1])."
    elif len(shape) == 2 and min(shape) >= max(queries, keys):
        cure = (
            "It was made for a longer sequence. Give the part for this one: n = x.shape"
            f"[{int(first)}], {name}[:n, :n]."
            if queries == keys
            else f"It was made for longer sequences. Give the part: {name}[:{queries}, :{keys}]."
        )
    elif len(shape) == 2 and queries == keys:
        cure = (
            f"Make it for the sequence at hand, whatever its length: {_SQUARE}"
            f"(x.shape[{int(first)}])."
        )
    return replace(told, meaning=meaning, cure=cure or told.cure)


def read_batch(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Query and key of two batches, since one of them has the batch first."""
    names = frames.given("multi_head_attention_forward")
    query, key = names.get("query"), names.get("key")
    if not isinstance(query, Tensor) or not isinstance(key, Tensor):
        return None
    if query.dim() != 3 or key.dim() != 3 or query.shape[1] == key.shape[1]:
        return None
    layer = next(
        (
            one["self"]
            for _, one in frames.within
            if isinstance(one.get("self"), nn.MultiheadAttention)
        ),
        None,
    )
    first = bool(getattr(layer, "batch_first", False))
    order = "(length, batch, features)" if not first else "(batch, length, features)"
    q, k = (tuple(one.transpose(0, 1).shape if first else one.shape) for one in (query, key))
    said = (
        f"Query has the shape {q} and key {k}. This attention takes {order}, so the batch is "
        f"{query.shape[1]} in one and {key.shape[1]} in the other."
    )
    cure = "Bring both to one order."
    if not first and key.shape[0] == query.shape[1]:
        cure = (
            "Key and value have the batch first: give them as x.transpose(0, 1). Or pass "
            "batch_first=True when you make the layer, and give the query the batch first too."
        )
    elif not first and query.shape[0] == key.shape[1]:
        cure = (
            "The query has the batch first: give it as query.transpose(0, 1), and take the result "
            "back by .transpose(0, 1)."
        )
    return replace(told, meaning=said, cure=cure, place=frames.last.place)


_CALL = 6
"""How many lines a call may take."""
_SQUARE = "nn.Transformer.generate_square_subsequent_mask"


def _spelled(frames: Frames) -> str:
    """What the failing line calls the mask."""
    frame = frames.last
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.keyword) and node.arg in ("attn_mask", "mask", "src_mask"):
            at = node.value
            near = abs(at.lineno - frame.line) <= _CALL
            if near and isinstance(at, ast.Name | ast.Attribute):
                return ast.unparse(at)
    return "mask"
