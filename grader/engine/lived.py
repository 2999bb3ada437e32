"""Modules, optimizers and tensors that have been in use before an answer is given them.

A fresh module has no `.grad`, nothing frozen, all parts in one mode and every layer at the top
level. An answer may rely on that without knowing. A task's further case hands over what has lived:
`lived(model, "grad", "frozen", "mode")`. It names only states that its statement covers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn


def lived(module: Any, *states: str) -> Any:
    """The `nn.Module` after it has been put into every one of the states, in their order.

    - `grad`: every parameter without a `.grad` has one, the same in every run;
    - `frozen`: its last parameter does not require grad;
    - `mode`: its last part without parts of its own is in the other mode;
    - `affine`: weights and biases of its norms are not 1 and 0;
    - `nested`: for an `nn.Sequential`: all its parts but the last stand in an inner one, so that
      names have two levels. What is returned is a new Sequential;
    - `twice`: for an `nn.Sequential`: its last part that keeps shapes (an activation, dropout or a
      norm) runs once more at the end, under a second name;
    - `tied`: the last two weights of one shape are one parameter under two names;
    - `hooked`: a forward hook stands on it, which makes what it returns a quarter larger. Who calls
      `forward` by hand passes it by.

    Raises KeyError for another state, and ValueError where no two weights can be tied.
    """
    for state in states:
        module = _STATES[state](module)
    return module


def in_two_groups(optimizer: torch.optim.Optimizer, **settings: float) -> torch.optim.Optimizer:
    """The optimizer with the last of its parameters in a second group, which has these settings."""
    last = optimizer.param_groups[-1]["params"].pop()
    optimizer.add_param_group({"params": [last], **settings})
    return optimizer


def with_grad(tensor: Tensor) -> Tensor:
    """A leaf with the values of `tensor` that requires grad and has an old `.grad`."""
    leaf = tensor.detach().clone().requires_grad_()
    leaf.grad = some_numbers(leaf)
    return leaf


def computed(tensor: Tensor) -> Tensor:
    """A non-leaf that requires grad, with exactly the values of `tensor`."""
    return tensor.detach().clone().requires_grad_().view_as(tensor)


def some_numbers(like: Tensor) -> Tensor:
    """Numbers from -0.6 to 0.6, none of them 0, in the shape, dtype and device of `like`."""
    count = torch.arange(like.numel(), device=like.device)
    return ((count % 7 * 2 - 6.5) / 10).to(like.dtype).reshape(like.shape)


def _grad(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        if parameter.grad is None and parameter.requires_grad:
            parameter.grad = some_numbers(parameter)
    return module


def _frozen(module: nn.Module) -> nn.Module:
    list(module.parameters())[-1].requires_grad_(False)
    return module


def _mode(module: nn.Module) -> nn.Module:
    last = list(_leaves(module))[-1]
    last.train(not last.training)
    return module


def _affine(module: nn.Module) -> nn.Module:
    with torch.no_grad():
        for norm in module.modules():
            if isinstance(norm, _NORMS) and norm.weight is not None:
                norm.weight.add_(some_numbers(norm.weight))
                norm.bias.sub_(some_numbers(norm.bias))
    return module


def _nested(module: nn.Module) -> nn.Module:
    *front, last = module.children()
    outer = nn.Sequential(nn.Sequential(*front), last)
    outer.training = outer[0].training = module.training  # each part keeps its own mode
    return outer


def _twice(module: nn.Module) -> nn.Module:
    again = [part for part in _leaves(module) if not isinstance(part, _RESHAPING)][-1]
    module.add_module("again", again)
    return module


def _tied(module: nn.Module) -> nn.Module:
    weights = [m for m in module.modules() if isinstance(getattr(m, "weight", None), nn.Parameter)]
    for second, first in itertools.combinations(reversed(weights), 2):
        if first.weight.shape == second.weight.shape:
            second.weight = first.weight
            return module
    raise ValueError("no two weights have one shape")


def _hooked(module: nn.Module) -> nn.Module:
    module.register_forward_hook(_louder)
    return module


def _louder(module: nn.Module, args: Any, output: Tensor) -> Tensor:
    return output * 1.25


def _leaves(module: nn.Module) -> Iterator[nn.Module]:
    return (part for part in module.modules() if next(part.children(), None) is None)


_NORMS = (
    nn.modules.batchnorm._BatchNorm,
    nn.LayerNorm,
    nn.GroupNorm,
)
_RESHAPING = (nn.Linear, nn.modules.conv._ConvNd, nn.Flatten, nn.Unflatten, nn.Embedding)
_STATES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "grad": _grad,
    "frozen": _frozen,
    "mode": _mode,
    "affine": _affine,
    "nested": _nested,
    "twice": _twice,
    "tied": _tied,
    "hooked": _hooked,
}
