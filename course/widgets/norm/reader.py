"""What a normalization layer does to a block of numbers, as plain data measured on the real one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class Group:
    """Entries, by flat index, that are normalised by one mean and one variance."""

    entries: frozenset[int]
    mean: float
    variance: float


@dataclass(frozen=True)
class Measured:
    """One layer on one block of shape (N, C, H, W).

    ``x`` and ``y`` are flat. ``reached[i]`` holds the inputs that output ``i`` depends on, by its
    derivatives; ``influence[i][j]`` is the norm of d y[i] / d x[j] for samples i and j.
    ``remembered`` says that mean and variance are running statistics. ``mode_difference`` is the
    largest difference between the outputs in training and in eval mode.
    """

    name: str
    shape: Shape
    x: tuple[float, ...]
    y: tuple[float, ...]
    groups: tuple[Group, ...]
    reached: tuple[frozenset[int], ...]
    influence: tuple[tuple[float, ...], ...]
    remembered: bool
    mode_difference: float


def measure(layer: nn.Module, x: Tensor) -> Measured:
    """Run a copy of ``layer``, in its mode, on ``x`` of shape (N, C, H, W), and take derivatives.

    Raises:
        TypeError: if the layer saves no mean for its backward pass and keeps no running one.
    """
    twin: Any = copy.deepcopy(layer).cpu().double()
    block = x.detach().cpu().double().requires_grad_()
    remembered = not twin.training and getattr(twin, "running_mean", None) is not None
    name = _name(layer)
    y = copy.deepcopy(twin)(block)
    jacobian = _jacobian(y, block)
    reached = tuple(frozenset(row.nonzero().flatten().tolist()) for row in jacobian)
    n = block.shape[0]
    by_sample = jacobian.reshape(n, -1, n, block[0].numel())
    influence = by_sample.square().sum((1, 3)).sqrt()
    groups = _remembered(twin, block) if remembered else _averaged(y, twin, reached)
    plain = block.detach()
    modes = [copy.deepcopy(twin).train(mode)(plain).detach() for mode in (True, False)]
    return Measured(
        name=name,
        shape=(block.shape[0], block.shape[1], block.shape[2], block.shape[3]),
        x=tuple(block.flatten().tolist()),
        y=tuple(y.flatten().tolist()),
        groups=groups,
        reached=reached,
        influence=tuple(tuple(row) for row in influence.tolist()),
        remembered=remembered,
        mode_difference=float((modes[0] - modes[1]).abs().max()),
    )


def _jacobian(y: Tensor, x: Tensor) -> Tensor:
    """d y / d x of shape (entries of y, entries of x), rounding taken for 0."""
    rows = [torch.autograd.grad(entry, x, retain_graph=True)[0].flatten() for entry in y.flatten()]
    jacobian = torch.stack(rows)
    return torch.where(jacobian.abs() > 1e-9 * jacobian.abs().max(), jacobian, 0.0)


def _averaged(y: Tensor, layer: Any, reached: Sequence[frozenset[int]]) -> tuple[Group, ...]:
    """The groups that outputs depend on, with the mean and deviation that the layer saved."""
    node = _norm_node(y)
    if node is None:
        raise TypeError(f"{type(layer).__name__} saves no mean and no variance to be shown")
    means, inverse = (t.detach().flatten() for t in (node._saved_result1, node._saved_result2))
    variances = inverse**-2 - layer.eps
    # torch saves them sample by sample, and channel by channel in each: so the groups begin.
    groups = sorted(set(reached), key=min)
    if len(groups) != len(means):
        raise TypeError(f"{len(groups)} groups of values, and {len(means)} means")
    return tuple(
        Group(entries, float(mean), float(variance))
        for entries, mean, variance in zip(groups, means, variances, strict=True)
    )


def _remembered(layer: Any, x: Tensor) -> tuple[Group, ...]:
    """One group for each channel, with the running statistics of the layer."""
    channel = torch.arange(x.shape[1]).reshape(1, -1, 1, 1).expand_as(x).flatten()
    return tuple(
        Group(frozenset((channel == c).nonzero().flatten().tolist()), float(mean), float(variance))
        for c, (mean, variance) in enumerate(
            zip(layer.running_mean, layer.running_var, strict=True)
        )
    )


def _norm_node(y: Tensor) -> Any:
    """The first node behind ``y`` that saved a mean: result1, with one over the root as result2."""
    node: Any = y.grad_fn
    while node is not None and not hasattr(node, "_saved_result2"):
        node = next((following for following, _ in node.next_functions if following), None)
    return node


def _name(layer: Any) -> str:
    """``BatchNorm2d(4) in training``: the type, its sizes, and its mode if that can matter."""
    kind = type(layer).__name__
    if hasattr(layer, "num_groups"):
        sizes = f"{layer.num_groups}, {layer.num_channels}"
    elif hasattr(layer, "num_features"):
        sizes = f"{layer.num_features}"
    else:
        sizes = f"{tuple(getattr(layer, 'normalized_shape', ()))}"
    mode = ""
    if getattr(layer, "running_mean", None) is not None:
        mode = " in training" if layer.training else " in eval mode"
    return f"{kind}({sizes}){mode}"
