"""Compares two pieces of plain data and says where and by how much they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from grader.engine.observation import FLAGS, Observation, Plain
from grader.engine.task import Case, Task

TOLERANCE = {
    torch.float64: 1e-9,
    torch.complex128: 1e-9,
    torch.float32: 2e-5,
    torch.complex64: 2e-5,
    torch.bfloat16: 2e-2,
    torch.float16: 2e-3,
}
"""Allowed difference per dtype, relative to the case's scale plus the largest expected value."""

_WIDTH = {torch.bfloat16: 0, torch.float16: 1, torch.float32: 2, torch.complex64: 2}
_COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


@dataclass(frozen=True)
class Numbers:
    """How far a received tensor is from the expected one, and what would have been allowed."""

    worst_abs: float
    worst_rel: float
    at: tuple[int, ...]
    allowed: float
    wrong: int
    total: int


@dataclass(frozen=True)
class Difference:
    """One place where received and expected data differ.

    `kind` is one of none, type, structure, shape, dtype, value, flag, text; `numbers` is there for
    numbers, and for tensors of equal shape. The path "" stands for everything returned. `name` is
    the named value that the path leads into, `steps` the keys and positions on the way.
    """

    path: str
    kind: str
    expected: Plain
    received: Plain
    numbers: Numbers | None = None
    name: str = ""
    steps: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Rules:
    """What counts as equal in one case: its dtype, its scale, and leniencies of the task."""

    dtype: torch.dtype = torch.float64
    scale: float = 1.0
    accepts_numbers: bool = False

    @classmethod
    def of(cls, task: Task, case: Case) -> Rules:
        """The rules of one case of a task."""
        return cls(case.dtype, case.scale, task.accepts_numbers)


def tolerance(*dtypes: torch.dtype) -> float:
    """The tolerance of the least precise of the dtypes; 0 for integers and booleans."""
    floating = [d for d in dtypes if d in TOLERANCE]
    if not floating:
        return 0.0
    return TOLERANCE[min(floating, key=lambda d: _WIDTH.get(d, 3))]


def expected_dtype(expected: torch.Tensor, rules: Rules) -> torch.dtype:
    """The dtype the answer should have: references are float64, answers in the case's dtype."""
    if expected.dtype == torch.float64:
        return rules.dtype
    if expected.dtype == torch.complex128:
        return _COMPLEX.get(rules.dtype, torch.complex64)
    return expected.dtype


def compare(
    expected: Mapping[str, Plain], received: Mapping[str, Plain], rules: Rules
) -> list[Difference]:
    """Every difference between two sets of named values, in the expected order."""
    return list(_all_differences(expected, received, rules))


def agree(one: Observation, other: Observation, rules: Rules) -> bool:
    """Whether two observations show the same behaviour: values, effects and error."""
    if one is other:
        return True
    if (one.error is None) != (other.error is None):
        return False
    if one.error is not None and other.error is not None:
        one_said = one.error.type_name, one.error.message
        return one_said == (other.error.type_name, other.error.message)
    if set(one.effects) != set(other.effects):
        return False
    return equal(one.values, other.values, rules)


def equal(expected: Mapping[str, Plain], received: Mapping[str, Plain], rules: Rules) -> bool:
    """Whether `compare` finds no difference."""
    if any(_surely_differ(v, received.get(name), rules) for name, v in expected.items()):
        return False
    return next(_all_differences(expected, received, rules), None) is None


def _surely_differ(expected: Plain, received: Plain, rules: Rules) -> bool:
    """Whether two values differ by `_differences`, told by a part of its work; False says nothing.

    A proof compares every mistake with every other one, and nearly all of these differ here.
    """
    if isinstance(expected, torch.Tensor):
        if not isinstance(received, torch.Tensor) or received.is_meta != expected.is_meta:
            return False
        wanted = expected_dtype(expected, rules)
        return expected.shape == received.shape and not within(
            expected, received, wanted, rules.scale
        )
    if isinstance(expected, dict) and isinstance(received, dict):
        if len(expected) != len(received):
            return True
        return any(
            name not in received or _surely_differ(value, received[name], rules)
            for name, value in expected.items()
        )
    if isinstance(expected, tuple | list) and isinstance(received, tuple | list):
        return len(expected) != len(received) or any(
            _surely_differ(one, other, rules) for one, other in zip(expected, received, strict=True)
        )
    same_kind = type(expected) is type(received)
    return same_kind and isinstance(expected, bool | str | int) and expected != received


