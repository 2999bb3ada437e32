"""Zeros and nans that other values make of a gradient: what gave them; each beside a right one."""

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.programs import asked, leaf, pair

LINES = []
"""(program, text of the line that its first finding names)."""


def named(line):
    """Register a program whose finding names this line."""

    def register(wrong):
        LINES.append((wrong, line))
        return wrong

    return register


def gone(make, weight, given):
    """Ask about a weight after a step whose loss is gone."""
    torch.manual_seed(0)
    model, given = make(), given.detach()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        loss = model(given).pow(2).mean()
        loss.backward()
        optimizer.step()

    with watch():
        step()
    return why_no_grad(weight(model))


# nan that a choice hides


class Chosen(nn.Module):
    """A logarithm of what may be negative, where a choice takes the other value."""

    def __init__(self, low=None, by=None):
        super().__init__()
        self.layer, self.low = nn.Linear(3, 3), low
        self.by = by or (lambda mask, x: torch.where(mask, x, 0.0))

    def forward(self, x):
        p = self.layer(x).softmax(1)
        inside = p - 0.5
        if self.low is not None:
            inside = inside.clamp(min=self.low)
        entropy = p * inside.log()
        return self.by(p > 0.5, entropy) + p


def _chosen(low=None, by=None):
    torch.manual_seed(0)
    model = Chosen(low, by)
    with watch():
        loss = model(leaf(4, 3).detach()).sum()
        loss.backward()
    return why_no_grad(model.layer.weight, loss)


@named("entropy = p * inside.log()")
@pair("nan_hidden", lambda: _chosen(1e-6))
def _():
    return _chosen()


@named("entropy = p * inside.log()")
@pair("nan_hidden", lambda: gone(lambda: Chosen(1e-6), lambda m: m.layer.weight, leaf(4, 3)))
def _():
    return gone(Chosen, lambda m: m.layer.weight, leaf(4, 3))


@named("entropy = p * inside.log()")
@pair("nan_hidden", lambda: _chosen(1e-6, lambda mask, x: x.masked_fill(~mask, 0.0)))
def _():
    return _chosen(by=lambda mask, x: x.masked_fill(~mask, 0.0))


# Factors that are both zero


class Adapter(nn.Module):
    def __init__(self, down, conv=False):
        super().__init__()
        kind = (lambda a, b: nn.Conv2d(a, b, 1, bias=False)) if conv else nn.Linear
        options = {} if conv else {"bias": False}
        self.down, self.up = kind(3, 2, **options), kind(2, 3, **options)
        nn.init.constant_(self.down.weight, down)
        nn.init.zeros_(self.up.weight)

    def forward(self, x):
        return x + self.up(self.down(x))


def _adapted(down, conv=False):
    def make():
        return nn.Sequential(Adapter(down, conv), Adapter(down, conv))

    given = leaf(2, 3, 4, 4) if conv else leaf(2, 3)
    return gone(make, lambda m: m[0].down.weight, given)


@named("return x + self.up(self.down(x))")
@pair("zero_both", lambda: _adapted(0.5))
def _():
    return _adapted(0.0)


@named("return x + self.up(self.down(x))")
@pair("zero_both", lambda: _adapted(0.5, conv=True))
def _():
    return _adapted(0.0, conv=True)


def _gated(start):
    a, b, x = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.full((3,), start)), leaf(2, 3)
    with watch():
        loss = (x.detach() * (1 + a * b)).sum()
        loss.backward()
    return why_no_grad(b, loss) if not start else why_no_grad(a, loss)


@named("loss = (x.detach() * (1 + a * b)).sum()")
@pair("zero_both", lambda: _gated(0.5))
def _():
    return _gated(0.0)


# Zeros that a clamp gave, as an area or as what is divided


def _overlap(at, area):
    box, other = leaf(2, 4), torch.tensor([[0.0, 0.0, 1.0, 1.0]]) + at

    def loss(box):
        low = torch.maximum(box[:, :2] - 0.5, other[:, :2])
        sides = (torch.minimum(box[:, 2:] + 0.5, other[:, 2:]) - low).clamp(min=0)
        return area(sides, box)

    return asked(loss, box)


def _iou(sides, box):
    inter = sides[:, 0] * sides[:, 1]
    whole = (box[:, 2] - box[:, 0] + 1) * (box[:, 3] - box[:, 1] + 1) + 1
    return (1 - inter / (whole - inter)).mean()


@pair("zero_beyond", lambda: _overlap(0.5, _iou))
def _():
    return _overlap(50.0, _iou)


@named("return -sides.prod(1).mean()")
@pair("zero_beyond", lambda: _overlap(0.5, lambda sides, box: -sides.prod(1).mean()))
def _():
    def area(sides, box):
        return -sides.prod(1).mean()

    return _overlap(50.0, area)


# Sampling at the nearest place


def _sampled(**mode):
    image = leaf(1, 1, 4, 4).detach()

    def loss(shift):
        grid = F.affine_grid(torch.eye(2, 3)[None] + shift, image.shape, align_corners=False)
        return F.grid_sample(image, grid, align_corners=False, **mode).square().sum()

    return asked(loss, leaf(1, 2, 3))


@named("return F.grid_sample(image, grid, align_corners=False, **mode).square().sum()")
@pair("zero_nearest", lambda: _sampled(mode="bilinear"))
def _():
    return _sampled(mode="nearest")


# A hook on a weight that is used twice


def hooked(by):
    """Ask about a weight that enters a loss by two ways, with a hook on it."""
    w = leaf(3)
    w.register_hook(by)
    return asked(lambda w: w.sum() + w.square().sum(), w)


@named("w.register_hook(by)")
@pair("zero_hook", lambda: hooked(lambda g: g * 2))
def _():
    return hooked(lambda g: g * 0)


def cancelling(by):
    """Of one whose two ways cancel, with a hook on it."""
    w = leaf(3)
    w.register_hook(by)
    return asked(lambda w: w.sum() - (1.0 * w).sum(), w)
