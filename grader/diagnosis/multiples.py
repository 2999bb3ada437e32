"""Signatures of a wrong value that is a multiple of the right one, as a whole or by channel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from grader.diagnosis.comparison import TOLERANCE, measure
from grader.diagnosis.misses import Miss, Signature, close, dtypes_of, reals


def ratio(misses: Sequence[Miss]) -> Signature | None:
    """The same factor, or the same reading of a factor, in every case."""
    pairs = reals(misses)
    if pairs is None:
        return None
    factors = [_factor(*pair, miss) for pair, miss in zip(pairs, misses, strict=True)]
    # A single number is some multiple of any other: that alone says nothing.
    if any(c is None for c in factors) or sum(int((r != 0).sum()) for r, _ in pairs) < 2:
        return None
    known = [c for c in factors if c is not None]
    labels = [_labels(c, miss) for c, miss in zip(known, misses, strict=True)]
    common = [label for label in labels[0] if all(label in other for other in labels[1:])]
    if len(common) == 1:
        code, symbol = common[0]
        count = misses[0].case.symbols.get(symbol, "")
        return Signature(code, {"symbol": symbol, "count": count})
    nearness = max(miss.rounding for miss in misses)
    if all(math.isclose(c, known[0], rel_tol=nearness) for c in known):
        return Signature("RATIO.constant", {"factor": f"{known[0]:.4g}"})
    return None


def _factor(expected: torch.Tensor, received: torch.Tensor, miss: Miss) -> float | None:
    """c with received = c * expected to rounding, or None; None too where c is 1 to rounding."""
    r, g = expected.flatten(), received.flatten()
    square, size = float(r @ r), float(g.norm())
    if square == 0.0 or size == 0.0 or not (math.isfinite(square) and math.isfinite(size)):
        return None
    c = float(g @ r) / square
    if abs(c - 1) < 10 * miss.rounding or float((g - c * r).norm()) / size >= miss.rounding:
        return None
    fits = measure(c * r, g, min(dtypes_of(miss), key=_precision), miss.rules.scale)
    return c if fits.wrong == 0 else None


def _precision(dtype: torch.dtype) -> float:
    return -TOLERANCE.get(dtype, 0.0)


def _labels(c: float, miss: Miss) -> list[tuple[str, str]]:
    """Every named reading of a factor: (code, symbol)."""
    readings = [(-1.0, "RATIO.sign", ""), (2.0, "RATIO.twice", "")]
    for symbol, count in miss.case.symbols.items():
        if count < 2:
            continue
        readings.append((float(count), "RATIO.times_count", symbol))
        readings.append((1.0 / count, "RATIO.over_count", symbol))
        readings.append((math.sqrt((count - 1) / count), "RATIO.unbiased", symbol))
    return [
        (code, symbol)
        for value, code, symbol in readings
        if math.isclose(c, value, rel_tol=miss.rounding)
    ]


def ratio_channel(misses: Sequence[Miss]) -> Signature | None:
    """A factor of its own for each channel, which is dimension 1."""
    pairs = reals(misses)
    if pairs is None:
        return None
    per_case = [_channel_factors(*pair, miss) for pair, miss in zip(pairs, misses, strict=True)]
    if not all(per_case):
        return None
    return Signature("RATIO_CHANNEL", {"factors": ", ".join(f"{c:.4g}" for c in per_case[0][:4])})


def _channel_factors(expected: torch.Tensor, received: torch.Tensor, miss: Miss) -> list[float]:
    """The factor of each index of dimension 1, or [] unless each has one and they differ."""
    if expected.ndim < 2:
        return []
    factors = []
    for r, g in zip(expected.unbind(1), received.unbind(1), strict=True):
        # One number is a multiple of any other, here too.
        if int((r != 0).sum()) < 2:
            return []
        c = 1.0 if close(r, g, miss) else _factor(r, g, miss)
        if c is None:
            return []
        factors.append(c)
    differ = len(factors) > 1 and max(factors) - min(factors) > 10 * miss.rounding
    return factors if differ else []
