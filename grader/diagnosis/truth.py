"""When a sentence is true: for every code the predicate on the observation that it needs.

A sentence is told only where its predicate holds in every case that it speaks of. Each predicate
reads what was expected and received once more, apart from how the sentence was found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from grader.diagnosis.comparison import as_tensor, tolerance, within
from grader.diagnosis.misses import (
    Miss,
    Signature,
    close,
    dtypes_of,
    is_given_nonfinite,
    real_pair,
)
from grader.diagnosis.naming import is_gradient
from grader.engine.observation import FLAGS, Plain

Predicate = Callable[[Miss, Mapping[str, Any]], bool]


def holds(signature: Signature, misses: Sequence[Miss]) -> bool:
    """Whether a signature's sentence is true in every one of the cases. A fact brings its own."""
    if signature.holds is not None:
        return all(map(signature.holds, misses))
    predicate = PREDICATES[signature.code]
    return all(predicate(miss, signature.values) for miss in misses)


def _is_none(miss: Miss, values: Mapping[str, Any]) -> bool:
    return miss.difference.received is None or _unnamed(miss.difference.received) == (None,)


def _unnamed(received: Plain) -> tuple[Plain, ...]:
    """What an answer returned whole where several named values were expected."""
    lone = isinstance(received, dict) and list(received) == ["answer"]
    return (received["answer"],) if lone else ()


def _gradient_is_none(miss: Miss, values: Mapping[str, Any]) -> bool:
    return miss.difference.received is None and is_gradient(miss.difference.name)


def nothing_returned(miss: Miss) -> bool:
    """Whether no value at all came back, as after a missing `return`."""
    return all(
        value is None
        for name, value in miss.received.items()
        if name.rpartition(".")[2] not in FLAGS
    )


def _returned_none(miss: Miss, values: Mapping[str, Any]) -> bool:
    return _is_none(miss, values) and nothing_returned(miss)


def _only_gradient_is_none(miss: Miss, values: Mapping[str, Any]) -> bool:
    return _gradient_is_none(miss, values) and nothing_returned(miss)


def _other_type(miss: Miss, values: Mapping[str, Any]) -> bool:
    return miss.kind in ("type", "structure")


def _tensor_for_none(miss: Miss, values: Mapping[str, Any]) -> bool:
    difference = miss.difference
    return difference.expected is None and isinstance(difference.received, torch.Tensor)


def _other_structure(miss: Miss, values: Mapping[str, Any]) -> bool:
    return miss.kind == "structure" and values.get("parts") != ""


def _transposed(miss: Miss, values: Mapping[str, Any]) -> bool:
    pair = real_pair(miss)
    return pair is not None and pair[0].ndim == 2 and close(pair[0].T, pair[1], miss)


def _reduced(how: Callable[[torch.Tensor], torch.Tensor], batch: bool = False) -> Predicate:
    def holds(miss: Miss, values: Mapping[str, Any]) -> bool:
        pair = real_pair(miss)
        if pair is None or pair[1].ndim != pair[0].ndim + 1:
            return False
        if batch and pair[1].shape[0] != miss.case.symbols.get("N"):
            return False
        return close(pair[0], how(pair[1].double()).to(pair[1].dtype), miss)

    return holds


def _other_shape(miss: Miss, values: Mapping[str, Any]) -> bool:
    pair = miss.difference.expected, miss.difference.received
    return all(isinstance(t, torch.Tensor) for t in pair) and pair[0].shape != pair[1].shape


def _reshaped(miss: Miss, values: Mapping[str, Any]) -> bool:
    pair = real_pair(miss)
    return pair is not None and close(pair[0].reshape(-1), pair[1].reshape(-1), miss)


def _values(miss: Miss) -> tuple[torch.Tensor, torch.Tensor]:
    """Expected and received, numbers too, in double precision."""
    pair = miss.difference.expected, miss.difference.received
    one, other = (v if isinstance(v, torch.Tensor) else as_tensor(v) for v in pair)
    return one.double(), other.double()


def _nonfinite(miss: Miss, values: Mapping[str, Any]) -> bool:
    right, received = _values(miss)
    return bool((right.isfinite() & ~received.isfinite()).any())


def _dtype(miss: Miss, values: Mapping[str, Any]) -> bool:
    pair = real_pair(miss)
    return pair is not None and pair[0].dtype != pair[1].dtype and close(*pair, miss)


def _zero(miss: Miss, values: Mapping[str, Any]) -> bool:
    right, received = _values(miss)
    return not bool(received.any()) and bool(right.any())


def _zero_gradient(miss: Miss, values: Mapping[str, Any]) -> bool:
    return is_gradient(miss.difference.name) and _zero(miss, values)


def _multiple(miss: Miss, values: Mapping[str, Any]) -> bool:
    """Received is the right answer times the factor that it has in this case, whatever it is."""
    right, received = (t.flatten() for t in _values(miss))
    square = float(right @ right)
    if square == 0.0:
        return False
    return _close_in_both(float(right @ received) / square * right, received, miss)


def _times(factor: Callable[[Miss, Mapping[str, Any]], float]) -> Predicate:
    def holds(miss: Miss, values: Mapping[str, Any]) -> bool:
        right, received = _values(miss)
        return _close_in_both(factor(miss, values) * right, received, miss)

    return holds


