"""What a backward pass was given to start with, and what it returned, by size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from course.companion.record.calls import Pass
from course.companion.record.sizes import Size, size_of


def with_results(about: Pass, roots: Sequence[Tensor], kwargs: dict[str, Any], out: Any) -> Pass:
    """A pass with the sizes of the gradients that it was given, and returned if recorded."""
    about = replace(about, seed=_seed(kwargs))
    created = bool(kwargs.get("create_graph"))
    if created and any(not root.is_cpu for root in roots):
        return replace(about, elsewhere=True)
    if about.made[0] == about.made[1] or not isinstance(out, tuple):
        return about
    return replace(about, given=tuple(size_of(one) for one in out))


def _seed(kwargs: dict[str, Any]) -> Size | None:
    """The size of the one gradient that a pass was given to start with."""
    given = [kwargs.get(name) for name in ("gradient", "grad_tensors", "grad_outputs")]
    flat = [one for one in given if one is not None]
    if len(flat) == 1 and isinstance(flat[0], list | tuple) and len(flat[0]) == 1:
        flat = list(flat[0])
    return size_of(flat[0]) if len(flat) == 1 else None
