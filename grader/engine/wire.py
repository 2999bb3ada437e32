"""Inputs and observations as bytes: safetensors for tensors, tagged JSON for all else.

Never pickle: what comes back from a box was written by whoever wrote the submission. Reading runs
nothing, takes no more memory than a few times the limits below, and raises MalformedMessage for
anything but the very bytes that `pack` writes.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors import SafetensorError, TensorSpec, serialize
from safetensors.torch import load

from grader.engine.observation import (
    DTYPES,
    MAX_DEPTH,
    MAX_NUMBERED,
    Observation,
    Plain,
    Raised,
    Unrecordable,
)

MAX_BYTES = 40 * 1024 * 1024
MAX_TREE = 4 * 1024 * 1024
"""The largest message, and the largest JSON in it, which takes many times its size once read."""

_LENGTHS = struct.Struct(">II")
_JSON = json.JSONEncoder(allow_nan=False)
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


class MalformedMessage(ValueError):
    """The bytes are no message of this wire."""


def pack(value: Plain) -> bytes:
    """Plain data as bytes: two lengths, the JSON tree, the tensors.

    Raises ValueError where the message would be larger than `unpack` reads, and TypeError for what
    is no plain data.
    """
    tensors: dict[str, torch.Tensor] = {}
    tree = _JSON.encode(_encode(value, tensors)).encode()
    blob = _saved(tensors) if tensors else b""
    message = _LENGTHS.pack(len(tree), len(blob)) + tree + blob
    if len(tree) > MAX_TREE or len(message) > MAX_BYTES:
        raise ValueError(f"a message of {len(message)} bytes, {len(tree)} of them JSON")
    return message


def _saved(tensors: dict[str, torch.Tensor]) -> bytes:
    """A safetensors blob of contiguous tensors: the same bytes as safetensors.torch.save, which
    copies each and takes ten times as long."""
    specs = {
        name: TensorSpec(
            dtype=_NAMES[tensor.dtype],
            shape=tensor.shape,
            data_ptr=tensor.data_ptr(),
            data_len=tensor.nbytes,
        )
        for name, tensor in tensors.items()
    }
    return bytes(serialize(specs))


def unpack(message: bytes, *, believed: bool = False) -> Plain:
    """The plain data that `pack` turned into `message`. Raises MalformedMessage.

    Of what is `believed` to be `pack`'s it is not made sure, by packing it again: a box believes
    the judge.
    """
    if not _LENGTHS.size <= len(message) <= MAX_BYTES:
        raise MalformedMessage(f"a message of {len(message)} bytes")
    tree_size, blob_size = _LENGTHS.unpack_from(message)
    if _LENGTHS.size + tree_size + blob_size != len(message) or tree_size > MAX_TREE:
        raise MalformedMessage("the lengths do not add up")
    try:
        tensors = _load(message[_LENGTHS.size + tree_size :])
        tree = json.loads(message[_LENGTHS.size : _LENGTHS.size + tree_size].decode("ascii"))
        value = _Decoding(tensors).value(tree, 0)
        exact = believed or pack(value) == message
    except MalformedMessage:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RecursionError,
        RuntimeError,
        SafetensorError,
        TypeError,
        ValueError,
    ) as error:
        raise MalformedMessage(f"{type(error).__name__} while reading") from error
    if not exact:
        raise MalformedMessage("not as pack writes it")
    return value


def _load(blob: bytes) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors blob, whose header says first how long it is."""
    if not blob:
        return {}
    if int.from_bytes(blob[:8], "little") > MAX_TREE:
        raise MalformedMessage("too many tensors")
    return load(blob)


def pack_observation(observation: Observation) -> bytes:
    """An observation as bytes."""
    error = observation.error
    return pack(
        {
            "values": dict(observation.values),
            "effects": dict(observation.effects),
            "error": None if error is None else _fields(error),
        }
    )


