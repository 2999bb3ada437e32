"""The graphs in which a gradient goes bad, or does not, each from two leaves and a mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CALLS = 250
"""How deep calls may be in the deep case: so a graph need not be thousands of nodes deep there."""


class Upset(torch.autograd.Function):
    """The identity, whose backward divides by 0 where the input's mask is 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor) -> Tensor:
        """x as it is."""
        ctx.save_for_backward(mask)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """The gradient over the mask."""
        (mask,) = ctx.saved_tensors
        return g / mask, None


class OneSide(torch.autograd.Function):
    """The first of two tensors, whose backward sends the second one nothing."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, other: Tensor) -> Tensor:
        """x as it is."""
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """The gradient, and None."""
        return g, None


def _deep(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    t = a * mask
    for _ in range(CALLS + 50):
        t = t + 0
    return t.sqrt().sum()


def _doubled(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """A chain in which every step has two edges to the one before."""
    t = (a * mask).log()
    for _ in range(40):
        t = t * 2 - t
    return t.sum()


def _earlier(one: Tensor, other: Tensor) -> Tensor:
    """The sum of both, the other first: the order in which they were made stays the same."""
    return (other + one).sum()


def _log_and_root(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    root = (a * mask).sqrt()
    return _earlier((b * mask).log(), root)


def _root_and_log(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    log = (b * mask).log()
    return _earlier((a * mask).sqrt(), log)


def _log_first(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The one that a list, taken from its end, comes to last is run first."""
    log = (b * mask).log()
    return _earlier(log, (a * mask).sqrt())


def _twice(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The root of a 0, and a quotient of its results further down."""
    root = (a * mask).sqrt()
    return (root * b + b / (b * mask)).exp().neg().exp().sum()


def _unbound(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    first, _, third = torch.stack([a * mask, b, b * mask]).unbind(0)
    return (first.sqrt() + third).sum()


def _deviation(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """A node with two outputs, of which the second is not used, gives birth to a nan."""
    std, _ = torch.std_mean(a * 0 + 2)
    return (std + b).sum()


def _edited_part(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """A node whose name is another word than its type's: torch::autograd::CopySlices."""
    whole = a * mask
    whole[:].sqrt_()
    return (whole * b).sum()


def _greatest(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    values, _ = torch.stack([a * mask, -b]).max(0)
    return (values.sqrt() * b).sum()


def _parts(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    parts: tuple[Tensor, ...] = (a * mask).sqrt().split([2, 3])
    return (parts[0].sum() * 2 + parts[1].sum() * 3) * b.sum()


def _meeting(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Two gradients that are finite, and add up to an inf where they meet."""
    much, t = torch.finfo(a.dtype).max * 0.75, a + b
    return (t * much).sum() + (t * much).sum()


def _meeting_and_root(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    root = (a * mask).sqrt()
    return root.sum() + _meeting(a, b, mask)


def _meeting_in_one_part(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The same at one output of a node that has two: what comes in there is bad already."""
    much = torch.finfo(a.dtype).max * 0.75
    one, other = torch.stack([a, b]).unbind(0)
    return (one * much).sum() + (one * much).sum() + other.sum()


def _meeting_in_the_second_part(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The same where nothing comes to the first output."""
    much = torch.finfo(a.dtype).max * 0.75
    _, other = torch.stack([a, b]).unbind(0)
    return (other * much).sum() + (other * much).sum()


def _meeting_in_the_other_part(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The same where what comes to the first output is good."""
    much = torch.finfo(a.dtype).max * 0.75
    one, other = torch.stack([a, b]).unbind(0)
    return (other * much).sum() + (other * much).sum() + one.sum()


LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "root": lambda a, b, mask: ((a * mask).square().sqrt() * b).sum(),
    "hidden root": lambda a, b, mask: torch.where(mask > 0, (a * mask).sqrt(), b).sum(),
    "no nan": lambda a, b, mask: (a.sqrt() * b.log()).sum(),
    "root and log": _root_and_log,
    "log and root": _log_and_root,
    "log first, then root": _log_first,
    "twice": _twice,
    "swallowed": lambda a, b, mask: ((a * mask - (1 - mask)).relu().sqrt() * b).sum(),
    "clamped": lambda a, b, mask: (b * (a * mask - (1 - mask)).clamp(min=0).log().exp()).sum(),
    "frozen factor": lambda a, b, mask: ((a * mask).sqrt() * b.detach()).sum(),
    "quotient": lambda a, b, mask: (b / (a * mask)).sum(),
    "constant row": lambda a, b, mask: ((a * 0 + 2).var().sqrt() + b).sum(),
    "power": lambda a, b, mask: ((a * mask) ** 0.5).sum() * b.sum(),
    "arc": lambda a, b, mask: (a.detach() * (1 - mask) + a * 0).clamp(max=1).acos().sum(),
    "divisor": lambda a, b, mask: (b.detach() / (a * mask)).sum(),
    "one side": lambda a, b, mask: OneSide.apply(a * mask, b).sqrt().sum(),
    "own function": lambda a, b, mask: (Upset.apply(a * b, mask) * b).sum(),
    "meeting in one part": _meeting_in_one_part,
    "meeting behind": _meeting_in_the_second_part,
    "meeting in the other part": _meeting_in_the_other_part,
    "unbound": _unbound,
    "deviation": _deviation,
    "greatest": _greatest,
    "edited part": _edited_part,
    "parts": _parts,
    "meeting": _meeting,
    "meeting, and a root": _meeting_and_root,
    "leaf": lambda a, b, mask: a.sum(),
    "plain sum": lambda a, b, mask: (a * b + b / a).mean(),
    "overflow": lambda a, b, mask: ((a * 1e6).exp() * mask * b).sum(),
    "inf minus inf": lambda a, b, mask: ((b * 1e6).exp() - (b * 1e6).exp() * a).mean(),
    "nan drawn": lambda a, b, mask: (a * (b / mask * 0)).exp().sum(),
    "deep": _deep,
    "root of a product": lambda a, b, mask: (a * mask).prod().sqrt(),
    "doubled": _doubled,
}
