"""Runs a training loop line by line on a real optimizer, and remembers what each line changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Point = tuple[float, float]
MakeOptimizer = Callable[[list[Tensor]], torch.optim.Optimizer]

START: Point = (-1.0, 3.0)
LOWEST: Point = (3.0, 1.0)
CURVATURE: Point = (1.0, 4.0)
ROUNDS = 8
FARTHEST = 1e3

CLEAR, FORWARD, BACKWARD, STEP = (
    "opt.zero_grad()",
    "loss = f(p)",
    "loss.backward()",
    "opt.step()",
)


@dataclass(frozen=True)
class Order:
    """An order of the loop's lines, what to call it, and what comes of it."""

    name: str
    lines: tuple[str, ...]
    verdict: str


ORDERS = (
    Order("the usual order", (CLEAR, FORWARD, BACKWARD, STEP), ""),
    Order("zero_grad at the end: also right", (FORWARD, BACKWARD, STEP, CLEAR), ""),
    Order(
        "no zero_grad",
        (FORWARD, BACKWARD, STEP),
        "every step follows the sum of all gradients so far",
    ),
    Order(
        "zero_grad between backward and step",
        (FORWARD, BACKWARD, CLEAR, STEP),
        "every gradient is thrown away before it is used",
    ),
    Order(
        "step before backward",
        (CLEAR, FORWARD, STEP, BACKWARD),
        "no step finds a gradient",
    ),
    Order(
        "step at the start",
        (STEP, CLEAR, FORWARD, BACKWARD),
        "every gradient is used one round late, and the last one never",
    ),
)


@dataclass(frozen=True)
class Frame:
    """What there is after one line: parameter, gradient, optimizer state, loss.

    `line` is the line's place in the order, None before the first; `round_` counts from 1.
    """

    line: int | None
    round_: int
    p: Point
    grad: Point | None
    loss: float | None
    state: dict[str, Point | float]
    lr: float


@dataclass(frozen=True)
class Run:
    """An order run with an optimizer: a frame before it, and one after every line."""

    title: str
    order: Order
    frames: tuple[Frame, ...]

    def path(self, upto: int) -> list[Point]:
        """Where p was, from the start to a frame, each place once."""
        places: list[Point] = []
        for frame in self.frames[: upto + 1]:
            if not places or places[-1] != frame.p:
                places.append(frame.p)
        return places


def valley(p: Tensor) -> Tensor:
    """The loss: a valley, four times as steep across as along; lowest, 0, at (3, 1)."""
    return 0.5 * (p[0] - 3) ** 2 + 2 * (p[1] - 1) ** 2


def run(title: str, order: Order, make: MakeOptimizer, rounds: int = ROUNDS) -> Run:
    """Run the loop and look at everything after each line. Stops early if p runs away."""
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    opt = make([p])
    loss: Tensor | None = None
    frames = [_frame(None, 1, p, loss, opt)]
    for round_ in range(1, rounds + 1):
        for i, line in enumerate(order.lines):
            if line == CLEAR:
                opt.zero_grad()
            elif line == FORWARD:
                loss = valley(p)
            elif line == BACKWARD:
                assert loss is not None
                loss.backward()
            else:
                opt.step()
            frames.append(_frame(i, round_, p, loss, opt))
        if not bool((p.detach().abs() < FARTHEST).all()):
            break
    return Run(title, order, tuple(frames))


def _frame(
    line: int | None, round_: int, p: Tensor, loss: Tensor | None, opt: torch.optim.Optimizer
) -> Frame:
    grad = None if p.grad is None else _point(p.grad)
    return Frame(
        line,
        round_,
        _point(p),
        grad,
        None if loss is None else loss.item(),
        {name: _entry(value) for name, value in opt.state.get(p, {}).items() if value is not None},
        float(opt.param_groups[0]["lr"]),
    )


def _entry(value: object) -> Point | float:
    if isinstance(value, Tensor) and value.numel() == 2:
        return _point(value)
    return float(value)  # type: ignore[arg-type]


def _point(t: Tensor) -> Point:
    first, second = t.detach().tolist()
    return first, second


class Planned:
    """A run that happens when it is first asked for, and what a choice of it is called."""

    def __init__(self, title: str, order: Order, make: MakeOptimizer) -> None:
        self.name = f"{title}, {order.name}"
        self.order = order
        self._run: Run | None = None
        self._start: Callable[[], Run] = lambda: run(title, order, make)

    def run(self) -> Run:
        """The run, which happens once."""
        if self._run is None:
            self._run = self._start()
        return self._run


def standard_runs() -> list[Planned]:
    """The loop of four optimizers, then the other orders with plain SGD."""
    optimizers: tuple[tuple[str, MakeOptimizer], ...] = (
        ("SGD(lr=0.4)", lambda ps: torch.optim.SGD(ps, lr=0.4)),
        ("SGD(lr=0.1, momentum=0.8)", lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.8)),
        ("Adam(lr=0.6)", lambda ps: torch.optim.Adam(ps, lr=0.6)),
        (
            "AdamW(lr=0.6, weight_decay=0.3)",
            lambda ps: torch.optim.AdamW(ps, lr=0.6, weight_decay=0.3),
        ),
    )
    usual = [Planned(title, ORDERS[0], make) for title, make in optimizers]
    title, make = optimizers[0]
    return [*usual, *(Planned(title, order, make) for order in ORDERS[1:])]


def runs_of(make: MakeOptimizer, title: str) -> list[Planned]:
    """Every order of the loop with one optimizer."""
    return [Planned(title, order, make) for order in ORDERS]
