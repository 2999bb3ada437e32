"""Which tensors of a recorded graph keep a gradient, as plain data read from the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from course.widgets.frame.values import Value
from course.widgets.graph.model import Graph, state_at
from course.widgets.graph.reader import read
from course.widgets.graph.walk import find_tensors, walk

MOST_RETAINED = 4
Place = tuple[int, int]  # a box of the graph, and which output of its node


@dataclass(frozen=True)
class Kept:
    """One tensor: ``grad`` is its .grad now, ``readable`` says whether you can read it.

    A non-leaf without a name was used inside an expression, or nobody holds it any more.
    """

    name: str
    readable: bool
    parameter: bool
    retains: bool
    grad: Value | None


@dataclass(frozen=True)
class Run:
    """What the learner chooses to run, and the non-leaves that retain their grad in it.

    ``backward`` is empty where no pass can be measured: then the picture shows what is there now.
    """

    code: str
    backward: str
    retaining: frozenset[Place]


@dataclass(frozen=True)
class LeafGraph:
    """A graph, what each of its tensors keeps, and the runs to choose from."""

    graph: Graph
    kept: Mapping[Place, Kept]
    runs: tuple[Run, ...]

    def handed_on(self, place: Place) -> Value | None:
        """The gradient that arrives at a non-leaf in a backward pass."""
        return self.received(place) if self.graph.boxes[place[0]].kind == "tensor" else None

    def received(self, place: Place) -> Value | None:
        """The gradient that arrives at a tensor in a backward pass, be it of zeros."""
        steps = self.graph.programs[0].steps
        ran = state_at(self.graph, steps, len(steps) - 1).ran.get(place[0])
        return None if ran is None else ran.received[place[1]]

    def after(self, run: Run, place: Place) -> Value | None:
        """What is in a tensor's .grad after the run."""
        before, kind = self.kept[place].grad, self.graph.boxes[place[0]].kind
        if not run.backward or kind == "constant":
            return before
        if kind == "leaf":
            steps = self.graph.programs[0].steps
            return state_at(self.graph, steps, len(steps) - 1).grads[place[0]]
        if place not in run.retaining:
            return before
        return _sum(before, self.received(place))


def read_leaves(output: torch.Tensor, names: Mapping[str, torch.Tensor]) -> LeafGraph:
    """Read the graph behind ``output``, which has a ``grad_fn``, and leave it as it was.

    One backward pass is measured where torch can run one: ``output`` has one real element, and its
    graph is not freed.

    Raises:
        TooLargeError: if there are more than 200 nodes.
    """
    can_start = output.numel() == 1 and not output.is_complex()
    graph = read([output], names, run_backward=can_start)
    kept = _kept(output, names, graph)
    bare = replace(graph, boxes=tuple(replace(box, saved=()) for box in graph.boxes))
    return LeafGraph(bare, kept, _runs(graph, kept, can_start and not graph.refusal))


def _kept(
    output: torch.Tensor, names: Mapping[str, torch.Tensor], graph: Graph
) -> dict[Place, Kept]:
    nodes = walk([output.grad_fn])
    tensors = find_tensors(nodes, {}, names)
    boxes = [index for index, box in enumerate(graph.boxes) if box.node]
    kept = {}
    for index, node in zip(boxes, nodes, strict=True):
        for slot, name in enumerate(graph.boxes[index].names):
            tensor = tensors.by_output.get((node, slot))
            kept[index, slot] = _one(name, tensor)
    for index, box in enumerate(graph.boxes):
        if box.kind == "constant" and box.name:
            kept[index, 0] = _one(box.name, names[box.name])
    return kept


def _one(name: str, tensor: torch.Tensor | None) -> Kept:
    if tensor is None:
        return Kept(name, readable=False, parameter=False, retains=False, grad=None)
    keeps = tensor.is_leaf or tensor.retains_grad  # reading another's .grad would warn
    grad = tensor.grad if keeps else None
    return Kept(
        name,
        readable=bool(name) or keeps,
        parameter=isinstance(tensor, torch.nn.Parameter),
        retains=tensor.retains_grad,
        grad=None if grad is None else Value.of(grad),
    )


def _runs(graph: Graph, kept: Mapping[Place, Kept], can_run: bool) -> tuple[Run, ...]:
    """The pass as it would be now, and the same after ``retain_grad()`` on what is computed."""
    now = frozenset(place for place, one in kept.items() if one.retains)
    if not can_run:
        return (Run("as it is now", "", now),)
    backward = f"{graph.boxes[graph.heads[0]].name or 'output'}.backward()"
    computed = [place for place in kept if graph.boxes[place[0]].kind == "tensor"]
    asked = [place for place in computed if kept[place].readable and not kept[place].retains]
    plain = Run(backward, backward, now)
    if not asked:
        return (plain,)
    calls = _calls([kept[place].name for place in asked])
    return plain, Run(f"{calls}; {backward}", backward, now | frozenset(asked))


def _calls(names: Sequence[str]) -> str:
    if all(names) and len(names) <= MOST_RETAINED:
        return "; ".join(f"{name}.retain_grad()" for name in names)
    return f"retain_grad() on all {len(names)} non-leaves"


def _sum(before: Value | None, received: Value | None) -> Value | None:
    """What a retained .grad becomes: torch adds to one that is there."""
    if before is None or received is None:
        return received if before is None else before
    if before.numbers is None or received.numbers is None:
        return Value(received.shape, received.dtype, None, None)
    pairs = zip(before.numbers, received.numbers, strict=True)
    return Value(received.shape, received.dtype, tuple(a + b for a, b in pairs), None)
