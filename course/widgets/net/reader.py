"""From a loss and the net that it came from to a Net: one real backward, its norms kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import GradientEdge

from course.widgets.graph.measure import put_back
from course.widgets.graph.saved import class_name
from course.widgets.graph.walk import in_order, is_leaf_node, living_results, reachable
from course.widgets.net.model import Net, Node
from course.widgets.net.owners import owners_of, parameters_of

Sent = dict[tuple[Any, int], float]


def read(loss: torch.Tensor, model: nn.Module, name: str) -> Net:
    """The graph behind `loss`, a tensor of one element with a grad_fn, by the modules of `model`.

    Runs one backward and leaves everything as it was: gradients, saved tensors, random numbers.
    Raises what torch raises for this graph.
    """
    with torch.no_grad():
        nodes = in_order(reachable([loss.grad_fn]))
    sent = _measured(loss, nodes)
    owners = owners_of(nodes, model)
    operations = [node for node in nodes if not is_leaf_node(node)]
    number = {node: index for index, node in enumerate(operations)}
    names = _full_names(model)
    taken = tuple(_node(node, owners[node], number, sent, names) for node in operations)
    classes = {path: type(module).__name__ for path, module in model.named_modules()}
    reached = {id(node.variable) for node in nodes if is_leaf_node(node)}
    asked = [one for one in model.parameters() if one.requires_grad]
    return Net(
        name,
        classes[""],
        taken,
        classes,
        reached=sum(id(one) in reached for one in asked),
        unreached=tuple(names[id(one)] for one in asked if id(one) not in reached),
        frozen=sum(not one.requires_grad for one in model.parameters()),
    )


def _full_names(model: nn.Module) -> dict[int, str]:
    known = parameters_of(model).items()
    return {key: f"{path}.{name}" if path else name for key, (path, name) in known}


def _node(
    node: Any, owner: str, number: Mapping[Any, int], sent: Sent, names: Mapping[int, str]
) -> Node:
    sends, weights = [], {}
    for slot, (source, _) in enumerate(node.next_functions):
        if source in number:
            sends.append((number[source], sent.get((node, slot))))
        elif source is not None:
            weights[names.get(id(source.variable), "")] = sent.get((node, slot))
    return Node(class_name(node), owner, tuple(sends), weights)


def _measured(loss: torch.Tensor, nodes: Sequence[Any]) -> Sent:
    """The norm of what each operation sends along each of its edges, in one backward pass."""
    sent: Sent = {}
    leaves = [node for node in nodes if is_leaf_node(node)]
    with torch.no_grad():
        retained = [one for one in living_results() if one.retains_grad]
    with put_back(retained, loss.device), torch.inference_mode(False), ExitStack() as hooks:
        for node in nodes:
            if not is_leaf_node(node):
                hooks.enter_context(_watching(node, sent))
        edges = [GradientEdge(node, 0) for node in leaves]
        torch.autograd.grad(loss, edges, retain_graph=True, allow_unused=True)
    return sent


@contextmanager
def _watching(node: Any, sent: Sent) -> Iterator[None]:
    def keep(gradients: Sequence[Any], _: Sequence[Any]) -> None:
        for slot, gradient in enumerate(gradients):
            if gradient is not None:
                dense = gradient.detach()
                dense = dense if dense.layout == torch.strided else dense.to_dense()
                sent[node, slot] = float(torch.linalg.vector_norm(dense))

    handle = node.register_hook(keep)
    try:
        yield
    finally:
        handle.remove()
