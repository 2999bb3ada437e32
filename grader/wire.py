"""Inputs and observations as bytes: safetensors for tensors, tagged JSON for all else.

Never pickle: what comes back from a box was written by whoever wrote the submission. Reading
raises MalformedMessage for anything that is not exactly what `pack` writes, and for messages
larger than the cap.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from grader.observation import MAX_DEPTH, Observation, Plain, Raised, Unrecordable

MAX_BYTES = 64 * 1024 * 1024
_HEADER = struct.Struct(">II")


class MalformedMessage(ValueError):
    """The bytes are no message of this wire."""


def pack(value: Plain) -> bytes:
    """Plain data as bytes: two lengths, the JSON tree, the tensors."""
    tensors: dict[str, torch.Tensor] = {}
    tree = json.dumps(_encode(value, tensors), allow_nan=False).encode()
    blob = save(tensors) if tensors else b""
    return _HEADER.pack(len(tree), len(blob)) + tree + blob


def unpack(message: bytes) -> Plain:
    """The plain data that `pack` turned into `message`. Raises MalformedMessage."""
    if not _HEADER.size <= len(message) <= MAX_BYTES:
        raise MalformedMessage(f"a message of {len(message)} bytes")
    tree_size, blob_size = _HEADER.unpack_from(message)
    if _HEADER.size + tree_size + blob_size != len(message):
        raise MalformedMessage("the lengths do not add up")
    blob = message[_HEADER.size + tree_size :]
    try:
        tree = json.loads(message[_HEADER.size : _HEADER.size + tree_size])
        tensors = load(blob) if blob else {}
        return _decode(tree, tensors, 0)
    except MalformedMessage:
        raise
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        OverflowError,
        RecursionError,
        RuntimeError,
        SafetensorError,
    ) as error:
        raise MalformedMessage(f"{type(error).__name__} while reading") from error


def pack_observation(observation: Observation) -> bytes:
    """An observation as bytes."""
    error = observation.error
    return pack(
        {
            "values": dict(observation.values),
            "effects": dict(observation.effects),
            "error": None
            if error is None
            else (error.type_name, error.message, error.known_type, error.by_learner, error.line),
        }
    )


def unpack_observation(message: bytes) -> Observation:
    """The observation in `message`. Raises MalformedMessage."""
    tree = unpack(message)
    if not isinstance(tree, dict) or set(tree) != {"values", "effects", "error"}:
        raise MalformedMessage("not an observation")
    values, effects, error = tree["values"], tree["effects"], tree["error"]
    if not _has_text_keys(values) or not _has_text_keys(effects):
        raise MalformedMessage("values and effects must be named")
    if not all(isinstance(detail, str) for detail in effects.values()):
        raise MalformedMessage("effects must be text")
    raised = None
    if error is not None:
        if not isinstance(error, tuple) or [type(e) for e in error] != [str, str, bool, bool, str]:
            raise MalformedMessage("not an error")
        raised = Raised(*error)
    return Observation(values, effects, raised)


def _has_text_keys(value: Plain) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _encode(value: Plain, tensors: dict[str, torch.Tensor]) -> Any:
    """Lists stand for themselves as {"l": [...]}; every other type has a tag of its own."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"f": value.hex() if math.isfinite(value) else repr(value)}
    if isinstance(value, complex):
        return {"c": [_encode(value.real, tensors), _encode(value.imag, tensors)]}
    if isinstance(value, torch.Tensor):
        if value.is_meta:
            return {"m": [list(value.shape), str(value.dtype).removeprefix("torch.")]}
        name = str(len(tensors))
        # Two names for one storage are refused by safetensors, hence the clone.
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"t": name}
    if isinstance(value, Unrecordable):
        return {"u": value.type_name[:200]}
    if isinstance(value, set | frozenset):
        return {"s": [_encode(item, tensors) for item in sorted(value, key=repr)]}
    if isinstance(value, tuple | list):
        tag = "p" if isinstance(value, tuple) else "l"
        return {tag: [_encode(item, tensors) for item in value]}
    if isinstance(value, dict):
        return {"d": [[_encode(k, tensors), _encode(v, tensors)] for k, v in value.items()]}
    raise TypeError(f"{type(value).__name__} is no plain data")


def _decode(tree: Any, tensors: Mapping[str, torch.Tensor], depth: int) -> Plain:
    if tree is None or isinstance(tree, bool | str):
        return tree
    if not isinstance(tree, dict) or len(tree) != 1 or depth > 2 * MAX_DEPTH:
        raise MalformedMessage("an untagged value, or one nested too deeply")
    ((tag, body),) = tree.items()
    match tag:
        case "i":
            if not isinstance(body, str) or len(body) > 1300:
                raise MalformedMessage("not a number")
            return int(body)
        case "f":
            return float(body) if body in ("inf", "-inf", "nan") else float.fromhex(body)
        case "c":
            real, imag = (_decode(part, tensors, depth + 1) for part in body)
            return complex(real, imag)
        case "t":
            return tensors[body]
        case "m":
            shape, dtype = body
            return torch.empty(shape, dtype=_dtype(dtype), device="meta")
        case "u":
            return Unrecordable(str(body)[:200])
        case "d":
            return {_decode(k, tensors, depth + 1): _decode(v, tensors, depth + 1) for k, v in body}
    kinds: dict[str, Any] = {"p": tuple, "l": list, "s": frozenset}
    if tag not in kinds or not isinstance(body, list):
        raise MalformedMessage(f"an unknown tag {tag!r}")
    return kinds[tag](_decode(item, tensors, depth + 1) for item in body)


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name)
    if not isinstance(found, torch.dtype):
        raise MalformedMessage("not a dtype")
    return found
