"""How large gradients are at each node of a backward pass: where a zero or a nan is born."""

from __future__ import annotations

import cmath
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from course.companion.record import by_hand, spoiled
from course.companion.record.calls import Pass, Record
from course.companion.record.saved import results, saved, why

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

_SHARES = {
    **dict.fromkeys(("SoftmaxBackward0", "LogSoftmaxBackward0"), "_saved_result"),
    **{
        f"{one}NormBackward0": "_saved_weight"
        for one in ("NativeBatch", "CudnnBatch", "MiopenBatch", "NativeLayer", "NativeGroup")
    },
}
"""What is read of a node beside its gradients: a softmax's result, a normalization's weight."""

_LEAF = getattr(torch._C._functions, "AccumulateGrad")  # noqa: B009  (not in its stubs)
_BY_HAND = torch.autograd.function.BackwardCFunction

Size = tuple[Tensor, Tensor]
Sizes = dict[int, tuple[str, dict[int, Size | None]]]
NOTHING: Size = (torch.zeros(()), torch.zeros(()))
"""The size of a gradient that a custom Function did not give: None was returned in its place."""


class Measured:
    """Hooks on the nodes of a graph, for one backward pass; they change and keep nothing."""

    def __init__(self) -> None:
        self.sizes: Sizes = {}
        self.shares: dict[int, Size] = {}
        self.arrived: dict[int, Size] = {}
        self.by_hand: dict[int, tuple[Any, Size | None]] = {}
        self.last_nodes: dict[int, str] = {}
        self.by_leaf: dict[int, dict[int, int]] = {}
        self.unrecorded: dict[int, tuple[Any, str, bool]] = {}
        self._handles: list[Any] = []
        self._roots: tuple[int, ...] = ()
        self._broken, self._stale = -1, False
        self._broken_by = ("", 0, 0)
        self._spoiled: int | None = None

    def begin(self, roots: Sequence[Tensor], record: Record | None = None) -> None:
        """Put a hook on every node that could give birth to a zero or a nan."""
        hooked = record.hooked if record is not None else ()
        starts = [root.grad_fn for root in roots if root.grad_fn is not None]
        self._roots = tuple(node._sequence_nr() for node in starts)
        if torch._C._len_torch_dispatch_stack() or any(type(root) is not Tensor for root in roots):
            return
        self._broken = first_broken(roots, record)
        if self._broken >= 0:
            self._stale = _are_leaves_broken(roots)
            self._broken_by = _broken_by(roots, self._broken)
            self._spoiled = spoiled.given(record, self._broken) if record is not None else None
        hook_of = self._unseen if torch._C._len_torch_function_stack() else self._hook
        for node, edges, several in _inner_edges(starts):
            name = type(node).__name__
            share = saved(node, _SHARES[name]) if name in _SHARES else None
            if (shares := size_of(share)) is not None:
                self.shares[node._sequence_nr()] = shares
            both = several or node._sequence_nr() in hooked
            if both or (edges and (name not in PASSES_ON or _makes_halves(name, node))):
                hook = hook_of(node, edges, both)
                self._handles.append(node.register_hook(hook))
            if not edges and name not in PASSES_ON:
                self.last_nodes[node._sequence_nr()] = name
            elif isinstance(node, _BY_HAND):
                self.by_leaf[node._sequence_nr()] = _leaves_of(node)
            if isinstance(node, _BY_HAND) and record is not None:
                self.unrecorded |= by_hand.kept(node, record)

    def end(self) -> None:
        """Take every hook away."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def as_pass(self, kept: bool, made: tuple[int, int] = (0, 0)) -> Pass:
        """The pass that ran, and the numbers of the nodes that were made during it."""
        last = made[0] - 1
        return Pass(
            self._roots,
            self.sizes,
            last,
            kept,
            self._broken,
            shares=self.shares,
            made=made,
            arrived=self.arrived,
            by_hand=self.by_hand,
            is_stale=self._stale,
            broken_by=self._broken_by,
            spoiled=self._spoiled,
            last_nodes=self.last_nodes,
            by_leaf=self.by_leaf,
            unrecorded=self.unrecorded,
        )

    def _hook(self, node: Any, edges: tuple[int, ...], several: bool) -> Any:
        sizes, arrived = self.sizes, self.arrived
        number, name = node._sequence_nr(), type(node).__name__
        function = getattr(type(node), "_forward_cls", None)  # of a custom Function
        size_out = _size_or_nothing if function is not None else size_of

        def measured(going_out: tuple[Any, ...], came_in: tuple[Any, ...]) -> None:
            if len(edges) == 1:
                sizes[number] = (name, {edges[0]: size_out(going_out[edges[0]])})
            else:
                sizes[number] = (name, {edge: size_out(going_out[edge]) for edge in edges})
            if function is not None:
                self.by_hand[number] = (function, size_of(came_in[0]))
            if several and (size := size_of(came_in[0])) is not None:
                arrived[number] = size

        return measured

    def _unseen(self, node: Any, edges: tuple[int, ...], several: bool) -> Any:
        measured = self._hook(node, edges, several)

        def unseen(going_out: tuple[Any, ...], came_in: tuple[Any, ...]) -> None:
            with torch._C.DisableTorchFunction():
                measured(going_out, came_in)

        return unseen


def first_broken(roots: Sequence[Tensor], record: Record | None = None) -> int:
    """The number of the first node that made a nan or an inf, if a root is one; else -1.

    A node tells by what it saved, and a result that is still alive by itself.
    """
    for root in roots:
        if root.grad_fn is None or root.numel() != 1 or not root.is_cpu:
            continue
        if cmath.isfinite(root.item()):
            continue
        graph = nodes([root.grad_fn], MOST_NODES)
        alive = [one for one in (record.alive() if record is not None else ()) if one.is_cpu]
        numbers = [
            int(node._sequence_nr())
            for one in alive
            if (node := one.grad_fn) is not None and node in graph and _is_broken(one.detach())
        ]
        numbers += [
            int(one._sequence_nr()) for one in graph if not all(map(_is_finite, results(one)))
        ]
        return min(numbers, default=int(root.grad_fn._sequence_nr()))
    return -1


def _are_leaves_broken(roots: Sequence[Tensor]) -> bool:
    """Whether a leaf that requires grad is nan or inf before any backward pass."""
    graph = nodes([root.grad_fn for root in roots if root.grad_fn is not None], MOST_NODES)
    leaves = (node.variable.detach() for node in graph if type(node) is _LEAF)
    return not all(map(_is_finite, leaves))


def _is_broken(values: Tensor) -> bool:
    """Whether nan or inf is among them; -inf alone is what a mask is filled with."""
    return bool((torch.isnan(values) | torch.isposinf(values)).any())


def _is_finite(values: Tensor) -> bool:
    return bool(torch.isfinite(values).all())


def _broken_by(roots: Sequence[Tensor], number: int) -> tuple[str, int, int]:
    """What the node was given that made a nan or an inf first."""
    graph = nodes([root.grad_fn for root in roots if root.grad_fn is not None], MOST_NODES)
    found = (one for one in graph if type(one) is not _LEAF and one._sequence_nr() == number)
    return next(map(why, found), ("", 0, 0))


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


def _size_or_nothing(gradient: Any) -> Size | None:
    return NOTHING if gradient is None else size_of(gradient)


def largest(size: Size) -> float:
    """The largest absolute entry; nan if one is nan."""
    low, high = size
    return float(max(high.item(), -low.item()))


def _inner_edges(starts: Iterable[Any]) -> list[tuple[Any, tuple[int, ...], bool]]:
    """Every node with edges that lead on into the graph, those edges, and whether several lead in.

    Of an edge to a leaf, its .grad tells the size. That of a Linear layer is transposed first.
    A custom Function may give None there.
    """
    inner = []
    ahead = list(dict.fromkeys(starts))
    seen = set(ahead)
    several: set[Any] = set()
    outputs: set[Any] = set()
    """What hands on more than its first result."""
    for node in ahead:
        edges = []
        for edge, (below, number) in enumerate(node.next_functions):
            kind = type(below)
            if below is None or (kind is _LEAF and not isinstance(node, _BY_HAND)):
                continue
            if kind.__name__ == "TBackward0" and type(below.next_functions[0][0]) is _LEAF:
                continue
            edges.append(edge)
            if number:
                outputs.add(below)
            if below in seen:
                several.add(below)
            elif kind is not _LEAF:
                seen.add(below)
                ahead.append(below)
        inner.append((node, tuple(edges)))
        if len(ahead) > MOST_NODES:
            break
    several -= outputs
    return [(node, edges, node in several) for node, edges in inner]


def _leaves_of(node: Any) -> dict[int, int]:
    """The leaves that a node's edges lead to, by id."""
    below = ((edge, one) for edge, (one, _) in enumerate(node.next_functions))
    return {edge: id(one.variable) for edge, one in below if type(one) is _LEAF}


def _makes_halves(name: str, node: Any) -> bool:
    """Whether a cast gives its gradient in float16, where small numbers become 0."""
    if not name.startswith("ToCopy"):
        return False
    below, number = node.next_functions[0]
    kinds = getattr(below, "_input_metadata", ())
    return number < len(kinds) and kinds[number].dtype is torch.float16
