"""How long a step of a live picture takes: a small graph, and nets of more and more nodes."""

from __future__ import annotations

import statistics
import sys
import time

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from course.widgets import explore
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player

MOST_MS = 100


def main() -> int:
    """Print the milliseconds, and give 1 as exit status if a step took too long."""
    table = Table("picture", "made", "a step", "the slowest step", title="Milliseconds")
    slow = False
    for name, player, made in (small(), *(deep(blocks) for blocks in (40, 400))):
        steps = [timed(player, step) for step in range(player.last_step + 1)]
        slow = slow or max(steps) > MOST_MS
        table.add_row(name, *(f"{one:.1f}" for one in (made, statistics.median(steps), max(steps))))
    Console().print(table)
    return int(slow)


def small() -> tuple[str, Player, float]:
    """Five numbers and a loss, every node of it shown."""
    w = [torch.tensor(float(i), requires_grad=True) for i in range(1, 6)]
    loss = 10 - (w[3] * (w[1] * w[0]) + w[4] * (w[2] * w[0]))
    began = time.perf_counter()
    player = explore(loss)
    assert not isinstance(player, Notice)
    return "a graph of 7 operations", player, (time.perf_counter() - began) * 1e3


def deep(blocks: int) -> tuple[str, Player, float]:
    """A net of so many blocks, folded into its modules."""
    layers = [nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.ReLU()) for _ in range(blocks)]
    net = nn.Sequential(*layers)
    loss = net(torch.randn(3, 4)).square().mean()
    began = time.perf_counter()
    player = explore(loss, net)
    assert not isinstance(player, Notice)
    return f"a net of {blocks} blocks", player, (time.perf_counter() - began) * 1e3


def timed(player: Player, step: int) -> float:
    """Milliseconds from a move of the slider until the picture and its sentence are there."""
    began = time.perf_counter()
    player.step = step
    return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    sys.exit(main())
