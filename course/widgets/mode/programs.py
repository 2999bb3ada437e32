"""The small programs whose lines the picture of chapter 4 runs in one mode after the other."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Program:
    """``given`` runs first, in every mode alike; ``inside`` runs in the mode, ``after`` behind it.

    Each line assigns one tensor, or edits one in place.
    """

    title: str
    given: str
    inside: tuple[str, ...]
    after: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Every line that is watched."""
        return self.inside + self.after


@dataclass(frozen=True)
class Mode:
    """What a column of the picture changes: the block around the lines, and the modules' mode."""

    title: str
    evaluates: bool = False
    gradients: str = ""

    def block(self) -> AbstractContextManager[Any]:
        """The block in which the lines inside run."""
        if self.gradients == "no_grad":
            return torch.no_grad()
        return torch.inference_mode() if self.gradients else nullcontext()


MODES = (
    Mode("recording"),
    Mode("eval()", evaluates=True),
    Mode("no_grad", gradients="no_grad"),
    Mode("inference_mode", gradients="inference_mode"),
)

PROGRAMS = (
    Program(
        "a net and its loss",
        "model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))\n"
        "x = torch.randn(128, 64)",
        ("h = model[0](x)", "a = model[1](h)", "y = model[2](a)", "loss = y.square().mean()"),
    ),
    Program(
        "layers that behave differently",
        "norm, drop = nn.BatchNorm1d(32), nn.Dropout(0.5)\nx = 3 + torch.randn(128, 32)",
        (
            "n = norm(x)",
            "size = n.square().mean()",
            "d = drop(n)",
            "zeros = (d == 0).sum()",
            "m = norm.running_mean.max()",
        ),
    ),
    Program(
        "leaves, views and edits",
        "x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)\nh = x * 3",
        (
            "y = x * x",
            "v = x[:2]",
            "h.add_(1)",
            "p = nn.Parameter(torch.ones(3))",
            "c = torch.ones(3)",
        ),
    ),
    Program(
        "features for a head",
        "backbone = nn.Linear(64, 32)\nhead = nn.Linear(32, 10)\nx = torch.randn(128, 64)",
        ("f = backbone(x)",),
        ("t = f + head.weight[0]", "s = head(f)", "g = f.clone()", "r = head(g)"),
    ),
    Program(
        "a frozen layer, first and in the middle",
        "first, middle, last = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)\n"
        "x = torch.randn(128, 64)\n"
        "first.requires_grad_(False)\nmiddle.requires_grad_(False)\n"
        "scale = nn.Parameter(torch.tensor(2.0))",
        ("a = first(x).sigmoid()", "b = a * scale", "c = middle(b).sigmoid()", "y = last(c)"),
    ),
)
