"""How a tensor made from x looks at memory, as plain data read from the real tensor."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Looked:
    """One tensor ``made`` from x.

    ``entries`` are its numbers in the order of their indices, ``cells`` the cell of its storage in
    which each of them lies. ``memory`` holds the numbers of x's storage, and ``own`` those of the
    tensor's storage if that is another one: a copy. ``sources`` are then the cells of x that each
    entry was copied from. ``gradient`` is what reaches each cell of x where 1 arrives at every
    entry.
    """

    made: str
    shape: tuple[int, ...]
    offset: int
    strides: tuple[int, ...]
    entries: tuple[float, ...]
    cells: tuple[int, ...]
    memory: tuple[float, ...]
    own: tuple[float, ...]
    sources: tuple[int, ...]
    gradient: tuple[float, ...]

    @property
    def is_copy(self) -> bool:
        """Whether the tensor has a storage of its own."""
        return bool(self.own)

    def indices(self) -> list[tuple[int, ...]]:
        """The index of every entry, the last axis fastest."""
        return list(itertools.product(*map(range, self.shape)))


def look(x: Tensor, made: str) -> Looked:
    """Evaluate the text ``made`` on a contiguous copy of ``x``, and look where its entries lie.

    Raises:
        ValueError: if it does not move the numbers of x alone, or makes none.
        Exception: what the text raises.
    """
    leaf = torch.arange(x.numel(), dtype=torch.float64).reshape(x.shape).requires_grad_()
    numbers = x.detach().double().flatten()
    result = eval(made, {"x": leaf, "torch": torch})
    if not isinstance(result, Tensor) or not result.requires_grad or result.numel() == 0:
        raise ValueError(f"{made} makes no tensor of numbers from x")
    found = result.detach()
    sources = tuple(int(cell) for cell in found.flatten())
    (gradient,) = torch.autograd.grad(result, leaf, torch.ones_like(result))
    counts = [float(sources.count(cell)) for cell in range(x.numel())]
    if found.ne(found.round()).any() or gradient.flatten().tolist() != counts:
        raise ValueError(f"{made} computes new numbers, and does not only move those of x")
    shared = found.untyped_storage().data_ptr() == leaf.untyped_storage().data_ptr()
    return Looked(
        made,
        tuple(found.shape),
        int(found.storage_offset()),
        tuple(found.stride()),
        tuple(numbers[list(sources)].tolist()),
        tuple(_cells(found)),
        tuple(numbers.tolist()),
        () if shared else tuple(numbers[_whole_storage(found).long()].tolist()),
        sources,
        tuple(counts),
    )


def _cells(t: Tensor) -> Iterator[int]:
    for index in itertools.product(*map(range, t.shape)):
        steps = sum(i * stride for i, stride in zip(index, t.stride(), strict=True))
        yield int(t.storage_offset()) + steps


def _whole_storage(t: Tensor) -> Tensor:
    """Everything that lies in the storage behind t, of shape (cells,)."""
    return t.as_strided((t.untyped_storage().nbytes() // t.element_size(),), (1,), 0)
