"""A model of which an optimizer holds nothing, since another or older parameters have its place."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch import Tensor, nn

from course.companion.finding import Finding, found
from course.companion.record.calls import Record
from course.companion.surroundings import Surroundings


def swapped(
    around: Surroundings,
    model: str,
    holding: set[int],
    record: Record | None,
    words: dict[str, Any],
) -> Finding | None:
    """The model of the same layers that an optimizer holds, that was used, and that gets nothing.

    `model` is held by none and gets all gradients.
    """
    if record is None or not all(_has_gradient(p) for p in _learning(around.models[model])):
        return None
    shapes = _shapes(around.models[model])
    for name, other in around.models.items():
        mine = _learning(other)
        if name == model or not mine or _shapes(other) != shapes:
            continue
        used = all(record.source_of(one) is not None for one in mine)
        idle = not any(_has_gradient(one) for one in mine)
        if used and idle and all(id(one) in holding for one in mine):
            return found("swapped", sure=False, model=model, other=name, **words)
    return None


def are_others(around: Surroundings, model: str) -> bool:
    """Whether the optimizers hold nothing of a model, but tensors of the same shapes."""
    parameters = list(around.models[model].parameters())
    groups = [group for one in around.optimizers.values() for group in one.param_groups]
    others = [one for group in groups for one in group["params"]]
    if {id(one) for one in parameters} & {id(one) for one in others}:
        return False
    return Counter(one.shape for one in parameters) == Counter(one.shape for one in others)


def _learning(model: nn.Module) -> list[nn.Parameter]:
    return [one for one in model.parameters() if one.requires_grad]


def _shapes(model: nn.Module) -> list[tuple[str, Any]]:
    return [(name, one.shape) for name, one in model.named_parameters()]


def _has_gradient(one: Tensor) -> bool:
    return one.grad is not None and bool(one.grad.any())
