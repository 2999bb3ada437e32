"""Reads which tensors share memory: storages, offsets, strides, versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from course.widgets.frame.values import number
from course.widgets.graph.saved import class_name, saved_by
from course.widgets.graph.walk import is_leaf_node, reachable
from course.widgets.memory.model import Frame, Handle, Kind, SavedCopy, Strip

Tensor = torch.Tensor
MOST_CELLS = 16


@dataclass(frozen=True)
class _Saved:
    """A saved tensor as it was when it was first seen: its version, and a copy of its values."""

    node: Any
    tensor: Tensor
    name: str
    version: int
    values: Tensor


class MemoryReader:
    """Looks at tensors again and again, and calls the same storage and object the same each time.

    It holds on to what it has seen, so that no address is used twice while it looks.
    """

    def __init__(self) -> None:
        self._strips: dict[int, int] = {}  # the storage's address to its number
        self._objects: dict[int, Tensor] = {}
        self._saved: dict[tuple[int, str], _Saved] = {}

    def look(self, named: Mapping[str, Tensor], follow: bool = True) -> Frame:
        """What is in memory now; with ``follow``, what the graphs of these tensors saved too."""
        with torch.no_grad():
            handles = self._handles(named)
            saved = self._saved_by_graphs(named) if follow else ()
            present = {handle.strip for handle in handles} | {copy.strip for copy in saved}
            strips = (
                Strip(self._strips[address], _cells(tensor))
                for address, tensor in self._on_storages().items()
                if self._strips[address] in present
            )
            return Frame(tuple(sorted(strips, key=lambda s: s.number)), handles, saved)

    def _handles(self, named: Mapping[str, Tensor]) -> tuple[Handle, ...]:
        names: dict[int, list[str]] = {}
        for name, tensor in named.items():
            self._objects.setdefault(id(tensor), tensor)
            names.setdefault(id(tensor), []).append(name)
        return tuple(self._handle(key, tuple(called)) for key, called in names.items())

    def _handle(self, key: int, names: tuple[str, ...]) -> Handle:
        tensor = self._objects[key]
        return Handle(
            key,
            names,
            self._strip_of(tensor),
            _kind(tensor),
            class_name(tensor.grad_fn) if tensor.grad_fn is not None else "",
            tuple(tensor.shape),
            int(tensor.storage_offset()),
            tensor.stride(),
            _places(tensor),
            tensor._version,
        )

    def _strip_of(self, tensor: Tensor) -> int:
        address = tensor.untyped_storage().data_ptr()
        return self._strips.setdefault(address, len(self._strips) + 1)

    def _on_storages(self) -> dict[int, Tensor]:
        """One tensor for each storage, by address."""
        seen = [*self._objects.values(), *(one.tensor for one in self._saved.values())]
        return {tensor.untyped_storage().data_ptr(): tensor for tensor in reversed(seen)}

    def _saved_by_graphs(self, named: Mapping[str, Tensor]) -> tuple[SavedCopy, ...]:
        """What is saved now. A node's tensors are read once: an edited one cannot be read later."""
        roots = [tensor.grad_fn for tensor in named.values() if tensor.grad_fn is not None]
        nodes = [node for node in reachable(roots) if not is_leaf_node(node)]
        for node in sorted(nodes, key=lambda node: int(node._sequence_nr())):
            for kept in saved_by(node):
                key = (id(node), kept.argument)
                if kept.tensor is None or key in self._saved:
                    continue
                name = _name_of(kept.tensor, named)
                if not _is_number(kept.tensor, name):
                    values, version = kept.tensor.detach().clone(), kept.tensor._version
                    self._saved[key] = _Saved(node, kept.tensor, name, version, values)
        present = {id(node) for node in nodes}
        items = self._saved.items()
        return tuple(self._copy(key, one) for key, one in items if key[0] in present)

    def _copy(self, key: tuple[int, str], one: _Saved) -> SavedCopy:
        return SavedCopy(
            key,
            class_name(one.node),
            one.name,
            self._strip_of(one.tensor),
            one.version,
            one.tensor._version,
            changed=not torch.equal(one.tensor.detach(), one.values),
        )


def _is_number(saved: Tensor, name: str) -> bool:
    """A plain number of the program, which torch wraps into a tensor: ``2`` in ``2 * x``."""
    return not name and saved.dim() == 0 and not saved.requires_grad


def _kind(tensor: Tensor) -> Kind:
    if not tensor.requires_grad:
        return "constant"
    return "leaf" if tensor.is_leaf else "tensor"


def _name_of(saved: Tensor, named: Mapping[str, Tensor]) -> str:
    """The name of the tensor that was saved: the same leaf, or the same output of one node."""
    for name, tensor in named.items():
        if tensor is saved:
            return name
        same = tensor.grad_fn is not None and tensor.grad_fn is saved.grad_fn
        if same and tensor.output_nr == saved.output_nr:
            return name
    return ""


def _places(tensor: Tensor) -> tuple[int, ...]:
    """For each element the cell of the storage that holds it."""
    places = torch.tensor(tensor.storage_offset())
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        places = places[..., None] + torch.arange(min(size, MOST_CELLS)) * stride
    return tuple(places.flatten().tolist())


def _cells(tensor: Tensor) -> tuple[str, ...]:
    """Every element of the storage behind ``tensor``, as a picture shows it."""
    storage = tensor.untyped_storage()
    count = storage.nbytes() // tensor.element_size()
    whole = tensor.detach().as_strided((min(count, MOST_CELLS),), (1,), 0)
    values = [number(value) for value in whole.tolist()]
    return tuple(values if count <= MOST_CELLS else [*values, f"… {count - MOST_CELLS} more"])
