"""Generic signatures: what a wrong value says about the mistake, whatever the exercise.

A signature speaks only if it holds in every failing case; the first that does is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from grader.comparison import Difference, Rules, expected_dtype, measure, tolerance
from grader.observation import Plain, Unrecordable
from grader.task import Case

ROUNDING = {torch.float64: 1e-8, torch.float32: 1e-4}


@dataclass(frozen=True)
class Miss:
    """A difference in one case."""

    case: Case
    rules: Rules
    difference: Difference


@dataclass(frozen=True)
class Signature:
    """A recognised signature: its message code and what fills the template."""

    code: str
    values: dict[str, object]


def recognise(misses: Sequence[Miss]) -> Signature:
    """The first signature that holds for every one of the misses of one path."""
    for test in _TESTS:
        found = test(misses)
        if found is not None:
            return found
    return _plain(misses)


def _all_kind(misses: Sequence[Miss], *kinds: str) -> bool:
    return all(miss.difference.kind in kinds for miss in misses)


def _tensors(miss: Miss) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Expected and received as tensors, if both are numbers of some kind."""
    pair = []
    for value in (miss.difference.expected, miss.difference.received):
        if isinstance(value, bool) or not isinstance(value, torch.Tensor | int | float):
            return None
        tensor = value if isinstance(value, torch.Tensor) else torch.tensor(value).double()
        if tensor.is_meta or tensor.is_complex():
            return None
        pair.append(tensor)
    return pair[0], pair[1]


def _close(expected: torch.Tensor, received: torch.Tensor, miss: Miss) -> bool:
    if expected.shape != received.shape:
        return False
    wanted = expected_dtype(expected, miss.rules)
    return measure(expected, received, wanted, miss.rules.scale).wrong == 0


def _none(misses: Sequence[Miss]) -> Signature | None:
    return Signature("NONE", {}) if _all_kind(misses, "none") else None


def _type(misses: Sequence[Miss]) -> Signature | None:
    if not _all_kind(misses, "type"):
        return None
    difference = misses[0].difference
    return Signature(
        "TYPE",
        {"received": _article(difference.received), "expected": _article(difference.expected)},
    )


def _structure(misses: Sequence[Miss]) -> Signature | None:
    if not _all_kind(misses, "structure"):
        return None
    difference = misses[0].difference
    expected, received = difference.expected, difference.received
    if isinstance(received, dict) and list(received) == [" and ".join(map(str, expected))]:
        (whole,) = received.values()
        wanted = f"a tuple of {len(expected)} ({', '.join(map(str, expected))})"
        return Signature("TYPE", {"received": _article(whole), "expected": wanted})
    return Signature(
        "STRUCTURE",
        {"received": _parts(difference.received), "expected": _parts(difference.expected)},
    )


def _transposed(misses: Sequence[Miss]) -> Signature | None:
    for miss in misses:
        pair = _tensors(miss)
        if pair is None or pair[0].ndim != 2 or not _close(pair[0].T, pair[1], miss):
            return None
    return Signature("TRANSPOSED", {})


def _per_sample(misses: Sequence[Miss]) -> Signature | None:
    for name in ("sum", "mean"):
        if all(_reduces(miss, name) for miss in misses):
            return Signature(f"PER_SAMPLE.{name}", {})
    return None


def _reduces(miss: Miss, how: str) -> bool:
    pair = _tensors(miss)
    if pair is None or pair[1].ndim != pair[0].ndim + 1 or pair[1].shape[0] == 0:
        return False
    received = pair[1].double()
    reduced = received.sum(0) if how == "sum" else received.mean(0)
    return _close(pair[0], reduced.to(pair[1].dtype), miss)


def _shape(misses: Sequence[Miss]) -> Signature | None:
    if not _all_kind(misses, "shape"):
        return None
    same = True
    for miss in misses:
        pair = _tensors(miss)
        same = same and pair is not None and pair[0].numel() == pair[1].numel()
        same = same and pair is not None and _close(pair[0].reshape(-1), pair[1].reshape(-1), miss)
    difference = misses[0].difference
    values: dict[str, object] = {
        "received": tuple(difference.received.shape),
        "expected": tuple(difference.expected.shape),
    }
    return Signature("SHAPE.reshaped" if same else "SHAPE.other", values)


def _nonfinite(misses: Sequence[Miss]) -> Signature | None:
    counts = []
    for miss in misses:
        pair = _tensors(miss)
        if pair is None or pair[0].shape != pair[1].shape or not pair[1].is_floating_point():
            return None
        bad = ~torch.isfinite(pair[1]) & torch.isfinite(pair[0])
        if not bool(bad.any()):
            return None
        counts.append((int(bad.sum()), bad.numel()))
    return Signature("NONFINITE", {"count": counts[0][0], "total": counts[0][1]})


def _dtype(misses: Sequence[Miss]) -> Signature | None:
    if not _all_kind(misses, "dtype"):
        return None
    difference = misses[0].difference
    received, expected = difference.received.dtype, difference.expected.dtype
    return Signature("DTYPE", {"received": _short(received), "expected": _short(expected)})


def _zero(misses: Sequence[Miss]) -> Signature | None:
    for miss in misses:
        pair = _tensors(miss)
        if pair is None or pair[1].numel() == 0 or pair[0].shape != pair[1].shape:
            return None
        if bool((pair[1] != 0).any()):
            return None
    return Signature("ZERO", {})


