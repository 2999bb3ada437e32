"""What the exercises on normalization layers are given: values, and how they lie in memory."""

from torch import Tensor

from grader.engine.task import Rng

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
