"""A model of which an optimizer holds nothing, since another or older parameters have its place."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from torch import Tensor, nn

from course.companion.finding import Finding, found
from course.companion.places import written
from course.companion.record import passes
from course.companion.record.calls import Call, Record
from course.companion.record.tracing import followed_from
from course.companion.surroundings import Surroundings, held


def swapped(
    around: Surroundings,
    model: str,
    holding: set[int],
    record: Record | None,
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
            ids = set(map(id, mine))
            holders = sorted(
                key for key, one in around.optimizers.items() if ids & set(map(id, held(one)))
            )
            words: dict[str, Any] = {
                "model": model,
                "other": name,
                "optimizer": " and ".join(holders),
            }
            words["holds"] = "hold" if len(holders) > 1 else "holds"
            call = _detached(record, mine)
            if call is not None and not _is_spelled(call, model):
                return found("detached_instead", sure=False, place=call.place, **words)
            return found("swapped", sure=False, **words)
    return None


def _is_spelled(call: Call, model: str) -> bool:
    """Whether a line's text names a model: the line is right, and was handed another one."""
    name = model.rpartition(".")[2]
    return re.search(rf"\b{re.escape(name)}\b", written(call.code, call.instruction)) is not None


def _detached(record: Record, parameters: list[nn.Parameter]) -> Call | None:
    """The call that detaches what these parameters gave in front of a watched loss."""
    ends = {number for event in record.filling() for number in passes.ends(record, event)}
    for one in parameters:
        start = record.source_of(one)
        cut = followed_from(record, start, frozen=False).cut if start is not None else {}
        calls = [record.call(cut[number]) for number in sorted(ends & cut.keys())]
        for call in calls:
            if call is not None and call.name in _DETACHING:
                return call
    return None


_DETACHING = {"detach", "detach_", "data"}


def are_others(around: Surroundings, model: str) -> bool:
    """Whether the optimizers hold nothing of a model, but tensors of the same shapes."""
    parameters = list(around.models[model].parameters())
    others = held(*around.optimizers.values())
    if {id(one) for one in parameters} & {id(one) for one in others}:
        return False
    return Counter(one.shape for one in parameters) == Counter(one.shape for one in others)


def _learning(model: nn.Module) -> list[nn.Parameter]:
    return [one for one in model.parameters() if one.requires_grad]


def _shapes(model: nn.Module) -> list[tuple[str, Any]]:
    return [(name, one.shape) for name, one in model.named_parameters()]


def _has_gradient(one: Tensor) -> bool:
    return one.grad is not None and bool(one.grad.any())
