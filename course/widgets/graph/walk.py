"""The nodes of a recorded graph and the tensors that can be told to belong to them."""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from itertools import count
from typing import Any

import torch

from course.widgets.graph.saved import Kept, class_name, input_slot

MOST_NODES = 200


class TooLargeError(Exception):
    """The graph has more nodes than a picture can show; ``counts`` says how many of each class."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__(f"{counts.total()} nodes")
        self.counts = counts


def is_leaf_node(node: Any) -> bool:
    """Whether ``node`` is where a leaf's gradient ends: an AccumulateGrad."""
    return type(node).__name__ == "AccumulateGrad"


def reachable(roots: Sequence[Any]) -> set[Any]:
    """Every node a backward pass from ``roots`` may run."""
    seen: set[Any] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += [following for following, _ in node.next_functions if following is not None]
    return seen


def walk(roots: Sequence[Any]) -> list[Any]:
    """Every node reachable from ``roots``: leaves first, then operations as torch recorded them.

    Raises:
        TooLargeError: if there are more than 200.
    """
    nodes = reachable(roots)
    if len(nodes) > MOST_NODES:
        raise TooLargeError(Counter(class_name(node) for node in nodes))
    return in_order(nodes)


def in_order(nodes: Iterable[Any]) -> list[Any]:
    """These nodes of a graph: leaves first, then operations as torch recorded them."""
    nodes = set(nodes)
    operations = _recording_order(node for node in nodes if not is_leaf_node(node))
    taken_in = (following for node in operations for following, _ in node.next_functions)
    leaves = dict.fromkeys(node for node in taken_in if node is not None and is_leaf_node(node))
    return [*leaves, *operations]


def unreached_of(
    outputs: Sequence[torch.Tensor], named: Mapping[str, torch.Tensor]
) -> tuple[str, ...]:
    """The leaves that require grad, of those named, that no backward from the outputs reaches."""
    nodes = reachable([output.grad_fn for output in outputs])
    reached = {id(node.variable) for node in nodes if is_leaf_node(node)}
    return tuple(
        name
        for name, tensor in named.items()
        if tensor.requires_grad and tensor.is_leaf and id(tensor) not in reached
    )


def _recording_order(nodes: Iterable[Any]) -> list[Any]:
    """By torch's sequence number, but never before an input.

    The number alone is not enough: the node of a view is made anew, with a later number, when it is
    first asked for after an in-place edit of its base.
    """
    numbered = {node: node._sequence_nr() for node in nodes}
    inputs = {
        node: {following for following, _ in node.next_functions if following in numbered}
        for node in numbered
    }
    order: list[Any] = []
    ready: list[tuple[int, int, Any]] = []
    ticket = count()  # nodes cannot be compared, so no two entries may tie before them
    sorter = TopologicalSorter(inputs)
    sorter.prepare()
    while sorter.is_active():
        for node in sorter.get_ready():
            heappush(ready, (numbered[node], next(ticket), node))
        node = heappop(ready)[2]
        order.append(node)
        sorter.done(node)
    return order


@dataclass
class Tensors:
    """The tensors known to belong to a graph, by (node, output), and what they are called."""

    by_output: dict[tuple[Any, int], torch.Tensor] = field(default_factory=dict)
    names: dict[tuple[Any, int], str] = field(default_factory=dict)
    names_by_id: dict[int, str] = field(default_factory=dict)
    retained: list[torch.Tensor] = field(default_factory=list)

    def name_of(self, tensor: torch.Tensor) -> str:
        """What the learner calls ``tensor`` (or another object for the same node's output)."""
        if tensor.grad_fn is not None:
            return self.names.get((tensor.grad_fn, tensor.output_nr), "")
        return self.names_by_id.get(id(tensor), "")


def find_tensors(
    nodes: Sequence[Any],
    saved: Mapping[Any, Sequence[Kept]],
    names: Mapping[str, torch.Tensor],
) -> Tensors:
    """Match living tensors with nodes: named ones first, saved ones, then any other still alive."""
    known, found = set(nodes), Tensors()
    for name, tensor in names.items():
        found.names_by_id.setdefault(id(tensor), name)
        if (place := _place(tensor, known)) is not None:
            found.names.setdefault(place, name)
            found.by_output.setdefault(place, tensor)
    for node in nodes:
        if is_leaf_node(node):
            found.by_output[node, 0] = node.variable
        for kept in saved.get(node, ()):
            if kept.tensor is not None and (place := _place(kept.tensor, known)) is not None:
                found.by_output.setdefault(place, kept.tensor)
    for tensor in living_results():
        if (place := _place(tensor, known)) is not None:
            found.by_output.setdefault(place, tensor)
            if tensor.retains_grad:
                found.retained.append(tensor)
    return found


def _place(tensor: torch.Tensor, known: set[Any]) -> tuple[Any, int] | None:
    with contextlib.suppress(RuntimeError):  # a view torch no longer allows to be differentiated
        if tensor.grad_fn is not None and tensor.grad_fn in known:
            return tensor.grad_fn, tensor.output_nr
    return None


def living_results() -> Iterator[torch.Tensor]:
    """Every living tensor that an operation recorded: those that retain their grad among them."""
    kinds = {torch.Tensor} | _subclasses(torch.Tensor)
    for thing in gc.get_objects():
        if type(thing) in kinds:  # a set, as this looks at every object of the program
            with contextlib.suppress(RuntimeError):
                if thing.requires_grad and not thing.is_leaf:
                    yield thing


def _subclasses(kind: type) -> set[type]:
    direct: set[type] = set(kind.__subclasses__())
    return direct.union(*map(_subclasses, direct))


def known_constant(node: Any, slot: int, saved: Sequence[Kept]) -> torch.Tensor | None:
    """The input without grad that went into ``slot``, where the node saved it; else None."""
    for kept in saved:
        is_input = input_slot(node, kept.argument) == slot
        if is_input and kept.tensor is not None and not kept.tensor.requires_grad:
            return kept.tensor
    return None