def _all_differences(
    expected: Mapping[str, Plain], received: Mapping[str, Plain], rules: Rules
) -> Iterator[Difference]:
    for name, value in expected.items():
        if name in received:
            for found in _differences(name, value, received[name], rules):
                yield replace(found, name=name)
    if set(expected) != set(received):
        yield Difference("", "structure", dict(expected), dict(received))


def _differences(path: str, expected: Plain, received: Plain, rules: Rules) -> Iterator[Difference]:
    if path.rpartition(".")[2] in FLAGS and isinstance(expected, bool | str | None):
        if type(expected) is not type(received) or expected != received:
            yield Difference(path, "flag", expected, received)
    elif isinstance(expected, torch.Tensor):
        yield from _tensor_differences(path, expected, received, rules)
    elif isinstance(expected, bool) or expected is None or isinstance(expected, str):
        if type(expected) is not type(received):
            kind = "none" if received is None else "type"
            yield Difference(path, kind, expected, received)
        elif expected != received:
            yield Difference(path, "text", expected, received)
    elif isinstance(expected, int | float | complex):
        yield from _number_differences(path, expected, received, rules)
    elif isinstance(expected, tuple | list):
        yield from _sequence_differences(path, expected, received, rules)
    elif isinstance(expected, dict):
        yield from _dict_differences(path, expected, received, rules)
    elif isinstance(expected, frozenset):
        if not isinstance(received, frozenset):
            kind = "none" if received is None else "type"
            yield Difference(path, kind, expected, received)
        elif expected != received:
            yield Difference(path, "text", expected, received)
    elif expected != received:  # two Unrecordables
        yield Difference(path, "type", expected, received)


def _tensor_differences(
    path: str, expected: torch.Tensor, received: Plain, rules: Rules
) -> Iterator[Difference]:
    if rules.accepts_numbers and expected.ndim == 0 and type(received) in (int, float):
        received = as_tensor(received).to(expected_dtype(expected, rules))
    if not isinstance(received, torch.Tensor) or received.is_meta != expected.is_meta:
        kind = "none" if received is None else "type"
        yield Difference(path, kind, expected, received)
        return
    if received.shape != expected.shape:
        yield Difference(path, "shape", expected, received)
        return
    wanted = expected_dtype(expected, rules)
    numbers = measure(expected, received, wanted, rules.scale)
    if numbers.wrong:
        kind = "type" if received.is_complex() > expected.is_complex() else "value"
        yield Difference(path, kind, expected, received, numbers)
    elif received.dtype != wanted:
        yield Difference(path, "dtype", expected.to(wanted), received, numbers)


def as_tensor(number: float | complex) -> torch.Tensor:
    """A Python number as a tensor of shape () in double precision; inf where it is too large."""
    if isinstance(number, complex):
        return torch.tensor(number, dtype=torch.complex128)
    try:
        return torch.tensor(float(number), dtype=torch.float64)
    except OverflowError:
        return torch.tensor(math.inf if number > 0 else -math.inf, dtype=torch.float64)


def measure(
    expected: torch.Tensor, received: torch.Tensor, wanted: torch.dtype, scale: float
) -> Numbers:
    """Distances between two tensors of one shape, in the lower precision of `wanted` and received.

    An entry is wrong where |received - expected| > tolerance * (scale + max|expected|). Equal
    infinities agree, and so do two nans.
    """
    if expected.numel() == 0 or expected.is_meta:
        allowed = tolerance(wanted, received.dtype) * scale
        return Numbers(0.0, 0.0, (), allowed, 0, expected.numel())
    r, distance, allowed, outside = _distances(expected, received, wanted, scale)
    if outside is None:
        worst = int(distance.argmax())
        at = _index(worst, r.shape)
        return Numbers(float(distance.flatten()[worst]), 0.0, at, allowed, 0, r.numel())
    # Infinities and nans are among them, which may agree all the same.
    same = _same_without_distance(r, received)
    outside &= ~same
    distance = torch.where(same, 0.0, distance).nan_to_num(nan=math.inf, posinf=math.inf)
    worst = int(distance.argmax())
    relative = (distance / r.abs()).nan_to_num(nan=math.inf, posinf=math.inf)
    wrong = int(outside.sum())
    worst_rel = float(relative[outside].max()) if wrong else 0.0
    worst_abs = float(distance.flatten()[worst])
    return Numbers(worst_abs, worst_rel, _index(worst, r.shape), allowed, wrong, r.numel())


