"""How a gradient fares on its way from a loss to a tensor: the nodes that make it zero or nan."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch

from course.companion.record.calls import Pass
from course.companion.record.reach import Reach
from course.companion.record.sizes import NOTHING, PASSES_ON, Size, largest
from course.companion.zeros import origins
from course.companion.zeros.origins import Birth, number_of

TINY = 1e-6
_PARTING = ("StackBackward0", "CatBackward0")
"""What parts a gradient among several, and is not measured."""
MOST_FOR_HALF = 1e-4
"""Below it a product with a small factor is soon below 6e-8, the least number of float16."""


@dataclass
class Followed:
    """What was seen on the way to a target."""

    births: list[Birth] = field(default_factory=list)
    arrives: float = 0.0
    """What arrives at the target."""
    last: Any = None
    """The last node before it that computes something."""
    at_last: float = 1.0
    """What arrives there."""
    parted: Any = None
    """What handed that node a part of a gradient, if its size is unknown."""


def follow(reach: Reach, target: Any, passed: Pass) -> Followed:
    """Follow the largest entry of a gradient through a measured pass."""
    leading = reach.leading_to(target)
    coming: dict[Any, float] = {reach.root: _begins_with(reach.root, passed)}
    parted: dict[Any, Any] = {}
    """What is handed a part of a gradient whose size is unknown: by which node."""
    followed = Followed(last=reach.root)
    for node in sorted(leading, key=lambda one: -number_of(one)):
        into = coming.get(node, 0.0)
        if node not in parted and is_cancelled(into, passed.arrived.get(number_of(node))):
            followed.births.append(Birth(node, 0.0, is_lost=True))
            into = coming[node] = 0.0
        if node is target:
            break
        if type(node).__name__ not in PASSES_ON:
            followed.last, followed.at_last = node, into
            followed.parted = parted.get(node)
        out = passed.sizes[number_of(node)][1] if number_of(node) in passed.sizes else {}
        for index, (below, _) in enumerate(node.next_functions):
            if below not in leading:
                continue
            went = out.get(index)
            size = into if went is None else largest(went)
            if went is None and (node in parted or type(node).__name__ in _PARTING):
                parted.setdefault(below, parted.get(node, node))
            if is_tiny(size, into, node) or (math.isfinite(into) and not math.isfinite(size)):
                by = parted.get(node, node) if size == 0 else node
                born = Birth(by, size, is_none=went is NOTHING, is_half=_is_half(went, into))
                followed.births.append(born)
                size = 0.0 if math.isfinite(size) else size
            before = coming.get(below, 0.0)
            worst = not math.isfinite(before) or before > size
            coming[below] = before if worst and math.isfinite(size) else size
    followed.arrives = coming.get(target, 0.0)
    return followed


def _begins_with(root: Any, passed: Pass) -> float:
    """What arrives at a loss: 1, or the least that a pass which began behind it handed on."""
    number = number_of(root)
    edges = [
        largest(size)
        for above, (_, sizes) in passed.sizes.items()
        for size in sizes.values()
        if above > number and size is not None
    ]
    handed = [one for one in edges if 0 < one < math.inf]
    return 1.0 if number in passed.roots else min(handed, default=1.0)


def _is_half(size: Size | None, into: float) -> bool:
    large = size is not None and size[0].dtype is torch.float16 and math.isinf(largest(size))
    return large or (size is not None and is_too_small(into, size[0].dtype))


def is_too_small(into: float, dtype: torch.dtype) -> bool:
    """Whether numbers of that size, a little smaller, are 0 in a dtype."""
    return dtype is torch.float16 and 0 < into < MOST_FOR_HALF


def ways(reach: Reach, target: Any) -> list[Any]:
    """The nodes whose edges lead into a node, one for each edge."""
    return [node for node in reach.nodes for below, _ in node.next_functions if below is target]


def is_cancelled(sent: float, arrived: Size | None) -> bool:
    """Whether of parts that are sent to a node nothing but rounding is left in their sum."""
    if arrived is None or not math.isfinite(sent) or sent == 0:
        return False
    rounding = min(100 * torch.finfo(arrived[0].dtype).eps, 1e-3)
    return largest(arrived) <= rounding * sent


def is_tiny(size: float, into: float, node: Any) -> bool:
    """Whether a node makes nothing of a gradient that was something."""
    if not math.isfinite(into) or into == 0:
        return False
    # Of one value the root of eps divides what rounding left of 0.
    most = 1e-3 if origins.is_alone(node) else TINY
    return size == 0 or (origins.is_one_of(node, origins.SUMS) and size < most * into)


def is_bad(size: float) -> bool:
    """Whether a size is that of no gradient, or of one that is not finite."""
    return not math.isfinite(size) or size <= TINY
