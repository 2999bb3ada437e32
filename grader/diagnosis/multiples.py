"""Signatures of a wrong value that is a multiple of the right one, as a whole or by channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from grader.diagnosis.comparison import TOLERANCE, within
from grader.diagnosis.misses import Miss, Pair, Signature, close, dtypes_of, reals


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
    found = _named(_labels, known, misses)
    if len(found) == 1:
        code, symbol = found[0]
        if code == "RATIO.twice" and isinstance(misses[0].difference.expected, float):
            code = "RATIO.twice.number"
        count = misses[0].case.symbols.get(symbol, "")
        return Signature(code, {"symbol": symbol, "count": count})
    further = [] if found else _named(_further_labels, known, misses)
    if len(further) == 1:
        code, symbol = further[0]
        return Signature(code, {"symbol": symbol, "here": f"{known[0]:.4g}"})
    nearness = max(miss.rounding for miss in misses)
    if all(math.isclose(c, known[0], rel_tol=nearness) for c in known):
        if not _unlike(pairs):
            return None
        return Signature("RATIO.constant", {"factor": _spoken(known[0])})
    by_size = _named(_sizes, known, misses)
    if by_size:  # several sizes are one number in every case: the first is said
        code, size = by_size[0]
        times = max(known[0], 1 / known[0])
        return Signature(code, {"size": size, "count": f"{times:.4g}"})
    if sum(int((r != 0).sum()) > 2 for r, _ in pairs) > 1:
        return Signature("RATIO.varies", {"factor": _spoken(known[0])})
    return None


def is_multiple(miss: Miss) -> bool:
    """Whether there is such a factor in this case: else there is no `ratio` of it and others."""
    pairs = reals([miss])
    return pairs is not None and _factor(*pairs[0], miss) is not None


def _unlike(pairs: Sequence[Pair]) -> bool:
    """Whether the right answers have entries that differ: what is uniform is a multiple of much."""
    return len({value for right, _ in pairs for value in right.flatten()[:8].tolist()} - {0.0}) > 1


Labels = Callable[[float, Miss], list[tuple[str, str]]]


def _named(labels: Labels, factors: Sequence[float], misses: Sequence[Miss]) -> list[Any]:
    """The readings of the factor that fit in every case."""
    fitting = [labels(c, miss) for c, miss in zip(factors, misses, strict=True)]
    return [label for label in fitting[0] if all(label in other for other in fitting[1:])]


def _spoken(factor: float) -> str:
    """A factor in four digits, with the fraction that it is: `0.2 (1/5)`."""
    whole = round(1 / factor) if abs(factor) < 1 else 0
    fits = 2 < abs(whole) < 1000 and math.isclose(factor, 1 / whole, rel_tol=1e-6)
    sign = "-" if whole < 0 else ""
    return f"{factor:.4g} ({sign}1/{abs(whole)})" if fits else f"{factor:.4g}"


def _factor(expected: torch.Tensor, received: torch.Tensor, miss: Miss) -> float | None:
    """c with received = c * expected to rounding, or None; None too where c is 1 to rounding."""
    r, g = expected.flatten(), received.flatten()
    square, size = float(r @ r), float(g.norm())
    if square == 0.0 or size == 0.0 or not (math.isfinite(square) and math.isfinite(size)):
        return None
    c = float(g @ r) / square
    if abs(c - 1) < 10 * miss.rounding or float((g - c * r).norm()) / size >= miss.rounding:
        return None
    fits = within(c * r, g, min(dtypes_of(miss), key=_precision), miss.rules.scale)
    return c if fits else None


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


def _further_labels(c: float, miss: Miss) -> list[tuple[str, str]]:
    """Readings of a factor that take a formula, or a number that the answer is given."""
    readings: list[tuple[float, str]] = []
    for n, count in miss.case.symbols.items():
        readings += [(count + 1, f"{n} + 1"), ((count + 1) / count, f"({n} + 1)/{n}")]
        if count < 2:
            continue
        readings += [
            (-count, f"-{n}"),
            (-1 / count, f"-1/{n}"),
            (count**2, f"{n}²"),
            (1 / count**2, f"1/{n}²"),
            ((count - 1) / count, f"({n} - 1)/{n}"),
            (count / (count - 1), f"{n}/({n} - 1)"),
            (math.sqrt(count), f"the square root of {n}"),
            (1 / math.sqrt(count), f"1 over the square root of {n}"),
        ]
    for name, value in miss.inputs.items():
        if isinstance(value, float) and value != 0:
            readings += [
                (value, f"`{name}`"),
                (-value, f"-`{name}`"),
                (1 / value, f"1/`{name}`"),
                (1 - value, f"(1 - `{name}`)"),
                (value**2, f"the square of `{name}`"),
            ]
    return [
        ("RATIO.known", text)
        for value, text in readings
        if math.isclose(c, value, rel_tol=miss.rounding)
    ]


def _sizes(c: float, miss: Miss) -> list[tuple[str, str]]:
    """Readings of a factor as a size of the part or of an input."""
    tensors = {"": miss.difference.expected} | dict(miss.inputs)
    found: list[tuple[str, str]] = []
    for name, value in tensors.items():
        if not isinstance(value, torch.Tensor):
            continue
        entries = f"the number of entries of `{name}`" if name else "the number of its entries"
        side = f"the size of `{name}`" if name else "its size"
        counted = {entries: value.numel()}
        counted |= {f"{side} in dimension {i}": size for i, size in enumerate(value.shape)}
        for size, count in counted.items():
            if count > 1 and math.isclose(c, count, rel_tol=miss.rounding):
                found.append(("RATIO.times_size", size))
            if count > 1 and math.isclose(c, 1 / count, rel_tol=miss.rounding):
                found.append(("RATIO.over_size", size))
    return found


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
        # One number is a multiple of any other, here too, and two are one by chance.
        if int((r != 0).sum()) < 3:
            return []
        c = 1.0 if close(r, g, miss) else _factor(r, g, miss)
        if c is None:
            return []
        factors.append(c)
    differ = len(factors) > 1 and max(factors) - min(factors) > 10 * miss.rounding
    return factors if differ else []
