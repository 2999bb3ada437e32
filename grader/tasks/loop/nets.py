"""The small nets on which this chapter's exercises train, made from given numbers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.task import Inputs, Rng

Loss = Callable[[Tensor, Tensor], Tensor]


class Net(nn.Module):
    """(N, 3) to (N, 3) through 5 hidden numbers; `spare` takes no part in it.

    Where no top weight is given, the weight below is used a second time: one parameter, two names.
    """

    def __init__(self, w: Tensor, b: Tensor, spare: Tensor, u: Tensor | None = None) -> None:
        super().__init__()
        self.w, self.b = nn.Parameter(w.clone()), nn.Parameter(b.clone())
        self.u = self.w if u is None else nn.Parameter(u.clone())
        self.spare = nn.Parameter(spare.clone())

    def forward(self, x: Tensor) -> Tensor:
        """What the net makes of the rows of x."""
        return (x @ self.w.T + self.b).tanh() @ self.u


class Linear(nn.Module):
    """A linear map made from given numbers."""

    def __init__(self, weight: Tensor, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.bias = nn.Parameter(weight[:, 0].clone()) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """x times the weight, plus the bias."""
        return nn.functional.linear(x, self.weight, self.bias)


class Norm(nn.Module):
    """A norm that divides by a running mean square, which it updates in train mode.

    Unlike batch normalization it takes batches of one row.
    """

    running_square: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.register_buffer("running_square", torch.ones_like(weight))

    def forward(self, x: Tensor) -> Tensor:
        """x divided by the root of the running mean square of its columns, times the weight."""
        if self.training:
            self.running_square.lerp_(x.detach().square().mean(0), 0.1)
        return x / self.running_square.sqrt() * self.weight


class Kernel(nn.Module):
    """Holds the weight of a convolution, of shape (1, 1, rows, columns); nothing runs it."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight[None, None].clone())


def lopsided(prediction: Tensor, wanted: Tensor) -> Tensor:
    """A loss that is another one with its arguments exchanged: the mean of exp(d) - d - 1, for
    d = prediction - wanted."""
    difference = prediction - wanted
    return (difference.exp() - difference - 1).mean()


def draw_net(rng: Rng) -> Inputs:
    """Numbers for a Net."""
    return {
        "w": rng.apart(0.3, 0.8, 5, 3),
        "b": rng.apart(0.1, 0.5, 5),
        "spare": rng.apart(0.5, 1.0, 2),
        "u": rng.apart(0.3, 0.8, 5, 3),
    }


def fill_grads(module: nn.Module, numbers: Tensor) -> None:
    """Give every parameter an old .grad, from as many numbers as it has."""
    at = 0
    for parameter in module.parameters():
        chosen = numbers[at : at + parameter.numel()]
        parameter.grad = chosen.reshape(parameter.shape).clone()
        at += parameter.numel()


def in_groups(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The optimizer with every parameter in a group of its own, each at half the rate before it."""
    params, rate = optimizer.param_groups[0]["params"], optimizer.param_groups[0]["lr"]
    while len(params) > 1:
        rate /= 2
        optimizer.add_param_group({"params": [params.pop()], "lr": rate})
    return optimizer


def values(module: nn.Module) -> dict[str, Any]:
    """Every parameter and buffer under its name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def slope(loss: Any, x: Tensor) -> Tensor | None:
    """The gradient of a loss with respect to x, or None if there is none."""
    if not isinstance(loss, Tensor) or not loss.requires_grad or loss.shape != ():
        return None
    (grad,) = torch.autograd.grad(loss, x, allow_unused=True)
    return grad
