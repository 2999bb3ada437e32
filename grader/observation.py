"""What one call did, as plain data: the only thing that is ever compared.

Tensors are read through descriptors captured when this module is imported, before any learner's
code runs, so that a patched attribute or a tensor subclass cannot answer for the real tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

Plain = Any
"""None, bool, int, float, complex, str, an exact detached CPU tensor, Unrecordable, or a tuple,
list, set, frozenset or dict of these."""

MAX_ELEMENTS = 4_000_000
MAX_ITEMS = 20_000
MAX_DEPTH = 12
MAX_TEXT = 100_000

FLAGS = frozenset(
    {
        "is_leaf",
        "requires_grad",
        "has_graph",
        "grad_fn",
        "retains_grad",
        "same_object",
        "shares_memory",
        "has_grad",
    }
)
"""Names a task may put behind a dot (`"w.is_leaf"`) to have a flag of `w` compared."""

_T: Any = torch.Tensor
_detach, _is_leaf, _requires_grad = _T.detach, _T.is_leaf, _T.requires_grad
_grad_fn, _retains_grad, _grad = _T.grad_fn, _T.retains_grad, _T.grad
_clone, _cpu, _resolve_conj, _resolve_neg = _T.clone, _T.cpu, _T.resolve_conj, _T.resolve_neg
_storage, _numel, _is_sparse = _T.untyped_storage, _T.numel, _T.layout
_is_contiguous = _T.is_contiguous
_DENSE = torch.strided
_meta = torch.device("meta")


@dataclass(frozen=True)
class Unrecordable:
    """A value that is neither a tensor nor plain data, known by its type's name alone."""

    type_name: str


@dataclass(frozen=True)
class Raised:
    """An exception: its type's name, whether Python or torch defines it, its text, and the line."""

    type_name: str
    message: str
    known_type: bool = True
    by_learner: bool = True
    line: str = ""


@dataclass(frozen=True)
class Observation:
    """What one call did.

    `values` holds what the task named, `effects` what the call changed without being asked
    (`"grad_mode"`, `"input"`, ... with a detail each), `error` the exception that ended it.
    """

    values: Mapping[str, Plain] = field(default_factory=dict)
    effects: Mapping[str, str] = field(default_factory=dict)
    error: Raised | None = None


def named(result: Any, *names: str) -> dict[str, Any]:
    """Name the parts of a returned tuple or list; anything of another shape stays whole.

    >>> named((1, 2), "dx", "dw")
    {'dx': 1, 'dw': 2}
    """
    if len(names) > 1 and type(result) in (tuple, list) and len(result) == len(names):
        return dict(zip(names, result, strict=True))
    return {" and ".join(names): result}


def flags(name: str, tensor: Any, *wanted: str) -> dict[str, bool | str | None]:
    """Flags of `tensor` under `name`: `flags("w", w, "is_leaf")` gives `{"w.is_leaf": True}`.

    A value that is no tensor has no flags: every entry is None.
    """
    readers = {
        "is_leaf": _is_leaf.__get__,
        "requires_grad": _requires_grad.__get__,
        "retains_grad": _retains_grad.__get__,
        "has_graph": lambda t: _grad_fn.__get__(t) is not None,
        "has_grad": lambda t: _grad.__get__(t) is not None,
        "grad_fn": _grad_fn_name,
    }
    if not isinstance(tensor, torch.Tensor):
        return {f"{name}.{flag}": None for flag in wanted}
    return {f"{name}.{flag}": readers[flag](tensor) for flag in wanted}


def _grad_fn_name(tensor: torch.Tensor) -> str | None:
    node = _grad_fn.__get__(tensor)
    return None if node is None else str(node.name())


def shares_memory(a: Any, b: Any) -> bool:
    """Whether two tensors use the same storage (at whatever offset and stride)."""
    if not (isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)):
        return False
    one, other = _storage(a), _storage(b)
    return bool(one.data_ptr() == other.data_ptr() and one.data_ptr() != 0)


def record(value: Any, depth: int = 0) -> Plain:
    """Turn a returned value into plain data that shares no memory with it.

    Tensors become exact, detached, contiguous CPU tensors; what is no plain data becomes
    Unrecordable, as do values larger than the caps above.
    """
    kind = type(value)
    if value is None or kind in (bool, Unrecordable):
        return value
    if isinstance(value, torch.Tensor):
        return _record_tensor(value)
    if isinstance(value, int):
        return int.__int__(value) if int.bit_length(value) < 4096 else Unrecordable("huge int")
    if isinstance(value, float):
        return float.__float__(value)
    if kind is complex:
        return value
    if isinstance(value, str):
        return str.__str__(value)[:MAX_TEXT]
    if depth >= MAX_DEPTH:
        return Unrecordable(f"{kind.__name__} nested too deeply")
    return _record_container(value, kind, depth)


def _record_container(value: Any, kind: type, depth: int) -> Plain:
    if kind in (tuple, list, set, frozenset, dict) and len(value) > MAX_ITEMS:
        return Unrecordable(f"{kind.__name__} of {len(value)} items")
    if kind in (tuple, list):
        return kind(record(item, depth + 1) for item in value)
    if kind in (set, frozenset):
        if all(isinstance(item, bool | int | float | str | None) for item in value):
            return frozenset(record(item, depth + 1) for item in value)
        return Unrecordable(f"{kind.__name__} of tensors or objects")
    if isinstance(value, dict):
        items = list(dict.items(value))
        if all(isinstance(key, bool | int | float | str | None) for key, _ in items):
            return {record(key): record(item, depth + 1) for key, item in items}
    if isinstance(value, tuple):  # torch.return_types, named tuples
        return Unrecordable(f"{kind.__module__}.{kind.__qualname__}")
    return Unrecordable(type_name(kind))


def type_name(kind: type) -> str:
    """`Linear` for torch.nn's, `builtin method` for a method somebody forgot to call, ..."""
    return {
        "builtin_function_or_method": "method that was not called",
        "method": "method that was not called",
    }.get(kind.__name__, kind.__name__)


def _record_tensor(value: torch.Tensor) -> Plain:
    if type(value) not in (torch.Tensor, torch.nn.Parameter):
        return Unrecordable(f"{type(value).__name__}, a subclass of Tensor")
    with torch.no_grad():
        bare = _detach(value)
        if _is_sparse.__get__(bare) is not _DENSE:
            return Unrecordable("sparse tensor")
        if _numel(bare) > MAX_ELEMENTS:
            return Unrecordable(f"tensor of {_numel(bare)} elements")
        if bare.device == _meta:
            return bare
        plain = _resolve_neg(_resolve_conj(_cpu(bare)))
        return _clone(plain, memory_format=torch.contiguous_format)
