"""A nan that a loss was given by something of which nothing is recorded: data, or a target."""

from __future__ import annotations

import torch

from course.companion.record.calls import Record


def given(record: Record, node: int) -> int | None:
    """What held nan in front of the call that made a node, without a graph: the first that is left.

    The number of the call that gave it, or of a tensor that no watched call made.
    """
    call = record.of_node(node)
    before = record.before(call.sources) if call is not None else set()
    found = [
        number
        for reference, number in list(record.made.values())
        if number in before
        and (tensor := reference()) is not None
        and tensor.is_cpu
        and tensor.is_floating_point()
        and not tensor.requires_grad
        and bool(torch.isnan(tensor).any())
    ]
    return min(found, key=lambda one: (one >= 0, abs(one)), default=None)