def _ratio(misses: Sequence[Miss]) -> Signature | None:
    factors = []
    entries = 0
    for miss in misses:
        pair = _tensors(miss)
        if pair is None or pair[0].shape != pair[1].shape:
            return None
        factor = _factor(*pair)
        if factor is None:
            return None
        factors.append(factor)
        entries += int((pair[0] != 0).sum())
    labels = [_labels(factor, miss.case) for factor, miss in zip(factors, misses, strict=True)]
    common = [label for label in labels[0] if all(label in other for other in labels[1:])]
    if len(common) == 1:
        code, symbol = common[0]
        count = misses[0].case.symbols.get(symbol, "")
        return Signature(code, {"symbol": symbol, "count": count})
    constant = all(math.isclose(f, factors[0], rel_tol=1e-6) for f in factors)
    # A single number is some multiple of any other: that alone says nothing.
    if constant and entries >= 2:
        return Signature("RATIO.constant", {"factor": f"{factors[0]:.4g}"})
    return None


def _factor(expected: torch.Tensor, received: torch.Tensor) -> float | None:
    """c with received = c * expected to rounding, or None."""
    r, g = expected.double().flatten(), received.double().flatten()
    square = float(r @ r)
    size = float(g.norm())
    if square == 0.0 or size == 0.0 or not math.isfinite(size):
        return None
    c = float(g @ r) / square
    narrow = received.dtype == torch.float32
    residual = float((g - c * r).norm()) / size
    return c if residual < ROUNDING[torch.float32 if narrow else torch.float64] else None


def _labels(c: float, case: Case) -> list[tuple[str, str]]:
    """Every named reading of a factor: (code, symbol)."""
    readings = [(-1.0, "RATIO.sign", ""), (2.0, "RATIO.twice", "")]
    for symbol, count in case.symbols.items():
        if count < 2:
            continue
        readings.append((float(count), "RATIO.times_count", symbol))
        readings.append((1.0 / count, "RATIO.over_count", symbol))
        readings.append((math.sqrt((count - 1) / count), "RATIO.unbiased", symbol))
    near = 1e-4 if tolerance(case.dtype) > 1e-6 else 1e-7
    return [
        (code, symbol) for value, code, symbol in readings if math.isclose(c, value, rel_tol=near)
    ]


def _ratio_channel(misses: Sequence[Miss]) -> Signature | None:
    shown = ""
    for miss in misses:
        pair = _tensors(miss)
        if pair is None or pair[0].shape != pair[1].shape or pair[0].ndim < 2:
            return None
        channels = pair[0].shape[1]
        if channels < 2 or pair[0].numel() // channels < 2:
            return None
        factors = [_factor(pair[0][:, j], pair[1][:, j]) for j in range(channels)]
        if any(factor is None for factor in factors):
            return None
        shown = shown or ", ".join(f"{factor:.4g}" for factor in factors[:4])
    return Signature("RATIO_CHANNEL", {"factors": shown})


def _flag(misses: Sequence[Miss]) -> Signature | None:
    if not _all_kind(misses, "flag"):
        return None
    difference = misses[0].difference
    flag = difference.path.rpartition(".")[2]
    expected, received = difference.expected, difference.received
    if flag == "grad_fn" or not isinstance(received, bool) or not isinstance(expected, bool):
        return Signature("WRONG.flag", {"received": received, "expected": expected})
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
    pair = _tensors(misses[0])
    numbers = difference.numbers
    if pair is None or numbers is None or pair[0].numel() < 2:
        return Signature(
            "WRONG.value",
            {"received": shown(difference.received), "expected": shown(difference.expected)},
        )
    r, g = pair[0].double().flatten(), pair[1].double().flatten()
    norms = float(r.norm() * g.norm())
    cosine = f"{float(r @ g) / norms:.4f}" if norms > 0 and math.isfinite(norms) else "undefined"
    return Signature("WRONG", {"wrong": numbers.wrong, "total": numbers.total, "cosine": cosine})


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
    _ratio,
    _ratio_channel,
    _flag,
)


def kind(value: Plain) -> str:
    """`tensor`, `tuple`, `Linear`, ...: what a value is, in a word."""
    if isinstance(value, Unrecordable):
        return value.type_name
    if isinstance(value, torch.Tensor):
        return "tensor"
    return "None" if value is None else type(value).__name__


def _article(value: Plain) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    word = kind(value)
    if value is None:
        return word
    return f"{'an' if word[0] in 'aeiouAEIOU' else 'a'} {word}"


def _parts(value: Plain) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(map(str, value)) + "}"
    return f"{len(value)} entries" if isinstance(value, tuple | list) else kind(value)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def shown(value: Plain, most: int = 8) -> str:
    """A value for reading: four significant digits, no `tensor(...)`, long ones cut."""
    if isinstance(value, torch.Tensor):
        if value.is_meta:
            return f"a tensor of shape {tuple(value.shape)} without values"
        if value.ndim == 0:
            return _number(value.item())
        flat = value.flatten()
        inner = ", ".join(_number(v) for v in flat[:most].tolist())
        cut = ", …" if flat.numel() > most else ""
        shape = f" shape {tuple(value.shape)}" if value.ndim != 1 or cut else ""
        return f"[{inner}{cut}]{shape}"
    if isinstance(value, Unrecordable):
        return value.type_name
    if isinstance(value, tuple | list):
        inner = ", ".join(shown(item) for item in value[:most])
        return f"({inner}{', …' if len(value) > most else ''})"
    if isinstance(value, dict):
        inner = ", ".join(f"{name}: {shown(item)}" for name, item in list(value.items())[:most])
        return f"{{{inner}{', …' if len(value) > most else ''}}}"
    return _number(value)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else repr(value)[:200]
