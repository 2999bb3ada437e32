"""Measures a function: its Jacobian by differences, and what its backward returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]
Numbers = tuple[float, ...]

STEP = 1e-6
"""How far an input is moved, up and down."""

AGREES = 1e-4
"""Below this share of the largest number two gradients agree: differences are no better."""


@dataclass(frozen=True)
class Measured:
    """A function of (n,) at one x, and a gradient v that arrives at its m outputs.

    `jacobian` has a row for each output; `returned` is what backward makes of v, None where
    no gradient comes back.
    """

    name: str
    node: str
    x: Numbers
    y: Numbers
    v: Numbers
    jacobian: tuple[Numbers, ...]
    returned: Numbers | None

    @property
    def product(self) -> Numbers:
        """v times the Jacobian, one number for each input."""
        columns = zip(*self.jacobian, strict=True)
        return tuple(sum(v * d for v, d in zip(self.v, c, strict=True)) for c in columns)

    @property
    def differing(self) -> list[int]:
        """The inputs whose gradient backward returned otherwise; all of them where it gave None."""
        if self.returned is None:
            return list(range(len(self.x)))
        scale = max(1.0, *map(abs, self.product))
        pairs = enumerate(zip(self.returned, self.product, strict=True))
        return [i for i, (one, other) in pairs if not abs(one - other) <= AGREES * scale]


def measure(name: str, function: Function, x: Tensor, v: Tensor) -> Measured:
    """Run a function at x, of shape (n,), in float64, and send v, of shape (m,), back.

    Raises ValueError where the function does not give one axis of outputs of the shape of v.
    """
    leaf = x.detach().double().requires_grad_()
    y = function(leaf)
    if not isinstance(y, Tensor) or y.shape != v.shape:
        raise ValueError(
            f"{name} has to give a tensor of shape {tuple(v.shape)} for an x of shape "
            f"{tuple(x.shape)}"
        )
    returned = None
    if y.requires_grad:
        (returned,) = torch.autograd.grad(y, leaf, v.to(y.dtype), allow_unused=True)
    node = "no grad_fn" if y.grad_fn is None else str(y.grad_fn.name()).rpartition("::")[2]
    return Measured(
        name,
        node,
        _numbers(leaf),
        _numbers(y),
        _numbers(v),
        tuple(map(_numbers, _jacobian(function, leaf.detach()))),
        None if returned is None else _numbers(returned),
    )


def _jacobian(function: Function, x: Tensor) -> Tensor:
    """Central differences of the outputs: shape (m, n). Backward has no part in it."""
    with torch.no_grad():
        steps = STEP * torch.eye(len(x), dtype=x.dtype)
        columns = [(function(x + step) - function(x - step)) / (2 * STEP) for step in steps]
    return torch.stack(columns, 1)


def _numbers(values: Tensor) -> Numbers:
    """Their numbers, without the noise of a difference."""
    return tuple(0.0 if abs(one) < 1e-8 else one for one in values.detach().double().tolist())
