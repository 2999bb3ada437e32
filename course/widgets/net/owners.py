"""Which module each node of a recorded graph belongs to, as far as the graph can tell.

A graph names no module: it holds operations, and at its ends the parameters. What follows from that
is certain for an operation that takes a parameter (it was made in that module's forward), and for
one that was recorded between two such of a module (it was made inside the same call). Any other one
is given to the module that contains the one whose result it takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from course.widgets.graph.saved import class_name
from course.widgets.graph.walk import is_leaf_node

# What a layer does to its parameter before it uses it, as Linear transposes its weight.
_VIEWS = frozenset(
    {
        "TBackward0",
        "TransposeBackward0",
        "PermuteBackward0",
        "ViewBackward0",
        "UnsafeViewBackward0",
        "ReshapeAliasBackward0",
        "ExpandBackward0",
        "SliceBackward0",
        "SelectBackward0",
        "SplitBackward0",
        "UnbindBackward0",
        "SplitWithSizesBackward0",
        "ToCopyBackward0",
        "CloneBackward0",
        "UnsqueezeBackward0",
        "SqueezeBackward0",
    }
)


def parameters_of(model: nn.Module) -> dict[int, tuple[str, str]]:
    """For each parameter, by its identity: the path of its module, and its name there."""
    found: dict[int, tuple[str, str]] = {}
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            found.setdefault(id(parameter), (path, name))
    return found


def owners_of(nodes: Sequence[Any], model: nn.Module) -> dict[Any, str]:
    """The path of each node's module: "" for the model itself, and for what is outside of it.

    `nodes` are all of a graph's, inputs first, in the order in which they were recorded.
    """
    taking = _taking_parameters(nodes, model)
    spans = _spans(nodes, taking)
    has_parts = {path for path, module in model.named_modules() if any(module.children())}
    place = {node: index for index, node in enumerate(nodes)}
    owners = dict(taking)
    for node in nodes:
        if node not in owners:
            inputs = [one for one, _ in node.next_functions if one in owners and one in place]
            latest = max(inputs, key=place.__getitem__, default=None)
            near = "" if latest is None else _container(owners[latest], has_parts)
            certain = _certain(place[node], spans)
            owners[node] = near if _inside(near, certain) else certain
    return owners


def above(path: str) -> str:
    """The path of the module that holds this one."""
    return path.rpartition(".")[0]


def _taking_parameters(nodes: Sequence[Any], model: nn.Module) -> dict[Any, str]:
    """The nodes that take a parameter, and the parameters' own, with the module that it is of."""
    parameters = parameters_of(model)
    of_parameter: dict[Any, str] = {}
    taking: dict[Any, str] = {}
    for node in nodes:
        if is_leaf_node(node):
            if id(node.variable) in parameters:
                of_parameter[node] = taking[node] = parameters[id(node.variable)][0]
            continue
        inputs = [one for one, _ in node.next_functions if one is not None]
        owned = [of_parameter[one] for one in inputs if one in of_parameter]
        if owned:
            taking[node] = owned[0]
            if len(owned) == len(inputs) and class_name(node) in _VIEWS:
                of_parameter[node] = owned[0]
    return taking


def _spans(nodes: Sequence[Any], taking: Mapping[Any, str]) -> dict[str, tuple[int, int]]:
    """From where to where each module's operations on parameters were recorded."""
    spans: dict[str, tuple[int, int]] = {}
    for index, node in enumerate(nodes):
        if node in taking and not is_leaf_node(node):
            path = taking[node]
            while path:
                first, _ = spans.get(path, (index, index))
                spans[path] = first, index
                path = above(path)
    return spans


def _certain(place: int, spans: Mapping[str, tuple[int, int]]) -> str:
    """The innermost module within whose operations this place lies."""
    around = (path for path, (first, last) in spans.items() if first < place < last)
    return max(around, key=lambda path: path.count(".") + 1, default="")


def _container(path: str, has_parts: set[str]) -> str:
    """The module that can have called what comes after one of this path's operations.

    A layer without parts ends with its own operation.
    """
    return path if path in has_parts else above(path)


def _inside(path: str, outer: str) -> bool:
    return not outer or path == outer or path.startswith(outer + ".")
