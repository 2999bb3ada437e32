"""What a watched training step costs beside an unwatched one, by kind of net.

Processor seconds of whole steps (forward, backward, optimizer), as the median of several rounds in
which both are measured in turn.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from course import watch

STEPS = 40
ROUNDS = 7
MOST = 3.0
"""How many times an unwatched step a watched one may cost."""


class Recurrent(nn.Module):
    """A recurrent net written out, of many small operations."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.on, self.out = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[0], 16)
        for time_step in range(x.shape[1]):
            h = torch.tanh(self.into(x[:, time_step]) + self.on(h))
        result: Tensor = self.out(h)
        return result


def perceptron() -> nn.Module:
    """Three layers, as in the lessons."""
    layers = (nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
    return nn.Sequential(*layers)


def convolutional() -> nn.Module:
    """One convolution with its normalization."""
    layers = (nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(800, 5))
    return nn.Sequential(*layers)


def attentive() -> nn.Module:
    """One layer of a transformer."""
    return nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)


NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], type[torch.optim.Optimizer]]] = {
    "three layers, Adam": (perceptron, (32, 20), torch.optim.Adam),
    "three layers, SGD": (perceptron, (32, 20), torch.optim.SGD),
    "convolution, Adam": (convolutional, (16, 1, 12, 12), torch.optim.Adam),
    "recurrent, SGD": (Recurrent, (8, 10, 8), torch.optim.SGD),
    "transformer, AdamW": (attentive, (8, 10, 32), torch.optim.AdamW),
}


def ratio(name: str) -> tuple[float, float]:
    """Microseconds of an unwatched step, and how many times as long a watched one takes."""
    torch.manual_seed(0)
    make, shape, kind = NETS[name]
    model = make()
    optimizer = kind(model.parameters(), lr=0.01)  # type: ignore[call-arg]
    x = torch.randn(shape)

    def steps() -> float:
        began = time.process_time()
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = model(x).pow(2).mean()
            loss.backward()
            optimizer.step()
        return time.process_time() - began

    steps()
    plain, times = [], []
    for _ in range(ROUNDS):
        plain.append(steps())
        with watch():
            times.append(steps() / plain[-1])
    return statistics.median(plain) / STEPS * 1e6, statistics.median(times)


def main() -> None:
    """Measure, and print a table."""
    table = Table("net", "µs a step", "watched, times", title=f"at most {MOST:g} times")
    for name in NETS:
        microseconds, times = ratio(name)
        table.add_row(name, f"{microseconds:,.0f}", f"{times:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