def _close_in_both(right: torch.Tensor, received: torch.Tensor, miss: Miss) -> bool:
    coarser = max(dtypes_of(miss), key=tolerance)
    return within(right, received, coarser, miss.rules.scale)


def _count(miss: Miss, values: Mapping[str, Any]) -> int:
    return miss.case.symbols[str(values["symbol"])]


def _by_channel(miss: Miss, values: Mapping[str, Any]) -> bool:
    right, received = _values(miss)
    if right.ndim < 2 or right.shape != received.shape:
        return False
    pairs = zip(right.unbind(1), received.unbind(1), strict=True)
    fits = []
    for r, g in pairs:
        square = float(r.flatten() @ r.flatten())
        factor = float(r.flatten() @ g.flatten()) / square if square else 0.0
        fits.append(_close_in_both(factor * r, g, miss))
    return all(fits)


def _near(miss: Miss, values: Mapping[str, Any]) -> bool:
    right, received = _values(miss)
    return within(right, received, torch.float32, miss.rules.scale)


def _flag(miss: Miss, values: Mapping[str, Any]) -> bool:
    difference = miss.difference
    return isinstance(difference.received, bool) and difference.received is not difference.expected


def _differs(miss: Miss, values: Mapping[str, Any]) -> bool:
    return True  # a miss is a difference


PREDICATES: dict[str, Predicate] = {
    "NONE": _is_none,
    "NONE.returned": _returned_none,
    "NONE.gradient": _gradient_is_none,
    "NONE.gradient.whole": _only_gradient_is_none,
    "TYPE": _other_type,
    "TYPE.none": _tensor_for_none,
    "STRUCTURE": _other_structure,
    "STRUCTURE.other": _other_structure,
    "TRANSPOSED": _transposed,
    "TRANSPOSED.gradient": lambda m, v: is_gradient(m.difference.name) and _transposed(m, v),
    "PER_SAMPLE.sum": _reduced(lambda t: t.sum(0)),
    "PER_SAMPLE.mean": _reduced(lambda t: t.mean(0)),
    "PER_SAMPLE.sum.batch": _reduced(lambda t: t.sum(0), batch=True),
    "PER_SAMPLE.mean.batch": _reduced(lambda t: t.mean(0), batch=True),
    "SHAPE.reshaped": _reshaped,
    "SHAPE.other": _other_shape,
    "SHAPE.here": _other_shape,
    "NONFINITE": _nonfinite,
    "NONFINITE.given": lambda miss, values: is_given_nonfinite(miss) and _nonfinite(miss, values),
    "DTYPE": _dtype,
    "DTYPE.float32": _dtype,
    "DTYPE.other": _dtype,
    "ZERO": _zero,
    "ZERO.gradient": _zero_gradient,
    "RATIO.sign": _times(lambda m, v: -1.0),
    "RATIO.twice": _times(lambda m, v: 2.0),
    "RATIO.twice.number": _times(lambda m, v: 2.0),
    "RATIO.times_count": _times(lambda m, v: float(_count(m, v))),
    "RATIO.over_count": _times(lambda m, v: 1 / _count(m, v)),
    "RATIO.unbiased": _times(lambda m, v: ((_count(m, v) - 1) / _count(m, v)) ** 0.5),
    "RATIO.constant": _multiple,
    "RATIO.known": _multiple,
    "RATIO.times_size": _multiple,
    "RATIO.over_size": _multiple,
    "RATIO.varies": _multiple,
    "RATIO_CHANNEL": _by_channel,
    "NEARLY": _near,
    "FLAGS.grad_fn": _differs,
    **{
        f"FLAGS.{flag}": _flag
        for flag in (
            "is_leaf",
            "requires_grad",
            "has_graph",
            "has_grad",
            "retains_grad",
            "same_object",
            "shares_memory",
        )
    },
    "WRONG": _differs,
    "WRONG.rows": _differs,
    "WRONG.value": _differs,
    "WRONG.words": _differs,
    "WRONG.flag": _differs,
}
"""For every generic sentence about values, when it is true of a part in a case."""

_NAMED = re.compile(r"`([^`]+)`")


def is_argument(detail: str, arguments: Sequence[str]) -> bool:
    """Whether an effect's detail is about an argument itself, and not about a module's tensor."""
    found = _NAMED.search(detail)
    return found is not None and found.group(1) in arguments and "an entry of" not in detail


def asks_what_is_raised(task: Any, expected: Mapping[str, Plain], kind: str) -> bool:
    """Whether an exercise asks if something raises: it wants words or truth values, and says so.

    Where it wants an exception of a certain kind, one of another kind is no answer to that. And no
    kind is that Python raises for a mistyped name or a value of another type.
    """
    if kind not in ("RuntimeError", "ValueError"):
        return False
    if any(isinstance(v, str) and v.endswith("Error") and v != kind for v in expected.values()):
        return False
    statement = getattr(task, "statement", "")
    plain = bool(expected) and all(isinstance(v, bool | str) for v in expected.values())
    return plain and bool(re.search(r"\brais|\berror", statement))
