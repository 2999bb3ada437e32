"""How large gradients are at each node of a backward pass: where a zero or a nan is born."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from course.companion.calls import Pass

MOST_NODES = 4000
_PASSES_ON = (
    "AccumulateGrad",
    "Add",
    "View",
    "T0",
    "TBackward",
    "UnsafeView",
    "Unsqueeze",
    "Squeeze",
    "Transpose",
    "Permute",
    "Alias",
    "Clone",
    "Expand",
    "Reshape",
    "AsStrided",
    "Neg",
    "Stack",
    "Cat",
)
"""Nodes that hand a gradient on as it is, or make it neither zero nor nan."""

_INFINITY = float("inf")
_norm = torch.linalg.vector_norm

Sizes = dict[int, tuple[str, tuple[Tensor | None, ...]]]


class Measured:
    """Hooks on the nodes of a graph, for one backward pass; they change and keep nothing."""

    def __init__(self) -> None:
        self.sizes: Sizes = {}
        self._handles: list[Any] = []
        self._roots: tuple[int, ...] = ()
        self._broken = -1

    def begin(self, roots: Sequence[Tensor]) -> None:
        """Put a hook on every node that could give birth to a zero or a nan."""
        starts = [root.grad_fn for root in roots if root.grad_fn is not None]
        self._roots = tuple(node._sequence_nr() for node in starts)
        self._broken = first_broken(roots)
        if torch._C._len_torch_dispatch_stack() or any(type(root) is not Tensor for root in roots):
            return
        for node in nodes(starts, MOST_NODES):
            name = node.name()
            if not name.startswith(_PASSES_ON):
                self._handles.append(node.register_hook(self._hook(node._sequence_nr(), name)))

    def end(self) -> None:
        """Take every hook away."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def as_pass(self, last: int, kept: bool) -> Pass:
        """The pass that is about to begin; its sizes fill while it runs."""
        return Pass(self._roots, self.sizes, last, kept, self._broken)

    def _hook(self, number: int, name: str) -> Any:
        sizes = self.sizes

        def seen(going_out: tuple[Any, ...], came_in: tuple[Any, ...]) -> None:
            with torch._C.DisableTorchFunction():
                sizes[number] = (name, _sizes(going_out))

        return seen


def first_broken(roots: Sequence[Tensor]) -> int:
    """The number of the first node that made a nan or an inf, if a root is one; else -1."""
    for root in roots:
        if root.grad_fn is None or root.device.type != "cpu" or root.numel() != 1:
            continue
        if math.isfinite(root.detach().sum().item().real):
            continue
        for node in sorted(nodes([root.grad_fn], MOST_NODES), key=lambda one: one._sequence_nr()):
            if any(not bool(torch.isfinite(one).all()) for one in _results(node)):
                return int(node._sequence_nr())
        return int(root.grad_fn._sequence_nr())
    return -1


def _results(node: Any) -> list[Tensor]:
    """What a node saved of its result."""
    found = []
    for name in ("_saved_result", "_saved_self", "_saved_other", "_saved_result0"):
        try:
            value = getattr(node, name, None)
        except RuntimeError:  # freed, or edited in place
            continue
        if isinstance(value, Tensor):
            found.append(value.detach())
    return found


def nodes(starts: Iterable[Any], most: int | None = None) -> list[Any]:
    """Every node that is reached from some, each once, breadth first."""
    found = dict.fromkeys(starts)
    ahead = list(found)
    for node in ahead:
        for below, _ in node.next_functions:
            if below is not None and below not in found:
                found[below] = None
                ahead.append(below)
        if most is not None and len(ahead) > most:
            break
    return ahead


def _sizes(gradients: Iterable[Tensor | None]) -> tuple[Tensor | None, ...]:
    """The largest absolute entry of each, as a tensor that nobody has to wait for."""
    found: list[Tensor | None] = []
    for one in gradients:
        if type(one) is Tensor and one.layout is torch.strided and one.is_floating_point():
            found.append(_norm(one.detach(), _INFINITY) if one.numel() else None)
        else:
            found.append(None)
    return tuple(found)
