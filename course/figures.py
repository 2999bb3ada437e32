"""Figures of lessons, drawn by matplotlib in the course's style, each with its words beside it."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course.widgets.frame.look import LIGHT, figure_style


@dataclass(frozen=True)
class Shown:
    """A drawn figure, `width` pixels wide; its words stand where it cannot be seen."""

    png: bytes
    width: int
    words: str

    def __repr__(self) -> str:
        return self.words

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode()
        return (
            f'<img alt="{html.escape(self.words)}" width="{self.width}" '
            f'src="data:image/png;base64,{data}">'
        )


HUES = ("storage", "gradient", "leaf", "accumulate")


def border(x: Tensor, y: Tensor, scores: Callable[[Tensor], Tensor], words: str) -> Shown:
    """Points of two classes in the plane, and where a model changes its mind.

    Args:
        x: points, of shape (N, 2).
        y: their classes, 0 or 1, of shape (N,).
        scores: takes points of shape (M, 2) to scores of shape (M, 2).
        words: what the figure shows; its text alternative.
    """
    with figure_style():
        axes = _axes("x[0]", "x[1]", (5.5, 3.6))
        for number, marker in enumerate("o^"):
            chosen = x[y == number]
            colour = LIGHT.stroke[HUES[number]]
            axes.scatter(chosen[:, 0], chosen[:, 1], s=18, marker=marker, color=colour, alpha=0.8)
            at = chosen[chosen[:, 1].argmax() if number == 0 else chosen[:, 1].argmin()]
            place = (at[0].item(), at[1].item() + (0.12 if number == 0 else -0.22))
            axes.text(*place, f"class {number}", ha="center")
        low, high = x.amin(0) - 0.4, x.amax(0) + 0.4
        across, up = torch.meshgrid(
            torch.linspace(float(low[0]), float(high[0]), 120),
            torch.linspace(float(low[1]), float(high[1]), 120),
            indexing="xy",
        )
        with torch.no_grad():
            found = scores(torch.stack([across.flatten(), up.flatten()], 1))
        ahead = (found[:, 1] - found[:, 0]).reshape(across.shape)
        axes.contour(across, up, ahead, levels=[0.0], colors=LIGHT.ink, linewidths=2)
        return _picture(axes, words)


def race(
    loss: Callable[[Tensor], Tensor], ways: Mapping[str, Tensor], start: str, words: str
) -> Shown:
    """The ways of several optimizers over a loss of two numbers, whose lowest point is (0, 0).

    Args:
        loss: takes points of shape (..., 2) to losses of shape (...).
        ways: by the optimizer's name the points it came through, of shape (steps + 1, 2).
        start: what is written beside the point where all start.
        words: what the figure shows; its text alternative.
    """
    with figure_style():
        figure = Figure(figsize=(7.0, 1.9 * len(ways)), layout="constrained")
        panels = figure.subplots(len(ways), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        across, up = torch.meshgrid(
            torch.linspace(-5.0, 2.0, 90), torch.linspace(-2.0, 2.0, 60), indexing="xy"
        )
        height = loss(torch.stack([across, up], -1))
        for axes, hue, (name, way) in zip(panels, HUES, ways.items(), strict=False):
            axes.contour(across, up, height, levels=12, colors=LIGHT.hairline, linewidths=1)
            colour = LIGHT.stroke[hue]
            axes.plot(*way.T, color=colour, linestyle="-", marker=".", linewidth=1.2)
            axes.plot(0, 0, marker="+", color=LIGHT.ink, markersize=12, markeredgewidth=2)
            axes.text(0.99, 0.06, name, ha="right", transform=axes.transAxes, color=LIGHT.ink)
            axes.set_ylabel("p[1]")
        first = next(iter(ways.values()))[0]
        panels[0].text(float(first[0]) + 0.1, float(first[1]), start)
        panels[-1].set_xlabel("p[0]")
        return _picture(panels[0], words)


def curves(lines: Mapping[str, Sequence[float]], height: str, words: str) -> Shown:
    """One curve for each name over the steps of a training, on a logarithmic height.

    Args:
        lines: the numbers of each curve, step by step.
        height: what they are.
        words: what the figure shows; its text alternative.
    """
    with figure_style():
        axes = _axes("step", height, (7.0, 3.4))
        axes.set_yscale("log")
        for numbers in lines.values():
            axes.plot(range(len(numbers)), numbers, linewidth=1.8)
        steps = max(len(numbers) for numbers in lines.values())
        ends = {name: numbers[-1] for name, numbers in lines.items()}
        for name, line in zip(lines, axes.get_lines(), strict=True):
            axes.text(1.01 * steps, ends[name], name, va="center", color=line.get_color())
        axes.set_xlim(0, 1.38 * steps)
        axes.set_xticks(range(0, steps + 1, max(1, steps // 6)))
        return _picture(axes, words)


def trainings(
    runs: Mapping[str, Sequence[Sequence[float]]], guess: float, words: str, over: int = 20
) -> Shown:
    """Several trainings of each kind, side by side: a panel for each kind, a curve for each run.

    Args:
        runs: by the name of a kind the losses of each of its trainings, step by step.
        guess: the loss of guessing, drawn as a dotted line.
        words: what the figure shows; its text alternative.
        over: how many steps a point of a curve is the mean of.
    """
    with figure_style():
        figure = Figure(figsize=(2.5 * len(runs), 2.8), layout="constrained")
        panels = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
        colour = LIGHT.stroke[HUES[0]]
        for axes, (name, losses) in zip(panels, runs.items(), strict=True):
            for run in losses:
                means = torch.tensor(run).unfold(0, over, over // 4).mean(1)
                steps = over + over // 4 * torch.arange(len(means))
                axes.plot(steps, means, color=colour, linestyle="-", linewidth=1)
            axes.axhline(guess, color=LIGHT.ink, linestyle=":", linewidth=1)
            axes.set(title=name, xlabel="step")
        panels[0].set_ylim(bottom=0)
        panels[0].set_ylabel(f"loss, mean of {over} steps")
        return _picture(panels[0], words)


def _axes(across: str, up: str, size: tuple[float, float]) -> Axes:
    axes = Figure(figsize=size, layout="constrained").subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return axes


def _picture(axes: Axes, words: str) -> Shown:
    file = io.BytesIO()
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    figure.savefig(file, format="png", dpi=140)
    width = int(figure.get_figwidth() * 96)
    return Shown(file.getvalue(), width, words)
