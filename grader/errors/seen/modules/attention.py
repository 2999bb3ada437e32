"""A mask of attention of another shape: what its dimensions are."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames, file_name
from grader.errors.seen.reading.lookup import looked_up


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
        cure = _as_padding(frames, mask) or (
            f"Pass it as key_padding_mask={name}, True where there is padding."
        )
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


_PADDING = {
    "attn_mask": "key_padding_mask",
    "mask": "src_key_padding_mask",
    "src_mask": "src_key_padding_mask",
    "tgt_mask": "tgt_key_padding_mask",
    "memory_mask": "memory_key_padding_mask",
}
"""Which argument of the layers of a transformer takes padding, beside that for a square mask."""


def _as_padding(frames: Frames, mask: Tensor) -> str:
    """The failing line's own mask by the argument that is meant, with True where padding is.

    What stands for a token tells it: ones that come first, and zeros behind them.
    """
    for call in failing.on_line(frames.last):
        for word in call.keywords if isinstance(call, ast.Call) else ():
            meant = _PADDING.get(word.arg or "")
            if meant is None:
                continue
            plain = word.value
            while isinstance(plain, ast.Call) and isinstance(plain.func, ast.Attribute):
                if failing.name_of(plain) not in ("float", "bool", "to", "type"):
                    break
                plain = plain.func.value
            name, value = ast.unparse(plain), looked_up(plain, frames.last)
            if not isinstance(value, Tensor) or value.shape != mask.shape or (value < 0).any():
                continue
            kept = value.to(torch.bool)
            if bool(kept[:, 0].all()) and not bool(kept[:, -1].all()):
                hidden = f"~{name}" if value.dtype == torch.bool else f"{name} == 0"
                return (
                    f"Pass it as {meant}={hidden}: {name} is {value.flatten()[0].item()} for a "
                    "token, and that argument wants True where there is padding."
                )
            return f"Pass it as {meant}={name}, True where there is padding."
    return ""


def read_padding(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A padding mask of (batch, length) whose layer takes the first dimension for the length."""
    names = frames.given("multi_head_attention_forward")
    mask, key = names.get("key_padding_mask"), names.get("key")
    if not isinstance(mask, Tensor) or not isinstance(key, Tensor) or key.dim() != 3:
        return None
    layers = [one["self"] for _, one in frames.within if isinstance(one.get("self"), nn.Module)]
    inner = next((one for one in layers if isinstance(one, nn.MultiheadAttention)), None)
    length, batch = key.shape[:2]
    if inner is None or tuple(mask.shape) != (length, batch) or length == batch:
        return None
    shape, called = tuple(mask.shape), _padding_of(frames)
    if inner.batch_first:
        return replace(
            told,
            meaning=f"The padding mask has the shape {shape}: the length comes first in it, and "
            f"this layer takes ({batch}, {length}), the batch first.",
            cure=f"Turn it around before anything is computed with it: {called} = {called}.T.",
        )
    call, place = _made_without(frames, layers)
    sizes = [len(one) for _, one in frames.tensors() if one.dim() == 1]
    taken = (
        f"The input has the shape {tuple(key.shape)} and the padding mask {shape}. Without "
        f"batch_first=True this layer takes the input for (length, batch, features), so {batch} "
        f"for the batch, and wants a mask of ({batch}, {length})."
    )
    first = f"The batch comes first here, so make the layer for that: {call}."
    if length not in sizes or batch in sizes:
        first = f"If the batch comes first in both, make the layer for that: {call}. Else: mask.T."
    return replace(told, meaning=taken, cure=first, place=place or told.place)


def _padding_of(frames: Frames) -> str:
    """The name that the failing line gives the padding mask by."""
    given = [
        one.value
        for call in failing.on_line(frames.last)
        if isinstance(call, ast.Call)
        for one in call.keywords
        if (one.arg or "").endswith("key_padding_mask")
    ]
    return given[0].id if given and isinstance(given[0], ast.Name) else "mask"


def _made_without(frames: Frames, layers: list[nn.Module]) -> tuple[str, str]:
    """The call that makes such a layer, with batch_first=True, and its line if there is one."""
    kinds = {type(one).__name__ for one in layers if "batch_first" in _settings(one)}
    found = [
        (node, file)
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in kinds
        and not any(one.arg in ("batch_first", None) for one in node.keywords)
    ]
    if len(found) != 1:
        return f"nn.{max(kinds, key=len)}(..., batch_first=True)", ""
    (call, file), on = found[0], ast.keyword("batch_first", ast.Constant(True))
    text = ast.unparse(ast.Call(call.func, call.args, [*call.keywords, on]))
    return text, f"{file_name(file)}, line {call.lineno}"


def _settings(layer: nn.Module) -> Mapping[str, object]:
    return inspect.signature(type(layer)).parameters


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
