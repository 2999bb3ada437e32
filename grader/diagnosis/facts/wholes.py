"""Facts about a whole answer: parts that are exchanged, rows of a table that share a fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from grader.diagnosis.facts.claims import Claim
from grader.diagnosis.misses import Miss, same
from grader.diagnosis.shown import shown
from grader.engine.observation import Plain

_FEWEST_ROWS = 3


def exchanged(misses: Sequence[Miss]) -> Iterator[Claim]:
    """Two parts, each of which is the other's right value."""
    names = list(misses[0].expected)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if _tensor_of(misses[0], one) is not None and _tensor_of(misses[0], other) is not None:
                yield Claim("FACT.exchanged", _Exchanged(one, other), {"one": one, "other": other})


class _Exchanged:
    def __init__(self, one: str, other: str) -> None:
        self.one, self.other = one, other

    def __call__(self, miss: Miss) -> bool:
        one, other = (_tensor_of(miss, name) for name in (self.one, self.other))
        if one is None or other is None or same(one, other, miss):
            return False
        return same(one, miss.received.get(self.other), miss) and same(
            other, miss.received.get(self.one), miss
        )


def _tensor_of(miss: Miss, name: str) -> torch.Tensor | None:
    value = miss.expected.get(name)
    return value if isinstance(value, torch.Tensor) else None


def first_alone(misses: Sequence[Miss]) -> Iterator[Claim]:
    """The first part is right, and every other is zero or None, which it should not be. A number
    before tensors, such as a loss before its gradients, is no round of a loop."""
    names = list(misses[0].expected)
    if len(names) > 2:
        alike = any(_is_number(misses[0], name) for name in names[1:])
        ended = alike or not _is_number(misses[0], names[0])
        code = "FACT.first_part_alone" if ended else "FACT.number_alone"
        yield Claim(code, _first_alone, {"first": names[0]})


def _is_number(miss: Miss, name: str) -> bool:
    value = _tensor_of(miss, name)
    return value is not None and value.dim() == 0


def _first_alone(miss: Miss) -> bool:
    names = list(miss.expected)
    if len(names) < 3 or set(names) != set(miss.received):
        return False
    if not all(isinstance(miss.expected[name], torch.Tensor) for name in names):
        return False
    return (
        same(miss.expected[names[0]], miss.received[names[0]], miss)
        and all(_nothing(miss.received[name]) for name in names[1:])
        and not any(_nothing(miss.expected[name]) for name in names)
    )


def _nothing(value: Plain) -> bool:
    return value is None or (isinstance(value, torch.Tensor) and not bool(value.any()))


def rows(misses: Sequence[Miss]) -> Iterator[Claim]:
    """The same fault in every row of a table of truth values, texts or pairs of these."""
    if not all(map(_is_table, misses)):
        return
    total = sum(len(miss.expected) for miss in misses)
    if total < _FEWEST_ROWS:
        return
    right = [value for miss in misses for value in miss.expected.values()]
    received = [miss.received[name] for miss in misses for name in miss.expected]
    if len(set(right)) > 1 and len(set(map(repr, received))) == 1:
        value = received[0]
        told: dict[str, object] = {"received": shown(value)}
        yield Claim("FACT.always", lambda miss: _always(miss, value), told)
    if any(isinstance(value, tuple) for value in right):
        yield Claim("FACT.pairs_swapped", _swapped)
    yield Claim("FACT.inverted", _inverted)


def _is_table(miss: Miss) -> bool:
    return set(miss.received) == set(miss.expected) and all(
        isinstance(item, bool | str)
        for value in miss.expected.values()
        for item in (value if isinstance(value, tuple) else (value,))
    )


def _always(miss: Miss, value: Plain) -> bool:
    return all(same(value, received, miss) for received in miss.received.values())


def _swapped(miss: Miss) -> bool:
    pairs = [(miss.expected[name], miss.received[name]) for name in miss.expected]
    return all(
        isinstance(right, tuple)
        and isinstance(received, tuple | list)
        and len(right) == len(received) == 2
        and tuple(received) == right[::-1]
        for right, received in pairs
    )


def _inverted(miss: Miss) -> bool:
    """Every truth value of a table is the opposite of what it should be."""
    return len(miss.expected) > 0 and all(
        isinstance(right, bool) and miss.received[name] is (not right)
        for name, right in miss.expected.items()
    )
