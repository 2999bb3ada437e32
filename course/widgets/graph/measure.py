"""One real backward pass, watched node by node, that leaves the learner's graph as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.autograd.graph import GradientEdge

from course.widgets.frame.values import Value
from course.widgets.graph.model import Pass, Ran, Send
from course.widgets.graph.rules import Operands, how
from course.widgets.graph.walk import is_leaf_node, reachable

Tensor = torch.Tensor


@dataclass
class Wiring:
    """How nodes map to boxes: ``box[node]``, ``edge[node, slot]``, operands for the words."""

    box: Mapping[Any, int]
    edge: Mapping[tuple[Any, int], int]
    kept: Mapping[Any, Mapping[str, Any]]
    words: Mapping[Any, Mapping[str, str]]
    retained: Sequence[Tensor]


@dataclass
class _Watch:
    """What the hooks write down while the engine runs."""

    wiring: Wiring
    expected: Counter[Any]
    turns: list[Ran] = field(default_factory=list)
    arrived: Counter[Any] = field(default_factory=Counter)
    buffers: dict[tuple[Any, int], Tensor] = field(default_factory=dict)

    def operation(self, node: Any, sent: Sequence[Any], received: Sequence[Any]) -> None:
        """After ``node`` ran: ``received`` per output, ``sent`` per input slot."""
        hook = self._compare(node, received)
        sends = []
        for slot, (following, output) in enumerate(node.next_functions):
            if following is not None:
                gradient = sent[slot] if slot < len(sent) else None
                sends.append(self._send(node, slot, following, output, gradient, received))
        values = tuple(None if g is None else Value.of(g) for g in received)
        self.turns.append(Ran(self.wiring.box[node], values, tuple(sends), hook))

    def leaf(self, node: Any, gradient: Tensor | None) -> None:
        """When the engine reaches the leaf behind ``node`` with the sum of what was sent to it.

        It comes with None where nothing was sent, as from the node of a count of nonzero entries.
        """
        if gradient is None:
            return
        hook = self._compare(node, (gradient,))
        self.turns.append(Ran(self.wiring.box[node], (Value.of(gradient),), (), hook))

    def _send(
        self,
        node: Any,
        slot: int,
        following: Any,
        output: int,
        gradient: Tensor | None,
        received: Sequence[Tensor | None],
    ) -> Send:
        self.arrived[following] += 1
        text, factor, total = "", "", self.buffers.get((following, output))
        if gradient is not None:
            meta = following._input_metadata[output]
            # The engine sums away what broadcasting had stretched, after the node's own hooks.
            reduced = gradient.detach()
            if tuple(reduced.shape) != tuple(meta.shape):
                reduced = reduced.sum_to_size(tuple(meta.shape))
            reduced = reduced.to(meta.dtype)
            total = reduced if total is None else total + reduced
            self.buffers[following, output] = total
            text, factor = self._how(node, slot, received, reduced)
            gradient = reduced
        return Send(
            edge=self.wiring.edge[node, slot],
            value=None if gradient is None else Value.of(gradient),
            how=text,
            factor=factor,
            total=None if total is None else Value.of(total),
            arrived=self.arrived[following],
            expected=self.expected[following],
        )

    def _how(
        self, node: Any, slot: int, received: Sequence[Tensor | None], sent: Tensor
    ) -> tuple[str, str]:
        if len(received) != 1 or received[0] is None or sent.layout != torch.strided:
            return "", ""
        operands = Operands(self.wiring.kept[node], self.wiring.words[node], tuple(sent.shape))
        return how(type(node).__name__, slot, received[0].detach(), sent, operands)

    def _compare(self, node: Any, received: Sequence[Tensor | None]) -> str:
        """Words for a gradient that is not the sum of what was sent: a hook changed it."""
        changes = []
        for output, gradient in enumerate(received):
            total = self.buffers.pop((node, output), None)
            if gradient is None or total is None or gradient.shape != total.shape:
                continue
            if not torch.allclose(_dense(gradient), _dense(total), equal_nan=True):
                before, after = Value.of(total).words(), Value.of(gradient).words()
                changes.append(f"a hook changed {before} to {after}")
        return "; ".join(changes)


def _dense(tensor: Tensor) -> Tensor:
    return tensor.detach() if tensor.layout == torch.strided else tensor.detach().to_dense()


def measure(head: Tensor, wiring: Wiring) -> tuple[Pass, dict[int, Tensor]]:
    """Run backward from ``head`` (one element) once.

    Returns every node's turn in order, and the gradient that reached each leaf, by box.

    The gradients are caught before the AccumulateGrad nodes, so no ``.grad`` is touched; saved
    tensors are kept; the random generator, hooks and retained grads are put back. Hooks of the
    learner's own, and the backward of their own Functions, run once, as in any backward.

    Raises:
        RuntimeError: whatever torch raises for this graph.
    """
    nodes = reachable([head.grad_fn])
    leaves = [node for node in nodes if is_leaf_node(node)]
    expected = Counter(
        following for node in nodes for following, _ in node.next_functions if following is not None
    )
    watch = _Watch(wiring, expected)
    with put_back(wiring.retained, head.device), torch.inference_mode(False), ExitStack() as hooks:
        for node in nodes:
            hooks.enter_context(_watching(node, watch))
        caught = torch.autograd.grad(
            head,
            [GradientEdge(node, 0) for node in leaves],
            retain_graph=True,
            allow_unused=True,
        )
    _add_unwatched(watch, leaves, caught)
    seed = Value.of(torch.ones_like(head.detach()))
    reached = {
        wiring.box[node]: gradient
        for node, gradient in zip(leaves, caught, strict=True)
        if gradient is not None
    }
    return Pass(wiring.box[head.grad_fn], seed, tuple(watch.turns)), reached


def _add_unwatched(watch: _Watch, leaves: Sequence[Any], caught: Sequence[Tensor | None]) -> None:
    """Leaves whose requires_grad was switched off since: torch lets no hook watch them."""
    for node, gradient in zip(leaves, caught, strict=True):
        if gradient is not None and not node.variable.requires_grad:
            watch.leaf(node, gradient)


@contextmanager
def _watching(node: Any, watch: _Watch) -> Iterator[None]:
    if not is_leaf_node(node):
        handle = node.register_hook(lambda sent, got: watch.operation(node, sent, got))
        try:
            yield
        finally:
            handle.remove()
        return
    leaf = node.variable
    if not leaf.requires_grad:
        yield
        return
    had_hooks = leaf._backward_hooks is not None
    handle = leaf.register_hook(lambda gradient: watch.leaf(node, gradient))
    try:
        yield
    finally:
        handle.remove()
        if not had_hooks:
            leaf._backward_hooks = None  # an empty dict would remain: leave no trace at all


@contextmanager
def put_back(retained: Sequence[Tensor], device: torch.device) -> Iterator[None]:
    """The state a backward pass may change besides ``.grad`` of leaves."""
    grads = [tensor.grad for tensor in retained]
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        for tensor, grad in zip(retained, grads, strict=True):
            tensor.grad = grad
