"""Facts: a list, tuple or dict holds right values in another order, number or kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from grader.diagnosis.comparison import as_tensor
from grader.diagnosis.facts.claims import Claim
from grader.diagnosis.misses import Miss, close, same
from grader.diagnosis.shown import article, shown
from grader.engine.observation import Plain

_MOST = 64
"""Longer lists are not searched for another order."""

_FEWEST_OF_WORDS = 2
"""In how many cases lists without numbers must agree: by chance it is always some entry that is
missing."""


def orders(misses: Sequence[Miss]) -> Iterator[Claim]:
    """A list or tuple with the right entries in another order or number, or one of them alone."""
    expected, received = misses[0].difference.expected, misses[0].difference.received
    if not _is_list(expected) or not _is_list(received) or not 1 < len(expected) <= _MOST:
        return
    if len(misses) < _FEWEST_OF_WORDS and all(isinstance(item, str | int) for item in expected):
        return
    for code, claimed in _LISTS.items():
        yield Claim(code, _lists(claimed))
    yield Claim("FACT.first_alone", _first_alone)
    yield Claim("FACT.order", _other_order)
    yield Claim("FACT.surplus", _surplus)
    yield Claim("FACT.in_front", _in_front)


def _is_list(value: Plain) -> bool:
    return isinstance(value, tuple | list)


_LISTS: dict[str, Callable[[list[Plain]], list[Plain]]] = {
    "FACT.reversed": lambda right: right[::-1],
    "FACT.first_only": lambda right: right[:1] if len(right) > 2 else [],
    "FACT.without_first": lambda right: right[1:],
    "FACT.without_last": lambda right: right[:-1],
    "FACT.all_the_first": lambda right: right[:1] * len(right),
    "FACT.all_the_last": lambda right: right[-1:] * len(right),
}


def _lists(claimed: Callable[[list[Plain]], list[Plain]]) -> Callable[[Miss], bool]:
    def holds(miss: Miss) -> bool:
        right, received = miss.difference.expected, miss.difference.received
        if not _is_list(right) or not _is_list(received) or not claimed(list(right)):
            return False
        return same(claimed(list(right)), list(received), miss)

    return holds


def _first_alone(miss: Miss) -> bool:
    """The first entry is right, and all others are zero or None, which they should not be."""
    right, received = miss.difference.expected, miss.difference.received
    if not _is_list(right) or not _is_list(received) or len(right) != len(received) or not right:
        return False
    if not same(right[0], received[0], miss):
        return False
    return all(map(_nothing, received[1:])) and not any(map(_nothing, right[1:]))


def _other_order(miss: Miss) -> bool:
    """The same words in an order that is not the reversed one, which has its own sentence."""
    right, received = miss.difference.expected, miss.difference.received
    if not _is_list(right) or not _is_list(received):
        return False
    if not all(isinstance(item, str) for item in (*right, *received)):
        return False
    return sorted(right) == sorted(received) and list(right) != list(received)[::-1]


def _nothing(value: Plain) -> bool:
    return value is None or (isinstance(value, torch.Tensor) and not bool(value.any()))


def _surplus(miss: Miss) -> bool:
    right, received = miss.difference.expected, miss.difference.received
    return (
        _is_list(right)
        and _is_list(received)
        and len(received) > len(right)
        and same(list(right), list(received[: len(right)]), miss)
    )


def _in_front(miss: Miss) -> bool:
    right, received = miss.difference.expected, miss.difference.received
    return (
        _is_list(right)
        and _is_list(received)
        and len(received) > len(right) > 0
        and same(list(right), list(received[-len(right) :]), miss)
    )


def keys(misses: Sequence[Miss]) -> Iterator[Claim]:
    """A dict that lacks some keys or has too many, and is right in those it shares."""
    expected, received = misses[0].difference.expected, misses[0].difference.received
    if not isinstance(expected, dict) or not isinstance(received, dict):
        return
    if set(received) == set(expected):
        if len(expected) == 2:
            yield Claim("FACT.values_swapped", _swapped)
        elif len(expected) > 2 and _every_other_is_wrong(misses):
            yield Claim("FACT.first_key", _first_key, {"first": shown(next(iter(expected)))})
        return
    lacking = [shown(name) for name in expected if name not in received]
    beyond = [shown(name) for name in received if name not in expected]
    values: dict[str, object] = {"lacking": _listed(lacking), "beyond": _listed(beyond)}
    if lacking and not beyond and received:
        yield Claim("FACT.keys_missing", _shared_are_right, values)
    elif beyond and not lacking:
        yield Claim("FACT.keys_surplus", _shared_are_right, values)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")


def _shared_are_right(miss: Miss) -> bool:
    right, received = miss.difference.expected, miss.difference.received
    if not isinstance(right, dict) or not isinstance(received, dict):
        return False
    shared = [name for name in right if name in received]
    return bool(shared) and all(same(right[name], received[name], miss) for name in shared)


def _first_key(miss: Miss) -> bool:
    """The value under the first key is right."""
    right, received = miss.difference.expected, miss.difference.received
    if not (isinstance(right, dict) and isinstance(received, dict) and right):
        return False
    first = next(iter(right))
    return first in received and same(right[first], received[first], miss)


def _every_other_is_wrong(misses: Sequence[Miss]) -> bool:
    """Whether the value under each key but the first is wrong in some case."""
    wrong = set[Any]()
    for miss in misses:
        right, received = miss.difference.expected, miss.difference.received
        if not isinstance(right, dict) or not isinstance(received, dict):
            return False
        for name, value in right.items():
            other = received.get(name)
            if not same(value, other, miss):
                if not isinstance(value, torch.Tensor) or not isinstance(other, torch.Tensor):
                    return False  # what is missing or of another kind has a sentence of its own
                wrong.add(name)
    return set(list(misses[0].difference.expected)[1:]) <= wrong


def _swapped(miss: Miss) -> bool:
    right, received = miss.difference.expected, miss.difference.received
    if not (isinstance(right, dict) and isinstance(received, dict) and set(right) == set(received)):
        return False
    return len(right) == 2 and same(
        dict(zip(right, reversed(list(right.values())), strict=True)), received, miss
    )


def containers(misses: Sequence[Miss]) -> Iterator[Claim]:
    """The right values, in another container than the one that is asked for."""
    expected, received = misses[0].difference.expected, misses[0].difference.received
    if misses[0].kind != "type" or type(expected) is type(received):
        return
    told: dict[str, object] = {"received": article(received), "expected": article(expected)}
    if isinstance(received, tuple | list | dict) and len(received) == 1:
        yield Claim("FACT.wrapped", _wrapped, {"received": article(received)})
    else:
        yield Claim("FACT.container", _same_leaves, told)
    if expected is None:
        yield Claim("FACT.zeros_for_none", _zeros_for_none)


def _wrapped(miss: Miss) -> bool:
    right, received = miss.difference.expected, miss.difference.received
    if not isinstance(received, tuple | list | dict) or len(received) != 1:
        return False
    (inside,) = received.values() if isinstance(received, dict) else received
    return same(right, inside, miss)


def _same_leaves(miss: Miss) -> bool:
    right, received = _leaves(miss.difference.expected), _leaves(miss.difference.received)
    if not right or not received or set(map(type, right)) != set(map(type, received)):
        return False
    if set(map(type, right)) == {float}:
        one, other = (torch.tensor(v, dtype=torch.float64) for v in (right, received))
        return close(one, other, miss)
    return same(right, received, miss)


def _leaves(value: Any) -> list[Plain] | None:
    """The numbers or texts of a value in order, whatever holds them; None if it holds others."""
    if isinstance(value, torch.Tensor):
        if value.is_meta or value.numel() > 10_000:
            return None
        return [_number(entry) for entry in value.flatten().tolist()]
    if isinstance(value, bool | int | float | str):
        return [_number(value)]
    if isinstance(value, frozenset):
        if not all(isinstance(item, str) for item in value):
            return None
        return sorted(value)
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, tuple | list) or not value:
        return None
    found: list[Plain] = []
    for item in value:
        inside = _leaves(item)
        if inside is None:
            return None
        found += inside
    return sorted(found) if all(isinstance(item, str) for item in found) else found


def _number(entry: Any) -> Plain:
    """A number as comparing reads it: a truth value stays one, an int is not told from a float."""
    if isinstance(entry, int) and not isinstance(entry, bool):
        return float(as_tensor(entry))
    return entry


def _zeros_for_none(miss: Miss) -> bool:
    received = miss.difference.received
    return (
        miss.difference.expected is None
        and isinstance(received, torch.Tensor)
        and not received.is_meta
        and received.numel() > 0
        and not bool(received.any())
    )
