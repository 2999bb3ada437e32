"""Facts: a wrong part is a function of the right answer, entry by entry, along it, or reduced."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch

from grader.diagnosis.facts.claims import Claim, telling
from grader.diagnosis.misses import Miss, close

Function = Callable[[torch.Tensor], torch.Tensor]

_RIGHT = "the right answer"


def _minus_abs(r: torch.Tensor) -> torch.Tensor:
    return -r.abs()


SAME_SHAPE: dict[str, Function] = {
    f"the absolute value of {_RIGHT}": torch.abs,
    f"minus the absolute value of {_RIGHT}": _minus_abs,
    f"the square of {_RIGHT}": torch.square,
    f"the square root of {_RIGHT}": torch.sqrt,
    f"the sign of {_RIGHT}": torch.sign,
    f"1 divided by {_RIGHT}": torch.reciprocal,
    f"the exponential of {_RIGHT}": torch.exp,
    f"the logarithm of {_RIGHT}": torch.log,
    f"1 - {_RIGHT}": lambda r: 1 - r,
    f"{_RIGHT} + 1": lambda r: r + 1,
    f"{_RIGHT} - 1": lambda r: r - 1,
    f"{_RIGHT}, with 0 for what should be positive": lambda r: r.clamp(max=0),
    f"{_RIGHT}, with 0 for what should be negative": lambda r: r.clamp(min=0),
    f"{_RIGHT}, rounded to whole numbers": torch.round,
    f"{_RIGHT}, rounded to half precision": lambda r: r.half().double(),
    f"{_RIGHT}, rounded to bfloat16": lambda r: r.bfloat16().double(),
    f"{_RIGHT} divided by its norm": lambda r: r / torch.linalg.vector_norm(r),
    f"{_RIGHT} minus its mean": lambda r: r - r.mean(),
    f"in every entry the sum of {_RIGHT}": lambda r: r.sum().expand_as(r),
    f"in every entry the mean of {_RIGHT}": lambda r: r.mean().expand_as(r),
    f"the running sum (cumsum) of {_RIGHT} along its first dimension": lambda r: r.cumsum(0),
    f"{_RIGHT} in reversed order along its first dimension": lambda r: r.flip(0),
}
"""What a part of the right shape may be."""

OF_ROWS: dict[str, Function] = {
    f"the running sum (cumsum) of {_RIGHT} along its last dimension": lambda r: r.cumsum(-1),
    f"{_RIGHT} in reversed order along its last dimension": lambda r: r.flip(-1),
    f"in every row the sum of the rows of {_RIGHT}": lambda r: r.sum(0, keepdim=True).expand_as(r),
    f"in every row the mean of the rows of {_RIGHT}": lambda r: r.mean(0, True).expand_as(r),
    f"in every row the first row of {_RIGHT}": lambda r: r[:1].expand_as(r),
    f"in every row the last row of {_RIGHT}": lambda r: r[-1:].expand_as(r),
}
"""The same for parts of two dimensions or more; with one they would repeat the others."""

OTHER_SHAPE: dict[str, Function] = {
    f"the sum of all entries of {_RIGHT}": torch.sum,
    f"the mean of all entries of {_RIGHT}": torch.mean,
    f"the norm of {_RIGHT}": torch.linalg.vector_norm,
    f"the first entry of {_RIGHT}": lambda r: r[0],
    f"the last entry of {_RIGHT}": lambda r: r[-1],
    f"{_RIGHT} without its last entry": lambda r: r[:-1],
    f"{_RIGHT} without its first entry": lambda r: r[1:],
    f"the first row of {_RIGHT} alone": lambda r: r[:1],
    f"a matrix with {_RIGHT} on its diagonal": lambda r: r.diag() if r.ndim == 1 else r,
}
"""What a part of another shape may be."""

ROWS_REDUCED: dict[str, Function] = {
    f"the sum of {_RIGHT} over its first dimension": lambda r: r.sum(0),
    f"the sum of {_RIGHT} over its last dimension": lambda r: r.sum(-1),
    f"the mean of {_RIGHT} over its first dimension": lambda r: r.mean(0),
    f"the mean of {_RIGHT} over its last dimension": lambda r: r.mean(-1),
    f"the diagonal of {_RIGHT}": lambda r: r.diagonal() if r.ndim == 2 else r,
}
"""The same for parts of two dimensions or more."""


_FEWEST = 3
"""How many entries must be alike before that says something."""

_OF_SIGNS = (torch.abs, _minus_abs, torch.sign)


def functions(misses: Sequence[Miss]) -> Iterator[Claim]:
    """A function of the right answer that keeps its shape."""
    if telling(misses):
        yield from _claims(misses, SAME_SHAPE, OF_ROWS)


def reductions(misses: Sequence[Miss]) -> Iterator[Claim]:
    """A function of the right answer that has another shape."""
    if telling(misses, ("shape",)):
        yield from _claims(misses, OTHER_SHAPE, ROWS_REDUCED)


def uniform(misses: Sequence[Miss]) -> Iterator[Claim]:
    """One and the same number in every entry of every case."""
    if not telling(misses) or sum(m.difference.received.numel() for m in misses) < _FEWEST:
        return
    value = float(misses[0].difference.received.flatten()[0])
    if math.isfinite(value) and value != 0.0:
        yield Claim("FACT.uniform", lambda miss: _is(value, miss), {"value": f"{value:.4g}"})


def shifted(misses: Sequence[Miss]) -> Iterator[Claim]:
    """The right answer plus one number, the same in all entries of a case."""
    if telling(misses) and any(m.difference.expected.numel() >= _FEWEST for m in misses):
        expected, received = misses[0].difference.expected, misses[0].difference.received
        value = float((received.double() - expected.double()).mean())
        yield Claim("FACT.shifted", _is_shifted, {"value": f"{value:.4g}"})


def _is_shifted(miss: Miss) -> bool:
    right, received = miss.difference.expected.double(), miss.difference.received.double()
    if right.shape != received.shape or right.numel() < 2 or not bool(received.isfinite().all()):
        return False
    return close(right + (received - right).mean(), miss.difference.received, miss)


def _is(value: float, miss: Miss) -> bool:
    received = miss.difference.received
    claimed = torch.full(received.shape, value, dtype=torch.float64)
    return received.shape == miss.difference.expected.shape and close(claimed, received, miss)


def _claims(
    misses: Sequence[Miss], every: dict[str, Function], of_rows: dict[str, Function]
) -> Iterator[Claim]:
    rows = all(miss.difference.expected.ndim > 1 for miss in misses)
    for what, function in (every | of_rows if rows else every).items():
        yield _claim(what, function)


def _claim(what: str, function: Function) -> Claim:
    def holds(miss: Miss) -> bool:
        right, received = miss.difference.expected, miss.difference.received
        if right.ndim == 0 or right.numel() == 0:
            return False
        if function in _OF_SIGNS and bool((right >= 0).all() | (right <= 0).all()):
            return False  # it is a multiple of the right answer as well
        claimed = function(right.double())
        return bool(claimed.isfinite().all()) and close(claimed, received, miss)

    return Claim("FACT.of_right", holds, {"what": what})
