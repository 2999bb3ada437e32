"""What one call did, as plain data: the only thing that is ever compared.

Tensors are read through descriptors captured when this module is imported, before any learner's
code runs, so that a patched attribute or a tensor subclass cannot answer for the real tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from grader.engine.state import no_inference
from grader.engine.text import plain_text, type_name

Plain = Any
"""None, bool, int, float, complex, str, an exact detached CPU tensor, Unrecordable, or a tuple,
list, set, frozenset or dict of these."""

MAX_BYTES = 32 * 1024 * 1024
MAX_ITEMS = 20_000
MAX_CHARACTERS = 200_000
MAX_DEPTH = 12
MAX_NUMBERED = 2_000
"""What one observation may hold: bytes of tensors, values in all, characters of text, nesting, and
numbers that stand in sets or name entries of dicts: whoever chooses those has all of them meet in
one place of a hash table, whose time then grows with their square."""

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.complex64,
        torch.complex128,
    )
}
"""The dtypes a recorded tensor may have, by name."""
_DTYPES = frozenset(DTYPES.values())

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
_storage, _numel = _T.untyped_storage, _T.numel
_layout_of, _dtype_of = _T.layout.__get__, _T.dtype.__get__
_is_nested, _is_meta = _T.is_nested.__get__, _T.is_meta.__get__
_module_of = vars(type)["__module__"].__get__


@dataclass(frozen=True)
class Unrecordable:
    """A value that is neither a tensor nor plain data, known by its type's name alone."""

    type_name: str


IN_TEXT = " of the text that was run"
"""How the line of an error ends that a text raised and not a function."""


@dataclass(frozen=True)
class Raised:
    """An exception: its type's name, whether Python or torch defines it, its text, and the line.

    `by_learner` says that it came out of the answer, `own_raise` that a `raise` of the answer's own
    raised it, and not a library it called.
    """

    type_name: str
    message: str
    known_type: bool = True
    by_learner: bool = True
    line: str = ""
    own_raise: bool = False

    @property
    def in_text(self) -> bool:
        """Whether a line raised it of a text that the answer ran, by exec or eval."""
        return self.line.endswith(IN_TEXT)


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
    >>> named(None, "dx", "dw")
    {'answer': None}
    """
    if len(names) > 1 and is_sequence(type(result)):
        base: Any = tuple if issubclass(type(result), tuple) else list
        if base.__len__(result) == len(names):
            return dict(zip(names, base.__iter__(result), strict=True))
    return {names[0] if len(names) == 1 else "answer": result}


def is_sequence(kind: type) -> bool:
    """Whether values of a type are read as a tuple or list: not torch's pairs (`x.max(0)`)."""
    return issubclass(kind, list | tuple) and _module_of(kind) != "torch.return_types"


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


def gradient(y: Any, x: torch.Tensor, v: torch.Tensor) -> torch.Tensor | None:
    """What a pass that starts from v at y brings to x, or None if it does not get there."""
    if not isinstance(y, torch.Tensor) or not y.requires_grad or not x.requires_grad:
        return None
    if y.shape != v.shape:
        return None
    (grad,) = torch.autograd.grad(y, x, v, retain_graph=True, allow_unused=True)
    return grad


def record(value: Any) -> Plain:
    """Turn a value into plain data that shares no memory with it, and runs none of its code.

    Tensors become exact, detached, contiguous CPU tensors; what is no plain data, and what exceeds
    the limits above, becomes Unrecordable.
    """
    return record_all({"": value})[""]


def record_all(values: Mapping[str, Any]) -> dict[str, Plain]:
    """Record named values, all within one set of limits."""
    recorder = _Recorder()
    with no_inference(), torch.no_grad():
        return {name: recorder.record(value, 0) for name, value in values.items()}


