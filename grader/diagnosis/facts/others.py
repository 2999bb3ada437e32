"""Facts: a wrong part is another value that is known, an expected part or one of the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from grader.diagnosis.facts.claims import Claim
from grader.diagnosis.misses import Miss, same


def other_parts(misses: Sequence[Miss]) -> Iterator[Claim]:
    """The right value of another part."""
    own = misses[0].difference
    if own.steps or not _informative(misses):
        return
    for name, value in misses[0].expected.items():
        if name != own.name and isinstance(value, torch.Tensor):
            yield Claim("FACT.other_part", _is_part(name), {"other": name})


def _is_part(name: str) -> Any:
    def holds(miss: Miss) -> bool:
        other, difference = miss.expected.get(name), miss.difference
        return (
            isinstance(other, torch.Tensor)
            and not same(other, difference.expected, miss)
            and same(other, difference.received, miss)
        )

    return holds


def inputs(misses: Sequence[Miss]) -> Iterator[Claim]:
    """An input, as it was drawn; or what stood under the part's own name before the call."""
    if not _informative(misses):
        return
    own = misses[0].difference
    before = own.name.partition(" ")[0].removesuffix(",")
    if isinstance(misses[0].drawn.get(before), torch.Tensor) and not own.steps:
        yield Claim("FACT.unchanged", _is_drawn(before))
        return
    for name, value in misses[0].inputs.items():
        if isinstance(value, torch.Tensor):
            yield Claim("FACT.input", _is_drawn(name), {"input": name})


def inputs_times(misses: Sequence[Miss]) -> Iterator[Claim]:
    """A small multiple of an input."""
    if _informative(misses):
        for name, value in misses[0].inputs.items():
            for factor, word in _TIMES.items() if isinstance(value, torch.Tensor) else ():
                told = {"input": name, "factor": word}
                yield Claim("FACT.input_times", _is_drawn(name, factor), told)


_TIMES = {-1.0: "-1", 2.0: "2", -2.0: "-2", 0.5: "1/2"}
"""By what an input is multiplied before the answer is no more than that."""


def _is_drawn(name: str, factor: float = 1.0) -> Any:
    def holds(miss: Miss) -> bool:
        value = miss.drawn.get(name)
        if not isinstance(value, torch.Tensor) or value.is_meta or not value.is_floating_point():
            return False
        return same(factor * value.cpu().double(), miss.difference.received, miss)

    return holds


def _informative(misses: Sequence[Miss]) -> bool:
    """Whether what was received has several unlike entries: a lone 0 or 1 equals much."""
    seen = set[float]()
    for miss in misses:
        received = miss.difference.received
        if not isinstance(received, torch.Tensor) or received.is_meta or received.is_complex():
            return False
        seen |= set(received.flatten()[:8].double().tolist())
    return len(seen - {0.0, 1.0}) > 1
