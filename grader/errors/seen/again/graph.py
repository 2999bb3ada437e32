"""A graph after a backward pass that failed: its nodes, which are freed, which were edited."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor

MOST_NODES = 20_000


def nodes(start: Any, *without: Any) -> list[Any]:
    """Every node below one, itself first, breadth first; not those behind what is left out."""
    ahead, seen = [start], {start, *without}
    for node in ahead:
        for below, _ in node.next_functions:
            if below is not None and below not in seen:
                seen.add(below)
                ahead.append(below)
        if len(ahead) > MOST_NODES:
            break
    return ahead


def complaint(node: Any) -> str:
    """What a node says when one of its saved tensors is asked for, or nothing."""
    for name in dir(node):
        if name.startswith("_saved_") or name == "saved_tensors":
            try:
                getattr(node, name)
            except RuntimeError as error:
                return str(error)
            except Exception:  # what a node of the learner's own raises says nothing of its graph
                return ""
    return ""


def saves(node: Any) -> bool:
    """Whether a node has kept anything for its backward."""
    return any(name.startswith("_raw_saved_") for name in dir(node)) or hasattr(
        node, "saved_tensors"
    )


def is_freed(node: Any) -> bool:
    """Whether a backward pass went through a node and freed what it saved."""
    return "second time" in complaint(node)


def is_fresh(node: Any) -> bool:
    """Whether a node, or one below it, still has what it saved: no pass has freed it."""
    return any(saves(one) and not complaint(one) for one in nodes(node)[:200])


def leaves(found: Iterable[Any]) -> list[Tensor]:
    """The leaves in which these nodes accumulate."""
    return [node.variable for node in found if node.name().endswith("AccumulateGrad")]
