"""Facts: a wrong part is right but for a place or a condition, and what stands there instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from grader.diagnosis.comparison import expected_dtype, tolerance, within
from grader.diagnosis.facts.claims import Claim, telling
from grader.diagnosis.misses import Miss

Where = Callable[[Miss], torch.Tensor | None]
"""Says at which entries of a part something is the case; None where it cannot be asked."""

_CONDITIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "`{0}` > 0": lambda x: x > 0,
    "`{0}` < 0": lambda x: x < 0,
    "`{0}` is 0": lambda x: x == 0,
    "|`{0}`| > 1": lambda x: x.abs() > 1,
    "|`{0}`| < 1": lambda x: x.abs() < 1,
}
_PLACES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "in its first {0}": lambda at: at[0] == 0,
    "in its last {0}": lambda at: at[0] == at[0].max(),
    "first {0}": lambda at: at[0] > 0,
    "last {0}": lambda at: at[0] < at[0].max(),
}
_OF_MATRICES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "on its diagonal": lambda at: at[0] == at[1],
    "off its diagonal": lambda at: at[0] != at[1],
    "above its diagonal": lambda at: at[0] < at[1],
    "below its diagonal": lambda at: at[0] > at[1],
}
_CODES = {"first": "FACT.first_row", "last": "FACT.last_row"}
_WITHOUT_CAUSE = {"FACT.first_row": "FACT.first_row_alone"}
_THERE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "it is 0": torch.zeros_like,
    "it is 1": torch.ones_like,
    "its sign is turned round": torch.neg,
    "it is twice as large": lambda right: 2 * right,
}
_FEWEST = 3
"""How many entries must be wrong, and how many right, before their places say anything."""


def masks(misses: Sequence[Miss]) -> Iterator[Claim]:
    """Right except exactly where a condition on an input, or a place, holds."""
    if not telling(misses) or not _enough(misses):
        return
    for where, told in _wheres(misses[0]):
        # What is wrong in every row but one is said of that one.
        code = _CODES.get(told.partition(" ")[0], "FACT.mask")
        known = [c for c in _there(code, where, told) if all(map(c.holds, misses))]
        plain = _WITHOUT_CAUSE.get(code, code)
        yield from known[:1] or [Claim(plain, _wrong_at(where), {"where": told, "there": ""})]


def zeros(misses: Sequence[Miss]) -> Iterator[Claim]:
    """Right except exactly where the right answer is 0, as of a function that is flat there."""
    if telling(misses) and _enough(misses):
        told = {"where": "where it should be 0", "there": ""}
        yield Claim("FACT.mask", _wrong_at(_should_be_zero), told)


def _should_be_zero(miss: Miss) -> torch.Tensor:
    zero: torch.Tensor = miss.difference.expected == 0
    return zero


def _there(code: str, where: Where, told: str) -> Iterator[Claim]:
    for there, value in _THERE.items():
        joined = f"; elsewhere {there}" if code != "FACT.mask" else f", where {there}"
        ended = there == "it is 0"  # as a loop leaves it that ends too soon
        known = code if ended else _WITHOUT_CAUSE.get(code, code)
        yield Claim(known, _is_at(where, value), {"where": told, "there": joined})


def _wheres(miss: Miss) -> Iterator[tuple[Where, str]]:
    shape = miss.difference.expected.shape
    for name, value in miss.inputs.items():
        if isinstance(value, torch.Tensor) and value.shape == shape:
            for told, condition in _CONDITIONS.items():
                yield _condition(name, condition), "where " + told.format(name)
    square = len(shape) == 2 and shape[0] == shape[1]
    for told, place in (_PLACES | _OF_MATRICES if square else _PLACES).items():
        yield _place(place), told.format("row" if len(shape) > 1 else "entry")


def _condition(name: str, condition: Callable[[torch.Tensor], torch.Tensor]) -> Where:
    def where(miss: Miss) -> torch.Tensor | None:
        value = miss.inputs.get(name)
        if not isinstance(value, torch.Tensor) or value.is_meta:
            return None
        return condition(value.cpu())

    return where


def _place(place: Callable[[torch.Tensor], torch.Tensor]) -> Where:
    def where(miss: Miss) -> torch.Tensor | None:
        shape = miss.difference.expected.shape
        if not shape or 0 in shape:
            return None
        if place in _OF_MATRICES.values() and len(shape) != 2:
            return None
        steps = torch.meshgrid([torch.arange(size) for size in shape], indexing="ij")
        return place(torch.stack(list(steps)))

    return where


def _wrong(miss: Miss) -> torch.Tensor:
    """Which entries are wrong; nothing received is right where it is nan and should not be."""
    right, received = miss.difference.expected.double(), miss.difference.received.double()
    numbers = miss.difference.numbers
    allowed = numbers.allowed if numbers is not None else 0.0
    agree = (received - right).abs() <= allowed
    wrong: torch.Tensor = ~(agree | (received == right) | (received.isnan() & right.isnan()))
    return wrong


def _enough(misses: Sequence[Miss]) -> bool:
    """Where the right answer is 0 most formulas give 0: those entries are no evidence."""
    wrong = [_wrong(miss) for miss in misses]
    right = [~w & (m.difference.expected != 0) for w, m in zip(wrong, misses, strict=True)]
    return min(sum(int(w.sum()) for w in some) for some in (wrong, right)) >= _FEWEST


def _wrong_at(where: Where) -> Callable[[Miss], bool]:
    def holds(miss: Miss) -> bool:
        mask = where(miss)
        wrong = _wrong(miss)
        return mask is not None and mask.shape == wrong.shape and bool((mask == wrong).all())

    return holds


def _is_at(where: Where, value: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Miss], bool]:
    """Also where the right answer has the same value by chance, and so is not wrong."""

    def holds(miss: Miss) -> bool:
        mask = where(miss)
        right, received = miss.difference.expected.double(), miss.difference.received.double()
        if mask is None or mask.shape != right.shape or bool((_wrong(miss) & ~mask).any()):
            return False
        claimed = torch.where(mask, value(right), right)
        wanted = expected_dtype(miss.difference.expected, miss.rules)
        lower = min(wanted, miss.difference.received.dtype, key=lambda d: -tolerance(d))
        return within(claimed, received, lower, miss.rules.scale)

    return holds
