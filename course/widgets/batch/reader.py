"""What a DataLoader does in two epochs, noted while a twin of it reads the real dataset."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
)

EPOCHS = 2


@dataclass(frozen=True)
class Batch:
    """The numbers that were read for one batch, in their order, and what collate made of them."""

    numbers: tuple[int, ...]
    shapes: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """One epoch of one loader.

    ``order`` is what the sampler gave, ``batches`` what was read of it. ``rank`` is None where one
    loader reads alone. ``told`` is the epoch that was handed to the sampler, if it takes one.
    """

    epoch: int
    rank: int | None
    order: tuple[int, ...]
    batches: tuple[Batch, ...]
    told: int | None = None


@dataclass(frozen=True)
class Plan:
    """Two epochs of a loader, or of several that share one dataset of ``count`` samples."""

    name: str
    sampler: str
    count: int
    readings: tuple[Reading, ...]


def record(loaders: Sequence[DataLoader[Any]]) -> Plan:
    """Read two epochs of each loader, and leave loader, sampler and random states as they were.

    Raises:
        TypeError: if a loader has no batch sampler that cuts the numbers of a sampler.
    """
    for loader in loaders:
        stream = isinstance(loader.dataset, IterableDataset)
        if stream or not isinstance(loader.batch_sampler, BatchSampler):
            raise TypeError("this picture shows loaders that cut a sampler's numbers into batches")
    readings = []
    with torch.random.fork_rng(devices=()), _states_kept(loaders):
        for epoch in range(1, EPOCHS + 1):
            for rank, loader in enumerate(loaders):
                readings.append(_epoch(loader, epoch, rank if len(loaders) > 1 else None))
    first = loaders[0]
    return Plan(_name(loaders), _kind(first), len(first.dataset), tuple(readings))  # type: ignore[arg-type]


@contextmanager
def _states_kept(loaders: Sequence[DataLoader[Any]]) -> Iterator[None]:
    """Put back what reading moves: the state of generators, the epoch of samplers."""
    samplers = [_sampler(loader) for loader in loaders]
    generators = {
        id(g): g
        for one in (*loaders, *samplers)
        if isinstance(g := getattr(one, "generator", None), torch.Generator)
    }
    before = {key: g.get_state() for key, g in generators.items()}
    epochs = [getattr(sampler, "epoch", None) for sampler in samplers]
    try:
        yield
    finally:
        for key, state in before.items():
            generators[key].set_state(state)
        for sampler, epoch in zip(samplers, epochs, strict=True):
            if epoch is not None:
                sampler.set_epoch(epoch)


def _sampler(loader: DataLoader[Any]) -> Any:
    return loader.batch_sampler.sampler  # type: ignore[union-attr]


class _Noting:
    """A sampler or a dataset that notes which numbers pass."""

    def __init__(self, source: Any) -> None:
        self.source, self.seen = source, list[int]()

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[int]:
        for number in self.source:
            self.seen.append(int(number))
            yield number

    def __getitem__(self, number: int) -> Any:
        self.seen.append(int(number))
        return self.source[number]


def _epoch(loader: DataLoader[Any], epoch: int, rank: int | None) -> Reading:
    """One epoch, read by a twin of the loader without workers."""
    sampler = _sampler(loader)
    told = epoch - 1 if hasattr(sampler, "set_epoch") else None
    if told is not None:
        sampler.set_epoch(told)
    order, items = _Noting(sampler), _Noting(loader.dataset)
    dataset: Any = items
    cut: Any = copy.copy(loader.batch_sampler)
    cut.sampler = order
    twin: DataLoader[Any] = DataLoader(
        dataset,
        batch_sampler=cut,
        collate_fn=loader.collate_fn,
        generator=loader.generator,
    )
    batches = []
    for made in twin:
        batches.append(Batch(tuple(items.seen), tuple(_shapes(made))))
        items.seen = []
    return Reading(epoch, rank, tuple(order.seen), tuple(batches), told)


def _shapes(made: Any) -> Iterable[str]:
    """The shapes of the tensors of a batch, or what else it holds."""
    parts = made if isinstance(made, tuple | list) else [made]
    for part in parts:
        yield str(tuple(part.shape)) if isinstance(part, torch.Tensor) else type(part).__name__


def _kind(loader: DataLoader[Any]) -> str:
    return type(_sampler(loader)).__name__


def _name(loaders: Sequence[DataLoader[Any]]) -> str:
    """What a choice is called: how the order comes about, and how it is cut."""
    loader = loaders[0]
    kinds = {RandomSampler: "shuffle=True", SequentialSampler: "in order"}
    parts = [kinds.get(type(_sampler(loader)), _kind(loader)), f"batches of {loader.batch_size}"]
    parts += ["drop_last=True"] if loader.drop_last else []
    parts += [f"{len(loaders)} ranks"] if len(loaders) > 1 else []
    return ", ".join(parts)
