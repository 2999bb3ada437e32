"""A tape: reverse-mode differentiation in one class, as lesson 1 builds it.

It agrees with torch on numbers of one dtype, but for rounding, overflow, nan, powers of 0, and
tensors as exponents of what is not positive. Left out: `requires_grad` (all is recorded), products
with a vector, the mean of nothing, freeing, noticing edits of `data`, second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import torch
from torch import Tensor

Data = Tensor | float
Rule = Callable[[Tensor], tuple[Tensor, ...]]
numbers = count()


def as_var(value: Operand, like: Var) -> Var:
    """`value` as a Var; a plain number gets the precision of `like`."""
    if isinstance(value, (Var, torch.Tensor)):
        return value if isinstance(value, Var) else Var(value)
    return Var(torch.tensor(value, dtype=torch.result_type(like.data, value)))


def swapped(operation: Callable[[Var, Operand], Var]) -> Callable[[Var, Operand], Var]:
    """The operator that Python calls if the left side is no Var, as in `2 - v`."""
    return lambda self, other: operation(as_var(other, self), self)


class Var:
    """A floating-point tensor that remembers what it was made of: `inputs`, and by which `rule`.

    `grad` is None until a pass arrives at a leaf, a Var that you made; further passes add to it.
    """

    def __init__(self, data: Data, inputs: tuple[Var, ...] = (), rule: Rule = lambda g: ()) -> None:
        self.data = torch.as_tensor(data).detach()
        self.grad: Tensor | None = None
        self.inputs, self.rule, self.number = inputs, rule, next(numbers)

    def backward(self) -> None:
        """Add the derivatives of this one number to `grad` of the leaves; else a ValueError."""
        if self.data.numel() != 1:
            raise ValueError(f"backward starts from one number; here are {self.data.numel()}")
        arrived = {self: torch.ones_like(self.data)}
        while arrived:
            var = max(arrived, key=lambda var: var.number)  # the newest: all that use it are done
            gradient = arrived.pop(var)
            if not var.inputs:
                var.grad = gradient.clone() if var.grad is None else var.grad + gradient
            for each, part in var.sent(gradient):
                arrived[each] = arrived[each] + part if each in arrived else part

    def sent(self, gradient: Tensor) -> list[tuple[Var, Tensor]]:
        """Each input, and what it gets when `gradient` arrives here."""
        parts = zip(self.inputs, self.rule(gradient), strict=True)
        return [(each, part.sum_to_size(each.data.shape)) for each, part in parts]

    def __add__(self, other: Operand) -> Var:
        a, b = self, as_var(other, self)
        return Var(a.data + b.data, (a, b), lambda g: (g, g))

    def __mul__(self, other: Operand) -> Var:
        a, b = self, as_var(other, self)
        return Var(a.data * b.data, (a, b), lambda g: (g * b.data, g * a.data))

    def __matmul__(self, other: Operand) -> Var:
        a, b = self, as_var(other, self)
        return Var(a.data @ b.data, (a, b), lambda g: (g @ b.data.mT, a.data.mT @ g))

    def __pow__(self, other: Operand) -> Var:
        a, b = self, as_var(other, self)
        if b is other or isinstance(other, Tensor):
            return (b * a.log()).exp()
        return Var(a.data**b.data, (a,), lambda g: (g * b.data * a.data ** (b.data - 1),))

    def __neg__(self) -> Var:
        return self * -1

    def __sub__(self, other: Operand) -> Var:
        return self + as_var(other, self) * -1

    def __truediv__(self, other: Operand) -> Var:
        return self * as_var(other, self) ** -1

    __radd__, __rsub__, __rmul__ = swapped(__add__), swapped(__sub__), swapped(__mul__)
    __rtruediv__, __rpow__, __rmatmul__ = map(swapped, (__truediv__, __pow__, __matmul__))

    def exp(self) -> Var:
        """The exponential of each entry."""
        result = self.data.exp()
        return Var(result, (self,), lambda g: (g * result,))

    def log(self) -> Var:
        """The natural logarithm of each entry."""
        return Var(self.data.log(), (self,), lambda g: (g / self.data,))

    def tanh(self) -> Var:
        """The hyperbolic tangent of each entry."""
        result = self.data.tanh()
        return Var(result, (self,), lambda g: (g * (1 - result**2),))

    def relu(self) -> Var:
        """Each entry, or 0 if it is negative."""
        return Var(self.data.relu(), (self,), lambda g: (g * (self.data > 0),))

    def sum(self, dim: int | None = None, keepdim: bool = False) -> Var:
        """The sum of all entries, or along `dim`."""
        result, kept = self.data.sum(dim, keepdim), self.data.sum(dim, keepdim=True).shape
        return Var(result, (self,), lambda g: (g.reshape(kept).expand(self.data.shape),))

    def mean(self, dim: int | None = None, keepdim: bool = False) -> Var:
        """The mean of all entries, or along `dim`."""
        total = self.sum(dim, keepdim)
        return total * (total.data.numel() / self.data.numel())


Operand = Var | Data
