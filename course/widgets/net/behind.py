"""Finds the net that a result came from among a caller's variables, and what it is called there."""

from __future__ import annotations

from types import FrameType

import torch
from torch import nn

from course.widgets.graph.walk import is_leaf_node, reachable


def nets_in(frame: FrameType) -> dict[str, nn.Module]:
    """The modules that a caller can name, by name: local ones first, IPython's own left out."""
    found: dict[str, nn.Module] = {}
    for scope in (frame.f_locals, frame.f_globals):
        for name, value in list(scope.items()):
            if isinstance(value, nn.Module) and not name.startswith("_"):
                found.setdefault(name, value)
    return found


def module_name(net: nn.Module, frame: FrameType) -> str:
    """What the caller calls a net; its class where it has no name."""
    named = (name for name, other in nets_in(frame).items() if other is net)
    return next(named, type(net).__name__)


def net_behind(result: torch.Tensor, frame: FrameType) -> nn.Module | None:
    """The caller's net that holds most of the leaves behind a result, and None if no net does.

    Of two that hold the same, the first: a net and another that contains it alone.
    """
    nodes = reachable([result.grad_fn])
    leaves = {id(node.variable) for node in nodes if is_leaf_node(node)}
    held = {
        name: sum(id(one) in leaves for one in net.parameters())
        for name, net in nets_in(frame).items()
    }
    best = max(held, key=held.__getitem__, default="")
    return nets_in(frame)[best] if held.get(best) else None
