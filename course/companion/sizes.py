"""How large gradients are at each node of a backward pass: where a zero or a nan is born."""

from __future__ import annotations

import cmath
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from course.companion.calls import Pass

MOST_NODES = 4000
PASSES_ON = {
    f"{name}Backward{number}"
    for name in (
        *("Add", "Sub", "View", "UnsafeView", "T", "Unsqueeze", "Squeeze", "Transpose", "Permute"),
        *("Alias", "Clone", "Expand", "Reshape", "ReshapeAlias", "AsStrided", "Neg", "Stack"),
        *("Cat", "ToCopy"),
    )
    for number in range(3)
}
"""Nodes that hand a gradient on as it is, or make it neither zero nor nan."""

_SHARES = ("SoftmaxBackward0", "LogSoftmaxBackward0")

_LEAF = getattr(torch._C._functions, "AccumulateGrad")  # noqa: B009  (not in its stubs)

Size = tuple[Tensor, Tensor]
Sizes = dict[int, tuple[str, dict[int, Size | None]]]


class Measured:
    """Hooks on the nodes of a graph, for one backward pass; they change and keep nothing."""

    def __init__(self) -> None:
        self.sizes: Sizes = {}
        self.shares: dict[int, Size] = {}
        self._handles: list[Any] = []
        self._roots: tuple[int, ...] = ()
        self._broken = -1

    def begin(self, roots: Sequence[Tensor]) -> None:
        """Put a hook on every node that could give birth to a zero or a nan."""
        starts = [root.grad_fn for root in roots if root.grad_fn is not None]
        self._roots = tuple(node._sequence_nr() for node in starts)
        if torch._C._len_torch_dispatch_stack() or any(type(root) is not Tensor for root in roots):
            return
        self._broken = first_broken(roots)
        hook_of = self._unseen if torch._C._len_torch_function_stack() else self._hook
        for node, edges in _inner_edges(starts):
            name = type(node).__name__
            if name in _SHARES and (shares := size_of(_result_of(node))) is not None:
                self.shares[node._sequence_nr()] = shares
            if name not in PASSES_ON:
                hook = hook_of(node._sequence_nr(), name, edges)
                self._handles.append(node.register_hook(hook))

    def end(self) -> None:
        """Take every hook away."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def as_pass(self, kept: bool, made: tuple[int, int] = (0, 0)) -> Pass:
        """The pass that ran, and the numbers of the nodes that were made during it."""
        last = made[0] - 1
        return Pass(self._roots, self.sizes, last, kept, self._broken, self.shares, made)

    def _hook(self, number: int, name: str, edges: tuple[int, ...]) -> Any:
        sizes = self.sizes

        def measured(going_out: tuple[Any, ...], came_in: tuple[Any, ...]) -> None:
            if len(edges) == 1:
                sizes[number] = (name, {edges[0]: size_of(going_out[edges[0]])})
            else:
                sizes[number] = (name, {edge: size_of(going_out[edge]) for edge in edges})

        return measured

    def _unseen(self, number: int, name: str, edges: tuple[int, ...]) -> Any:
        measured = self._hook(number, name, edges)

        def unseen(going_out: tuple[Any, ...], came_in: tuple[Any, ...]) -> None:
            with torch._C.DisableTorchFunction():
                measured(going_out, came_in)

        return unseen


def with_results(about: Pass, roots: Sequence[Tensor], kwargs: dict[str, Any], out: Any) -> Pass:
    """A pass with the sizes of the gradients that it returned, if it recorded itself."""
    created = bool(kwargs.get("create_graph"))
    if created and any(not root.is_cpu for root in roots):
        return replace(about, elsewhere=True)
    if about.made[0] == about.made[1] or not isinstance(out, tuple):
        return about
    return replace(about, given=tuple(size_of(one) for one in out))


def first_broken(roots: Sequence[Tensor]) -> int:
    """The number of the first node that made a nan or an inf, if a root is one; else -1."""
    for root in roots:
        if root.grad_fn is None or root.numel() != 1 or not root.is_cpu:
            continue
        if cmath.isfinite(root.item()):
            continue
        for node in sorted(nodes([root.grad_fn], MOST_NODES), key=lambda one: one._sequence_nr()):
            if any(not bool(torch.isfinite(one).all()) for one in _results(node)):
                return int(node._sequence_nr())
        return int(root.grad_fn._sequence_nr())
    return -1


def _result_of(node: Any) -> Tensor | None:
    """What a node saved of its result; None if that is freed or was edited."""
    try:
        return getattr(node, "_saved_result", None)
    except RuntimeError:
        return None


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
            again = _FROM_SAVED.get((type(node).__name__, name))
            if again is not None:
                found.append(again(found[-1]))
    return found


_FROM_SAVED = {
    ("LogBackward0", "_saved_self"): torch.log,
    ("Log2Backward0", "_saved_self"): torch.log2,
    ("Log10Backward0", "_saved_self"): torch.log10,
    ("Log1PBackward0", "_saved_self"): torch.log1p,
    ("AcosBackward0", "_saved_self"): torch.acos,
    ("AsinBackward0", "_saved_self"): torch.asin,
    ("DivBackward0", "_saved_other"): torch.reciprocal,
}
"""Nodes that save what they were given: by it, whether their result is finite."""


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


def size_of(gradient: Any) -> Size | None:
    """The smallest and the largest entry, as tensors that nobody waits for; None without any."""
    if type(gradient) is not Tensor or gradient.layout is not torch.strided:
        return None
    if not gradient.is_floating_point() or not gradient.numel():
        return None
    # In torch 2.13 on the CPU linalg.vector_norm(x, inf) takes several times as long.
    extremes: Size = torch.aminmax(gradient.detach() if gradient.requires_grad else gradient)
    return extremes


def largest(size: Size) -> float:
    """The largest absolute entry; nan if one is nan."""
    low, high = size
    return float(max(high.item(), -low.item()))


def _inner_edges(starts: Iterable[Any]) -> list[tuple[Any, tuple[int, ...]]]:
    """Every node with edges that lead on into the graph, and those edges.

    Of an edge to a leaf, its .grad tells the size. That of a Linear layer is transposed first.
    """
    inner = []
    seen = set(starts)
    ahead = list(seen)
    for node in ahead:
        edges = []
        for edge, (below, _) in enumerate(node.next_functions):
            kind = type(below)
            if below is None or kind is _LEAF:
                continue
            if kind.__name__ == "TBackward0" and type(below.next_functions[0][0]) is _LEAF:
                continue
            edges.append(edge)
            if below not in seen:
                seen.add(below)
                ahead.append(below)
        if edges:
            inner.append((node, tuple(edges)))
        if len(ahead) > MOST_NODES:
            break
    return inner
