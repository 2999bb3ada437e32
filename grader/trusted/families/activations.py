"""Mistakes with an activation: another one in the place of relu."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from grader.trusted.key import mistake

Mistakes = tuple[Callable[..., Any], ...]
Activation = Callable[[Tensor], Tensor]

_BELOW = "goes on below 0. relu is 0 for every negative number."
_SMOOTH = "is smooth around 0. relu is 0 for negative numbers, and hands others on."
_BOUNDED = "ends above as well. relu has no upper bound."
_KIN: tuple[tuple[str, str, str, Activation], ...] = (
    ("elu", "elu", _BELOW, F.elu),
    ("selu", "selu", _BELOW, F.selu),
    ("leaky_relu", "leaky_relu", _BELOW, F.leaky_relu),
    ("softplus", "softplus", _SMOOTH, F.softplus),
    ("gelu", "gelu", _SMOOTH, F.gelu),
    ("silu", "silu", _SMOOTH, F.silu),
    ("relu6", "relu6, or clamp(0, 6)", _BOUNDED, F.relu6),
    ("unit_clamp", "clamp(0, 1)", _BOUNDED, lambda y: y.clamp(0, 1)),
    ("hardtanh", "hardtanh, or clamp(-1, 1)", _BOUNDED, F.hardtanh),
)


def kin_of_relu(answer: Callable[..., Any], activation: str = "cut") -> Mistakes:
    """An answer that takes the activation by this name, with each of relu's kin in its place."""

    def made(by: Activation) -> Callable[..., Any]:
        return lambda *given: answer(*given, **{activation: by})

    return tuple(
        mistake(f"{name}_for_relu", f"You took {called} for relu. It {why}", made(by))
        for name, called, why, by in _KIN
    )
