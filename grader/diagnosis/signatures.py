"""Generic signatures: what a wrong value says about the mistake, whatever the exercise.

A signature speaks only if it holds in every failing case; the first that does is taken. Where two
readings of the same numbers fit, neither is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from grader.diagnosis.comparison import TOLERANCE, measure, tolerance
from grader.diagnosis.misses import Miss, Signature, close, dtypes_of, real_pair, reals
from grader.diagnosis.multiples import ratio, ratio_channel
from grader.diagnosis.shown import article, shown
from grader.engine.observation import Plain


def recognise(misses: Sequence[Miss]) -> Signature:
    """The first signature that holds for every one of the misses of one path."""
    for test in _TESTS:
        found = test(misses)
        if found is not None:
            return found
    return _plain(misses)


def _all(misses: Sequence[Miss], *kinds: str) -> bool:
    return all(miss.kind in kinds for miss in misses)


def _none(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "none"):
        return None
    expected = misses[0].difference.expected
    if isinstance(expected, torch.Tensor):
        return Signature("NONE", {})
    return Signature("NONE.returned", {"expected": article(expected)})


def _type(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "type"):
        return None
    expected, received = misses[0].difference.expected, misses[0].difference.received
    return Signature("TYPE", {"received": article(received), "expected": article(expected)})


def _structure(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "structure"):
        return None
    expected, received = misses[0].difference.expected, misses[0].difference.received
    if misses[0].difference.path == "" and list(received) == ["answer"]:
        (received,) = received.values()
        if not isinstance(received, dict):
            # As many values without names are taken for the named ones, unless a dict is asked for.
            unnamed = isinstance(received, tuple | list) and len(received) == len(expected)
            group = "a dict with the keys" if unnamed else f"a group of {len(expected)} values:"
            wanted = f"{group} {', '.join(map(str, expected))}"
            code = "NONE.returned" if received is None else "TYPE"
            return Signature(code, {"received": article(received), "expected": wanted})
    if isinstance(expected, dict) and isinstance(received, dict):
        lacking = [f"{shown(name)} is missing" for name in expected if name not in received]
        beyond = [f"{shown(name)} was not asked for" for name in received if name not in expected]
        parts = ", ".join((lacking + beyond)[:4])
    else:
        parts = f"{len(received)} entries instead of {len(expected)}"
    return Signature("STRUCTURE", {"parts": parts})


def _transposed(misses: Sequence[Miss]) -> Signature | None:
    genuine = False
    for miss in misses:
        pair = real_pair(miss)
        if pair is None or miss.kind not in ("shape", "value") or pair[0].ndim != 2:
            return None
        if not close(pair[0].T, pair[1], miss):
            return None
        genuine = genuine or min(pair[0].shape) > 1
    # A row against a column is as well a matter of keepdim: that alone says nothing.
    return Signature("TRANSPOSED", {}) if genuine else None


def _per_sample(misses: Sequence[Miss]) -> Signature | None:
    found = [how for how in ("sum", "mean") if all(_reduces(miss, how) for miss in misses)]
    if len(found) != 1:
        return None
    difference = misses[0].difference
    values: dict[str, object] = {"received": tuple(difference.received.shape)}
    return Signature(f"PER_SAMPLE.{found[0]}", values)


def _reduces(miss: Miss, how: str) -> bool:
    pair = real_pair(miss)
    if pair is None or pair[1].ndim != pair[0].ndim + 1 or pair[1].shape[0] == 0:
        return False
    received = pair[1].double()
    reduced = received.sum(0) if how == "sum" else received.mean(0)
    return close(pair[0], reduced.to(pair[1].dtype), miss)


def _shape(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "shape"):
        return None
    expected, received = misses[0].difference.expected, misses[0].difference.received
    values: dict[str, object] = {
        "received": tuple(received.shape),
        "expected": tuple(expected.shape),
    }
    code = "SHAPE.reshaped" if all(map(_is_reshaped, misses)) else "SHAPE.other"
    return Signature(code, values)


def _is_reshaped(miss: Miss) -> bool:
    pair = real_pair(miss)
    return (
        pair is not None
        and 0 < pair[0].numel() == pair[1].numel()
        and close(pair[0].reshape(-1), pair[1].reshape(-1), miss)
    )


def _nonfinite(misses: Sequence[Miss]) -> Signature | None:
    pairs = reals(misses)
    if pairs is None:
        return None
    counts = [int((~torch.isfinite(g) & torch.isfinite(r)).sum()) for r, g in pairs]
    if not all(counts):
        return None
    return Signature("NONFINITE", {"count": counts[0], "total": pairs[0][0].numel()})


def _dtype(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "dtype"):
        return None
    received, expected = (
        str(value.dtype).removeprefix("torch.")
        for value in (misses[0].difference.received, misses[0].difference.expected)
    )
    return Signature("DTYPE", {"received": received, "expected": expected})


def _zero(misses: Sequence[Miss]) -> Signature | None:
    pairs = reals(misses)
    if pairs is None or any(bool((g != 0).any()) for _, g in pairs):
        return None
    return Signature("ZERO", {})


def _nearly(misses: Sequence[Miss]) -> Signature | None:
    """Right to the precision of float32, where float64 is expected."""
    pairs = reals(misses)
    if pairs is None or any(tolerance(*dtypes_of(miss)) > 1e-6 for miss in misses):
        return None
    worst = 0.0
    for (r, g), miss in zip(pairs, misses, strict=True):
        distances = measure(r, g, torch.float32, miss.rules.scale)
        if distances.wrong:
            return None
        size = distances.allowed / TOLERANCE[torch.float32]
        worst = max(worst, distances.worst_abs / size)
    digits = math.floor(-math.log10(worst))
    return Signature("NEARLY", {"digits": digits, "wanted": 9})


def _flag(misses: Sequence[Miss]) -> Signature | None:
    if not _all(misses, "flag"):
        return None
    expected, received = misses[0].difference.expected, misses[0].difference.received
    flag = misses[0].difference.path.rpartition(".")[2]
    if flag == "grad_fn" and isinstance(received, str | None):
        return Signature("FLAGS.grad_fn", {"received": received, "expected": expected})
    # Received flags are the opposite of the expected ones: one sentence must hold for all.
    if not all(
        isinstance(m.difference.received, bool) and m.difference.expected is expected
        for m in misses
    ) or not isinstance(expected, bool):
        return Signature("WRONG.flag", _both(received, expected))
    return Signature(
        f"FLAGS.{flag}",
        {
            "is_or_not": "is" if received else "is not",
            "does_or_not": "does" if received else "does not",
            "has_or_not": "has" if received else "has not got",
            "should": "should" if expected else "should not",
        },
    )


def _plain(misses: Sequence[Miss]) -> Signature:
    """No signature holds: say how different, or what stands there instead."""
    difference = misses[0].difference
    pairs, numbers = reals(misses[:1]), difference.numbers
    if pairs is None or numbers is None or numbers.total < 2:
        return Signature("WRONG.value", _both(difference.received, difference.expected))
    r, g = (value.flatten() for value in pairs[0])
    norms = float(r.norm() * g.norm())
    cosine = f"{float(r @ g) / norms:.4f}" if norms > 0 and math.isfinite(norms) else "undefined"
    return Signature("WRONG", {"wrong": numbers.wrong, "total": numbers.total, "cosine": cosine})


def _both(received: Plain, expected: Plain) -> dict[str, object]:
    return {"received": shown(received), "expected": shown(expected)}


_TESTS: tuple[Callable[[Sequence[Miss]], Signature | None], ...] = (
    _none,
    _type,
    _structure,
    _transposed,
    _per_sample,
    _shape,
    _nonfinite,
    _dtype,
    _zero,
    ratio,
    ratio_channel,
    _nearly,
    _flag,
)