class _Recorder:
    """Records values until the limits of one observation are used up."""

    def __init__(self) -> None:
        self.items, self.bytes, self.characters = MAX_ITEMS, MAX_BYTES, MAX_CHARACTERS
        self.numbered = MAX_NUMBERED

    def record(self, value: Any, depth: int) -> Plain:
        self.items -= 1
        if self.items < 0:
            return Unrecordable("value beyond the limit of what is compared")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if issubclass(kind, torch.Tensor):
            return self._tensor(value, kind)
        if issubclass(kind, int | float | complex | str):
            return self._scalar(value, kind)
        if depth >= MAX_DEPTH:
            return Unrecordable(f"{type_name(kind)} nested too deeply")
        return self._container(value, kind, depth + 1)

    def _take(self, what: str, amount: int) -> bool:
        """Use up some of a limit, if as much is left."""
        left = getattr(self, what) - amount
        if left >= 0:
            setattr(self, what, left)
        return bool(left >= 0)

    def _scalar(self, value: Any, kind: type) -> Plain:
        if issubclass(kind, str):
            whole = str.__str__(value)
            fits = self._take("characters", len(whole))
            return plain_text(whole) if fits else Unrecordable("very long text")
        if issubclass(kind, int):
            bits = int.bit_length(value)
            fits = bits < 4096 and self._take("characters", bits // 4)
            return int.__int__(value) if fits else Unrecordable("huge int")
        if issubclass(kind, float):
            return float.__float__(value)
        return complex.__complex__(value)

    def _container(self, value: Any, kind: type, depth: int) -> Plain:
        if is_sequence(kind):
            base: Any = tuple if issubclass(kind, tuple) else list
            if base.__len__(value) > self.items:
                return Unrecordable(f"{base.__name__} of {base.__len__(value)} items")
            items = list(base.__iter__(value))
            return base(self._texts(items) or [self.record(item, depth) for item in items])
        if kind in (set, frozenset):
            if len(value) > self.items or not self._are_keys(value):
                return Unrecordable(f"{kind.__name__} of tensors, objects, or very many items")
            return frozenset(self.record(item, depth) for item in value)
        if issubclass(kind, dict):
            if dict.__len__(value) * 2 > self.items or not self._are_keys(dict.keys(value)):
                return Unrecordable("dict with keys that are no text or numbers, or very many")
            items = list(dict.items(value))
            return {self.record(k, depth): self.record(v, depth) for k, v in items}
        return Unrecordable(type_name(kind))

    def _are_keys(self, items: Iterable[Any]) -> bool:
        """Whether all of these may be keys, and are not too many."""
        kinds = [type(item) for item in items if _is_key(item)]
        numbered = sum(not issubclass(kind, str) for kind in kinds)
        return len(kinds) == len(list(items)) and self._take("numbered", numbered)

    def _texts(self, items: list[Any]) -> list[str] | None:
        """Many plain texts at once: the names of a deep graph are thousands."""
        if set(map(type, items)) != {str}:
            return None
        if not (all(map(str.isascii, items)) and self._take("characters", sum(map(len, items)))):
            return None
        self.items -= len(items)
        return items

    def _tensor(self, value: torch.Tensor, kind: type) -> Plain:
        if kind not in (torch.Tensor, torch.nn.Parameter):
            return Unrecordable(f"{type_name(kind)}, a subclass of Tensor")
        layout, dtype = _layout_of(value), _dtype_of(value)
        if _is_nested(value) or layout is not torch.strided:
            word = "nested" if _is_nested(value) else str(layout).removeprefix("torch.")
            return Unrecordable(f"{word} tensor".replace("_", " "))
        if dtype not in _DTYPES:
            return Unrecordable(f"tensor of dtype {str(dtype).removeprefix('torch.')}")
        bare = _detach(value)
        if _is_meta(bare):
            return bare
        if not self._take("bytes", _numel(bare) * dtype.itemsize):
            return Unrecordable(f"tensor of {_numel(bare)} elements, more than are compared")
        plain = _resolve_neg(_resolve_conj(_cpu(bare)))
        return _clone(plain, memory_format=torch.contiguous_format)


def _is_key(value: Any) -> bool:
    return value is None or issubclass(type(value), int | float | str)
