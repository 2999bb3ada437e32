"""The mistake of an answer that reads a tensor's memory, as if nothing else lay in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import mistake


def read_in_order(tensor: Tensor) -> Tensor:
    """A tensor of the same shape: the numbers that lie in memory one behind the other, from the
    tensor's first on."""
    strides = [1]
    for length in reversed(tensor.shape[1:]):
        strides.insert(0, strides[0] * length)
    return torch.as_strided(tensor, tensor.shape, strides[: tensor.ndim])


def as_it_lies(right: Callable[..., Any], name: str) -> tuple[Callable[..., Any], ...]:
    """`right`, whose first argument is called `name`, of what lies in that tensor's memory."""
    return (
        mistake(
            "memory_read_in_order",
            f"You read {name}'s memory by strides of your own, as torch.as_strided does, as if its "
            f"numbers lay there in the order of their indices. {name} may be transposed or have "
            "gaps: indexing, reshape and transpose go by the strides that it has.",
            lambda tensor, *given: right(read_in_order(tensor), *given),
        ),
    )
