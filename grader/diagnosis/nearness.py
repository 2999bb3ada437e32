"""What is close to the right answer, and is not it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from grader.diagnosis.comparison import TOLERANCE, measure, tolerance
from grader.diagnosis.misses import Miss, Signature, dtypes_of, reals
from grader.diagnosis.naming import is_derivative, is_gradient


def nearly(misses: Sequence[Miss]) -> Signature | None:
    """Right to the precision of float32, where float64 is expected.

    `digits` is None where every right answer is 0, which agrees in no digit.
    """
    pairs = reals(misses)
    if pairs is None or any(tolerance(*dtypes_of(miss)) > 1e-6 for miss in misses):
        return None
    worst = 0.0
    for (r, g), miss in zip(pairs, misses, strict=True):
        distances = measure(r, g, torch.float32, miss.rules.scale)
        if distances.wrong:
            return None
        size = distances.allowed / TOLERANCE[torch.float32]
        if r.any():
            worst = max(worst, distances.worst_abs / size)
    digits = math.floor(-math.log10(worst)) if worst else None
    return Signature("NEARLY", {"digits": digits, "wanted": 9})


def close_by(misses: Sequence[Miss]) -> Signature | None:
    """A derivative that is the right one to a hundredth: told where nothing better is known."""
    derivative = is_derivative(misses[0].difference.name)
    return Signature("FACT.close", {}, _is_close) if derivative else None


def differences(misses: Sequence[Miss]) -> Signature | None:
    """A derivative that is right or close in float64, and further off in float32: the rounding of
    two values there, divided by a small step, is large."""
    name = misses[0].difference.name
    derived = name == "J" or (is_derivative(name) and not is_gradient(name))
    dtypes = {miss.rules.dtype for miss in misses}
    if derived and dtypes == {torch.float32, torch.float64}:
        return Signature("FACT.differences", {}, lambda miss: _is_close(miss) is _is_double(miss))
    if derived and dtypes == {torch.float32}:
        return Signature("FACT.differences.float32", {}, lambda miss: _is_off(miss, 0.01, 0.5))
    return None


def _is_double(miss: Miss) -> bool:
    return miss.rules.dtype is torch.float64


def _is_close(miss: Miss) -> bool:
    return _is_off(miss, 0.0, 0.01)


def _is_off(miss: Miss, least: float, most: float) -> bool:
    """Whether it is off by more than `least` and less than `most`, in the right answer's size."""
    pairs = reals([miss])
    return pairs is not None and all(
        least * float(r.norm()) < float((g - r).norm()) < most * float(r.norm()) for r, g in pairs
    )
