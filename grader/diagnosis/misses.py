"""A difference in one case, as a signature or a fact reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from grader.diagnosis.comparison import (
    Difference,
    Rules,
    as_tensor,
    equal,
    expected_dtype,
    tolerance,
    within,
)
from grader.engine.observation import Plain
from grader.engine.task import Case

Pair = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Miss:
    """A difference in one case, with all that was expected and received there.

    `inputs` are the drawn inputs that the answer is given under their names, `drawn` all of them.
    """

    case: Case
    rules: Rules
    difference: Difference
    expected: Mapping[str, Plain] = field(default_factory=dict)
    received: Mapping[str, Plain] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    drawn: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What kind of difference it is."""
        return self.difference.kind

    @property
    def rounding(self) -> float:
        """What may be left of a vector that is a multiple of another, relative to its length."""
        return 1e-4 if tolerance(*dtypes_of(self)) > 1e-6 else 1e-8


@dataclass(frozen=True)
class Signature:
    """A recognised signature: its message code, what fills the template, and when it is true."""

    code: str
    values: Mapping[str, object]
    holds: Callable[[Miss], bool] | None = field(default=None, compare=False, repr=False)


def dtypes_of(miss: Miss) -> list[torch.dtype]:
    """The dtype of the case, and of the received tensor."""
    received = miss.difference.received
    return [miss.rules.dtype, *([received.dtype] if isinstance(received, torch.Tensor) else [])]


def real_pair(miss: Miss) -> Pair | None:
    """Expected and received, if both are tensors with real values."""
    expected, received = miss.difference.expected, miss.difference.received
    for value in (expected, received):
        if not isinstance(value, torch.Tensor) or value.is_meta or value.is_complex():
            return None
    return expected, received


def reals(misses: Sequence[Miss]) -> list[Pair] | None:
    """Expected and received values in double precision, if all are wrong in value alone.

    None too where whole numbers are expected: no gradient is one, and multiples mean nothing.
    """
    pairs = []
    for miss in misses:
        expected, received = miss.difference.expected, miss.difference.received
        if isinstance(expected, float) and isinstance(received, int | float):
            expected, received = as_tensor(expected), as_tensor(received)
        elif real_pair(miss) is None:
            return None
        if miss.kind != "value" or not expected.is_floating_point():
            return None
        pairs.append((expected.double(), received.double()))
    return pairs


def is_given_nonfinite(miss: Miss) -> bool:
    """Whether an input of the case holds inf or nan."""
    tensors = [value for value in miss.inputs.values() if isinstance(value, torch.Tensor)]
    return any(not bool(t.isfinite().all()) for t in tensors if t.is_floating_point())


def close(expected: torch.Tensor, received: torch.Tensor, miss: Miss) -> bool:
    """Whether two tensors agree in shape and value under the rules of the miss's case."""
    if expected.shape != received.shape:
        return False
    wanted = expected_dtype(expected, miss.rules)
    return within(expected, received, wanted, miss.rules.scale)


def same(expected: Plain, received: Plain, miss: Miss) -> bool:
    """Whether two pieces of plain data agree under the rules of the miss's case."""
    return equal({"": expected}, {"": received}, miss.rules)
