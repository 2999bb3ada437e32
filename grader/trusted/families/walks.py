"""Wrong ways through a graph that exercises on walking one share."""

from __future__ import annotations

from typing import Any


def until_none(root: Any, *, whole: bool = False, first: bool = False) -> list[Any]:
    """The nodes from `root` on, breadth first, by a walk that leaves the inputs of a node, or
    everything, where it finds None; `first` looks for one before it visits any."""
    nodes = [root]
    met = set(nodes)
    for node in nodes:
        inputs = [following for following, _ in node.next_functions]
        end = inputs.index(None) if None in inputs else len(inputs)
        for following in inputs[: 0 if first and end < len(inputs) else end]:
            if following not in met:
                met.add(following)
                nodes.append(following)
        if whole and end < len(inputs):
            break
    return nodes
