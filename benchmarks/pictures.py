"""How long a step of a live picture takes: graphs, nets of many nodes, and the other kinds."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator

import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course.widgets import (
    explore,
    explore_batches,
    explore_nan,
    explore_pipeline,
    explore_strides,
    explore_vjp,
)
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player

MOST_MS = 100


def main() -> int:
    """Print the milliseconds, and give 1 as exit status if a step took too long."""
    table = Table("picture", "made", "a step", "the slowest step", title="Milliseconds")
    slow = False
    for name, player, made in (small(), *(deep(blocks) for blocks in (40, 400)), *others()):
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


def others() -> Iterator[tuple[str, Player, float]]:
    """The pictures that show no graph of a loss, each as its lesson shows it; and a nan's way."""
    x = torch.tensor([1.0, 0.0], requires_grad=True)
    grid = torch.arange(12.0).view(3, 4)
    eleven = TensorDataset(torch.arange(11.0))
    makers: dict[str, Callable[[], Player | Notice]] = {
        "a Jacobian": lambda: explore_vjp(grid[0, :3], softmax=lambda v: v.softmax(0)),
        "a storage": lambda: explore_strides(grid, "x.T", "x[1:, ::2]"),
        "batches": lambda: explore_batches(DataLoader(eleven, batch_size=3, shuffle=True)),
        "a pipeline": lambda: explore_pipeline(stages=3, micro=4),
        "a nan": lambda: explore_nan(torch.where(x > 0, x.sqrt(), 0.0).sum()),
    }
    for name, make in makers.items():
        began = time.perf_counter()
        player = make()
        assert not isinstance(player, Notice)
        yield name, player, (time.perf_counter() - began) * 1e3


def timed(player: Player, step: int) -> float:
    """Milliseconds from a move of the slider until the picture and its sentence are there."""
    began = time.perf_counter()
    player.step = step
    return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    sys.exit(main())
