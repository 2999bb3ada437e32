"""How much of what was computed is kept for the backward pass."""

from __future__ import annotations

import gc
import weakref

import torch


class Kept:
    """Remembers results without keeping them, and counts those whose memory is still in use.

    Hooks on saved tensors would see less: of several that are on, torch calls the innermost alone,
    and an answer may have its own. Memory that is in use is kept by somebody, in whatever way.
    """

    def __init__(self) -> None:
        self._results: list[tuple[weakref.ref[torch.UntypedStorage], int]] = []

    def note(self, result: torch.Tensor) -> None:
        """Remember a result: modules of an exercise hand over what passes through them."""
        self._results.append((weakref.ref(result.untyped_storage()), result.numel()))

    @property
    def noted(self) -> int:
        """How many entries the results had."""
        return sum(entries for _, entries in self._results)

    def entries(self, besides: object = None) -> int:
        """How many of them are still in memory, not counting that of the tensor `besides`."""
        if self._alive(besides):
            gc.collect(1)  # what only a cycle of young objects holds is not kept for anything
        return self._alive(besides)

    def _alive(self, besides: object) -> int:
        own = besides.untyped_storage() if isinstance(besides, torch.Tensor) else None
        alive = ((storage(), entries) for storage, entries in self._results)
        return sum(entries for one, entries in alive if one is not None and one is not own)
