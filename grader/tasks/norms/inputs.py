"""What the exercises on normalization layers are given: values, and how they lie in memory."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import some_numbers
from grader.engine.observation import gradient
from grader.engine.task import Case, Rng

EPS = 0.05
"""Large enough that a misplaced eps shows in float32."""


def activations(rng: Rng, *shape: int) -> Tensor:
    """Values of shape (N, C, ...) in which every channel has a mean and a spread of its own."""
    per_channel = (shape[1], *(1 for _ in shape[2:]))
    spread, mean = rng.uniform(0.5, 1.5, *per_channel), rng.apart(0.5, 2.0, *per_channel)
    return rng.normal(*shape) * spread + mean


def affine(rng: Rng, *shape: int) -> dict[str, Tensor]:
    """A weight and a bias, neither of them near 0 or 1."""
    return {"w": rng.apart(1.3, 2.0, *shape), "b": rng.apart(0.5, 1.0, *shape)}


def laid_out(x: Tensor, layout: str) -> Tensor:
    """A tensor of x's shape: "channels last" in memory, "expanded" from row 0, or a plain copy."""
    if layout == "channels last":
        return x.movedim(1, -1).contiguous().movedim(-1, 1)
    if layout == "expanded":
        return x[:1].expand_as(x)
    return x.clone()


def upstream(rng: Rng, case: Case) -> dict[str, Tensor]:
    """The gradient that arrives at the output, for a case in which gradients are asked for."""
    return {"v": rng.apart(0.5, 2.0, *case["shape"])} if case.params.get("trained") else {}


def trained(answer: Callable[[], Any], leaves: dict[str, Tensor], v: Tensor | None) -> Any:
    """What the answer gives; where a gradient v arrives at it, also what reaches the leaves."""
    if v is None:
        return answer()
    for leaf in leaves.values():
        leaf.requires_grad_().grad = some_numbers(leaf)
    y = answer()
    return {"y": y, **gradients(y, {f"grad of {name}": leaf for name, leaf in leaves.items()}, v)}


def left_of(x: Tensor, found: Any) -> dict[str, str]:
    """What an answer that returns `found` left of x, which had a .grad and required grad."""
    old, now = some_numbers(x), "changed"
    if x.grad is not None and torch.equal(x.grad, old):
        now = "as it was"
    elif x.grad is not None and _alike(found, x) and torch.allclose(x.grad, old + found):
        now = "increased by what you return"
    flag = "as it was" if x.requires_grad else "switched off"
    return {".grad of x": now, "requires_grad of x": flag}


def _alike(found: Any, x: Tensor) -> bool:
    kinds = [(t.shape, t.dtype, t.device) for t in (found, x) if isinstance(t, Tensor)]
    return len(kinds) == 2 and kinds[0] == kinds[1]


def gradients(y: Any, leaves: dict[str, Tensor], v: Tensor) -> dict[str, Any]:
    """What reaches each of the leaves from v at y, by name."""
    return {name: gradient(y, leaf, v) for name, leaf in leaves.items()}
