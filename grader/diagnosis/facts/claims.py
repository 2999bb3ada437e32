"""What may be claimed of one wrong part, the arithmetic that must hold, and which claim is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from grader.diagnosis.misses import Miss, Signature, real_pair

MOST_ELEMENTS = 100_000
"""How many numbers the failing cases of one part may hold together for facts to be sought.

The limit counts numbers, not seconds, so that a verdict is the same on every machine.
"""


@dataclass(frozen=True)
class Claim:
    """A sentence about a part: its code, what fills it, and whether it is true in one case."""

    code: str
    holds: Callable[[Miss], bool]
    values: Mapping[str, object] = field(default_factory=dict)


Proposal = Callable[[Sequence[Miss]], Iterable[Claim]]
"""Reads the failing cases of one part and proposes what may be true of all."""


def the_one(misses: Sequence[Miss], *proposals: Proposal) -> Signature | None:
    """The one claim of equally short ones that is true in every failing case, if there is one."""
    if not within_budget(misses):
        return None
    true: dict[tuple[str, str], Claim] = {}
    for proposal in proposals:
        for claim in proposal(misses):
            if all(claim.holds(miss) for miss in misses):
                true[claim.code, repr(claim.values)] = claim
    if len(true) != 1:
        return None
    (claim,) = true.values()
    return Signature(claim.code, claim.values, claim.holds)


def within_budget(misses: Sequence[Miss]) -> bool:
    """Whether the failing cases are small enough to be searched."""
    total = 0
    for miss in misses:
        for value in (miss.difference.expected, miss.difference.received):
            total += sum(tensor.numel() for tensor in tensors(value))
    return total <= MOST_ELEMENTS


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor within a value."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))


def telling(misses: Sequence[Miss], kinds: Sequence[str] = ("value",)) -> bool:
    """Whether the numbers can tell one reading from another: several, unlike, and clearly wrong."""
    seen = set[float]()
    for miss in misses:
        pair = real_pair(miss)
        if pair is None or miss.kind not in kinds or not pair[0].is_floating_point():
            return False
        numbers = miss.difference.numbers
        if numbers is not None and not numbers.worst_abs > 20 * numbers.allowed:
            return False
        seen |= set(pair[0].flatten()[:8].tolist())
    return len(seen - {0.0}) > 1
