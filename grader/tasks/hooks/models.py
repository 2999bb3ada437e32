"""The small models that the exercises on hooks are given, made from drawn tensors."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.task import Rng


class BrokenLayerError(RuntimeError):
    """What a broken layer raises in the middle of a forward pass."""


class BrokenLayer(nn.Module):
    """A layer that never returns."""

    def forward(self, x: Tensor) -> Tensor:
        """Raises BrokenLayerError."""
        raise BrokenLayerError("this layer is broken")


def answered(call: Callable[[], Any]) -> Any:
    """What a call returns, or a note that it passed on the exception of a broken layer."""
    try:
        return call()
    except BrokenLayerError as error:
        return f"raised {type(error).__name__}: {error}"


def weights(rng: Rng, *sizes: int) -> dict[str, Tensor]:
    """Matrices "m1", "m2", ... for a chain of linear layers, each of shape (outputs, inputs)."""
    pairs = pairwise(sizes)
    drawn = [rng.apart(0.3, 0.9, outputs, inputs) for inputs, outputs in pairs]
    return {f"m{i}": matrix for i, matrix in enumerate(drawn, start=1)}


def linear(weight: Tensor, bias: bool = True) -> nn.Linear:
    """A linear layer with given weights; its biases are the sums of the rows, halved."""
    with torch.random.fork_rng(devices=[]):  # a new layer draws its weights
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias).to(weight)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias:
            layer.bias.copy_(weight.sum(1) / 2)
    return layer


class Net(nn.Module):
    """Rows of 5 to rows of 1: names in two levels, an edit in place, and `act` called twice."""

    def __init__(self, m1: Tensor, m2: Tensor, m3: Tensor, broken: bool = False) -> None:
        super().__init__()
        self.stem = linear(m1)
        self.block = nn.Sequential(linear(m2), nn.ReLU(inplace=True))
        self.act = nn.Tanh()
        self.head = BrokenLayer() if broken else linear(m3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 5) to (N, 1)."""
        h = self.act(self.block(self.stem(x)))
        y: Tensor = self.act(self.head(h))
        return y
