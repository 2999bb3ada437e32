"""What a node saved for its backward: its result, whether that is finite, and why it is not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

DIVIDED, LARGE, OF_LOG, OF_ROOT = "divided", "large", "of log", "of root"
"""By 0, more than exp can give, 0 or less for a logarithm, less than 0 for a root."""
_LOGS = {
    "LogBackward0": torch.log,
    "Log2Backward0": torch.log2,
    "Log10Backward0": torch.log10,
    "Log1PBackward0": torch.log1p,
}
_FROM_SAVED = {
    **{(name, "_saved_self"): log for name, log in _LOGS.items()},
    ("AcosBackward0", "_saved_self"): torch.acos,
    ("AsinBackward0", "_saved_self"): torch.asin,
    ("DivBackward0", "_saved_other"): torch.reciprocal,
}
"""Nodes that save what they were given: by it, whether their result is finite."""


def saved(node: Any, name: str) -> Tensor | None:
    """What a node saved by a name; None if that is freed or was edited."""
    try:
        value = getattr(node, name, None)
    except RuntimeError:
        return None
    return value.detach() if isinstance(value, Tensor) else None  # a parameter too


def results(node: Any) -> list[Tensor]:
    """What a node saved of its result."""
    found = []
    for name in ("_saved_result", "_saved_self", "_saved_other", "_saved_result0"):
        if (value := saved(node, name)) is not None:
            found.append(value)
            again = _FROM_SAVED.get((type(node).__name__, name))
            if again is not None:
                found.append(again(value))
    return found


def why(node: Any) -> tuple[str, int, int]:
    """What a node whose result is not finite was given, in how many places of how many."""
    name = type(node).__name__
    if name == "DivBackward0" and (by := saved(node, "_saved_other")) is not None:
        return _counted(DIVIDED, by == 0)
    if name == "ExpBackward0" and (result := saved(node, "_saved_result")) is not None:
        return _counted(LARGE, torch.isposinf(result))
    if name == "PowBackward0" and (given := saved(node, "_saved_self")) is not None:
        power = getattr(node, "_saved_exponent", 1.0)
        fraction = isinstance(power, int | float) and power != int(power)
        return _counted(OF_ROOT, given < 0) if fraction else ("", 0, 0)
    if name in _LOGS and (given := saved(node, "_saved_self")) is not None:
        return _counted(OF_LOG, given <= (-1 if name == "Log1PBackward0" else 0))
    return "", 0, 0


def _counted(kind: str, bad: Tensor) -> tuple[str, int, int]:
    count = int(bad.sum())
    return (kind, count, bad.numel()) if count else ("", 0, 0)