def within(
    expected: torch.Tensor, received: torch.Tensor, wanted: torch.dtype, scale: float
) -> bool:
    """Whether `measure` finds no entry wrong, told by the half of its work."""
    if expected.numel() == 0 or expected.is_meta:
        return True
    r, _, _, outside = _distances(expected, received, wanted, scale)
    return outside is None or not bool((outside & ~_same_without_distance(r, received)).any())


def _distances(
    expected: torch.Tensor, received: torch.Tensor, wanted: torch.dtype, scale: float
) -> tuple[torch.Tensor, torch.Tensor, float, torch.Tensor | None]:
    """What is expected in double precision, the distances, what is allowed, and where it is more.

    None instead of the last where it is more nowhere.
    """
    wide = torch.complex128 if received.is_complex() or expected.is_complex() else torch.float64
    r = expected.to(wide)
    distance = (received.to(wide) - r).abs()
    size = r.abs()
    largest = float(size.max())
    if not math.isfinite(largest):
        finite = size[torch.isfinite(size)]
        largest = float(finite.max()) if finite.numel() else 0.0
    allowed = tolerance(wanted, received.dtype) * (scale + largest)
    inside = distance <= allowed
    return r, distance, allowed, None if bool(inside.all()) else ~inside


def _same_without_distance(r: torch.Tensor, received: torch.Tensor) -> torch.Tensor:
    """Where both are the same infinity, or nan."""
    g = received.to(r.dtype)
    return (g == r) | (torch.isnan(g) & torch.isnan(r))


def _index(flat: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Position in a tensor of `shape` of entry `flat`. torch.unravel_index would import a lot."""
    index: list[int] = []
    for size in reversed(shape):
        flat, here = divmod(flat, size)
        index.append(here)
    return tuple(reversed(index))


def _number_differences(
    path: str, expected: Any, received: Plain, rules: Rules
) -> Iterator[Difference]:
    if rules.accepts_numbers and isinstance(received, torch.Tensor) and received.ndim == 0:
        received = received.item()
    # A count or an index is an int: nothing can be counted off by 3.0.
    wanted = (
        int if isinstance(expected, int) and not rules.accepts_numbers else int | float | complex
    )
    if isinstance(received, bool) or not isinstance(received, wanted):
        kind = "none" if received is None else "type"
        yield Difference(path, kind, expected, received)
        return
    if isinstance(expected, int) and isinstance(received, int):
        if expected != received:
            yield Difference(path, "value", expected, received)
        return
    numbers = measure(as_tensor(expected), as_tensor(received), rules.dtype, rules.scale)
    if numbers.wrong:
        yield Difference(path, "value", expected, received, numbers)


def _sequence_differences(
    path: str, expected: Any, received: Plain, rules: Rules
) -> Iterator[Difference]:
    if not isinstance(received, tuple | list):
        yield Difference(path, "none" if received is None else "type", expected, received)
    elif len(received) != len(expected):
        yield Difference(path, "structure", expected, received)
    elif set(map(type, (*expected, *received))) != {str} or list(expected) != list(received):
        for i, (one, other) in enumerate(zip(expected, received, strict=True)):
            yield from _within(i, _differences(f"{path}[{i}]", one, other, rules))


def _dict_differences(
    path: str, expected: dict[Any, Plain], received: Plain, rules: Rules
) -> Iterator[Difference]:
    if not isinstance(received, dict):
        yield Difference(path, "none" if received is None else "type", expected, received)
        return
    if set(received) != set(expected):
        yield Difference(path, "structure", expected, received)
    for name, value in expected.items():
        if name in received:
            inside = _differences(f"{path}[{name!r}]", value, received[name], rules)
            yield from _within(name, inside)


def _within(step: Any, inside: Iterator[Difference]) -> Iterator[Difference]:
    for found in inside:
        yield replace(found, steps=(step, *found.steps))