def _fields(error: Raised) -> tuple[str | bool, ...]:
    return (
        error.type_name,
        error.message,
        error.known_type,
        error.by_learner,
        error.line,
        error.own_raise,
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
        types = [str, str, bool, bool, str, bool]
        if not isinstance(error, tuple) or [type(field) for field in error] != types:
            raise MalformedMessage("not an error")
        raised = Raised(*error)
    return Observation(values, effects, raised)


def _has_text_keys(value: Plain) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _encode(value: Plain, tensors: dict[str, torch.Tensor]) -> Any:
    """None, truth values and text stand for themselves; every other type has a tag of its own."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        value.encode()  # raises for text that no file can hold
        return value
    if isinstance(value, torch.Tensor):
        return _encode_tensor(value, tensors)
    if isinstance(value, dict):
        return {"d": [[_encode(_key(k), tensors), _encode(v, tensors)] for k, v in value.items()]}
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"f": _written(value)}
    if isinstance(value, complex):
        return {"c": [_written(value.real), _written(value.imag)]}
    if isinstance(value, Unrecordable):
        return {"u": value.type_name[:200]}
    if isinstance(value, set | frozenset):
        return {"s": [_encode(_key(item), tensors) for item in sorted(value, key=repr)]}
    if isinstance(value, tuple | list):
        tag = "p" if isinstance(value, tuple) else "l"
        if _are_texts(value) and all(map(str.isascii, value)):
            return {tag: list(value)}
        return {tag: [_encode(item, tensors) for item in value]}
    raise TypeError(f"{type(value).__name__} is no plain data")


def _encode_tensor(value: torch.Tensor, tensors: dict[str, torch.Tensor]) -> Any:
    if value.dtype not in _NAMES:
        raise TypeError(f"tensors of dtype {value.dtype} are not sent")
    if value.is_meta:
        return {"m": [list(value.shape), _NAMES[value.dtype]]}
    bare = value.detach().cpu().resolve_conj().resolve_neg()
    tag = "t"
    if bare.is_complex():  # safetensors has no complex128
        bare, tag = torch.view_as_real(bare), "z"
    name = str(len(tensors))
    tensors[name] = bare.contiguous()
    return {tag: name}


class _Decoding:
    """One message on its way back to plain data; what stands in hash tables is counted first."""

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self._tensors, self._numbered = tensors, 0

    def value(self, tree: Any, depth: int) -> Plain:
        if tree is None or isinstance(tree, bool | str):
            return tree
        if not isinstance(tree, dict) or len(tree) != 1 or depth > 2 * MAX_DEPTH:
            raise MalformedMessage("an untagged value, or one nested too deeply")
        ((tag, body),) = tree.items()
        match tag, body:
            case "i", str() if len(body) <= 1300:
                return int(body)
            case "f", str():
                return _read(body)
            case "c", [str(real), str(imag)]:
                return complex(_read(real), _read(imag))
            case "t", str():
                return self._tensors[body]
            case "z", str():
                return torch.view_as_complex(self._tensors[body])
            case "m", [list(shape), str(dtype)]:
                return torch.empty(shape, dtype=DTYPES[dtype], device="meta")
            case "u", str() if len(body) <= 200:
                return Unrecordable(body)
            case "p", list():
                return tuple(self._values(body, depth + 1))
            case "l", list():
                return self._values(body, depth + 1)
            case "s", list():
                return frozenset([self._key(self.value(item, depth + 1)) for item in body])
            case "d", list():
                pairs = [(self.value(k, depth), self.value(v, depth + 1)) for k, v in body]
                return {self._key(k): v for k, v in pairs}
        raise MalformedMessage("an unknown tag, or another body than it has")

    def _values(self, trees: list[Any], depth: int) -> list[Plain]:
        if _are_texts(trees):
            return trees
        return [self.value(tree, depth) for tree in trees]

    def _key(self, value: Plain) -> Plain:
        self._numbered += not isinstance(value, str)
        if self._numbered > MAX_NUMBERED:
            raise MalformedMessage("too many numbers in sets, or as keys")
        return _key(value)


def _are_texts(values: Sequence[Any]) -> bool:
    """Whether all are plain texts, as the names of a deep graph are: thousands, seen at once."""
    return set(map(type, values)) == {str}


def _key(value: Plain) -> Plain:
    """A value that may stand in a set or name an entry of a dict."""
    if value is None or isinstance(value, bool | int | float | str | Unrecordable):
        return value
    raise TypeError(f"{type(value).__name__} cannot be a key")


def _written(number: float) -> str:
    return number.hex() if math.isfinite(number) else repr(number)


def _read(text: str) -> float:
    return float(text) if text in ("inf", "-inf", "nan") else float.fromhex(text)
