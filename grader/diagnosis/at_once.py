"""Two named mistakes in one answer: the pair that gives its numbers, and the one behind a part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from grader.diagnosis.compared import Compared
from grader.diagnosis.comparison import Difference, agree
from grader.diagnosis.in_part import Mistaken
from grader.diagnosis.messages import say
from grader.diagnosis.misses import Miss, close, same
from grader.diagnosis.multiples import is_multiple, ratio
from grader.diagnosis.praise import without_praise
from grader.engine.observation import Observation, Plain
from grader.engine.task import Case

MOST = 20_000_000
"""How many numbers the search for a pair may look at, counted in the first failing case."""

Told = tuple[str, str]
"""Code and sentence."""


class Paired(Mistaken, Protocol):
    """What is known of an exercise's mistakes, and of those that a key makes two at a time."""

    def pairs(self) -> Iterable[tuple[str, str, str]]:
        """Code of each pair, to be asked for by `mistaken`, and the two sentences."""
        ...


def made_at_once(answers: Paired, compared: Sequence[Compared]) -> Told | None:
    """The one pair that the key makes by itself and that does what was observed in every case."""
    cases = sorted(compared, key=lambda c: c.passed)
    found = [
        _told(_short(code), one, other)
        for code, one, other in answers.pairs()
        if without_praise(one)
        and without_praise(other)
        and all(agree(answers.mistaken(code, c.case), c.observation, c.rules) for c in cases)
    ]
    return found[0] if len(found) == 1 else None


def two_at_once(answers: Paired, compared: Sequence[Compared]) -> Told | None:
    """The one pair of mistakes whose numbers the answer has in every case.

    The effects of two are added, or multiplied: what a term and another term, or a factor and
    another factor, do together. A mistake and a factor of its own are such a pair too. Of several
    pairs none is told, and none that the key makes by itself: what those two do is known.
    """
    cases = sorted(compared, key=lambda c: c.passed)
    if not all(map(_is_numeric, cases)):
        return None
    known = [_Known(*told[:2], answers) for told in answers.mistakes()]
    known = [one for one in known if one.can_be_read(cases[0])]
    made = {_short(code) for code, _, _ in answers.pairs()}
    together = [told for told in _together(known, cases) if not _among(made, told)]
    found = together or list(_multiples(known, cases))
    return found[0] if len(found) == 1 else None


def _among(made: set[str], told: Told) -> bool:
    one, _, other = _short(told[0]).partition("+")
    return f"{one}+{other}" in made or f"{other}+{one}" in made


def behind_parts(
    answers: Mistaken, compared: Sequence[Compared], names: Iterable[str]
) -> dict[str, Told]:
    """For a part that is wrong in value: the one mistake that gives it, by the part's name.

    The mistake must be seen whole: each part that it makes wrong is in the answer as it makes it.
    """
    if not all(map(_is_numeric, compared)):
        return {}
    known = [_Known(*told[:2], answers) for told in answers.mistakes()]
    found: dict[str, list[_Known]] = {}
    for one in known:
        parts = one.parts_in(compared)
        for name in parts:
            found.setdefault(name, []).append(one)
    return {
        name: (f"PART.{found[name][0].code}", without_praise(found[name][0].sentence))
        for name in names
        if len(found.get(name, ())) == 1 and without_praise(found[name][0].sentence)
    }


@dataclass(frozen=True)
class _Known:
    """A named mistake, and what it does in a case."""

    code: str
    sentence: str
    answers: Mistaken

    def seen(self, case: Case) -> Observation:
        return self.answers.mistaken(self.code, case)

    def can_be_read(self, c: Compared) -> bool:
        """Whether it differs from the right answer in numbers alone, if at all."""
        seen = self.seen(c.case)
        if seen.error is not None or seen.effects or set(seen.values) != set(c.expected):
            return False
        here, right = list(_leaves(seen.values)), list(_leaves(c.expected))
        return [path for path, _ in here] == [path for path, _ in right] and all(
            _alike(one, other) for (_, one), (_, other) in zip(here, right, strict=True)
        )

    def parts_in(self, compared: Sequence[Compared]) -> set[str]:
        """The parts that it makes wrong, if the answer has all of them as it makes them."""
        wrong: set[str] = set()
        for c in sorted(compared, key=lambda c: c.passed):
            seen = self.seen(c.case)
            if seen.error is not None or seen.effects or set(seen.values) != set(c.expected):
                return set()
            miss = Miss(c.case, c.rules, _NOTHING)
            for name, value in seen.values.items():
                if not same(c.expected[name], value, miss):
                    wrong.add(name)
                    if not same(value, c.observation.values.get(name), miss):
                        return set()
        for c in compared:  # a part that is wrong where the mistake leaves it right is another's
            wrong -= {d.name for d in c.differences if not _gives(self, d.name, c)}
        return wrong


def _gives(one: _Known, name: str, c: Compared) -> bool:
    miss = Miss(c.case, c.rules, _NOTHING)
    return same(one.seen(c.case).values.get(name), c.observation.values.get(name), miss)


_NOTHING = Difference("", "text", None, None)


def _is_numeric(c: Compared) -> bool:
    seen = c.observation
    return not (seen.error or seen.effects or c.complaints) and all(
        d.kind == "value" and isinstance(d.expected, torch.Tensor | float | int)
        for d in c.differences
    )


def _leaves(value: Plain, path: str = "") -> Iterator[tuple[str, Plain]]:
    """Every value that is no container, with where it stands."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield from _leaves(inside, f"{path}[{name!r}]")
    elif isinstance(value, tuple | list):
        for i, inside in enumerate(value):
            yield from _leaves(inside, f"{path}[{i}]")
    else:
        yield path, value


def _is_number(value: Plain) -> bool:
    if isinstance(value, torch.Tensor):
        return value.is_floating_point() and not value.is_meta
    return isinstance(value, float)


def _alike(one: Plain, right: Plain) -> bool:
    """Whether two values can stand in one vector, or beside it."""
    if isinstance(right, torch.Tensor) and _is_number(right):
        return isinstance(one, torch.Tensor) and _is_number(one) and one.shape == right.shape
    return type(one) is type(right) and _is_number(one) == _is_number(right)


def _numbers(values: Plain) -> list[torch.Tensor]:
    """The numbers of an observation, leaf by leaf."""
    return [
        torch.as_tensor(value, dtype=torch.float64)
        for _, value in _leaves(values)
        if _is_number(value)
    ]


def _vector(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([part.flatten() for part in parts])


def _sum(one: torch.Tensor, other: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return one + other - right


def _product(one: torch.Tensor, other: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    nothing = (right == 0) & ((one == 0) | (other == 0))
    return torch.where(nothing, 0.0, one * other / right)


Together = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def _together(known: Sequence[_Known], cases: Sequence[Compared]) -> Iterator[Told]:
    """Pairs whose effects on the numbers, added or multiplied, are those of the answer."""
    first = cases[0]
    right, received = _numbers(first.expected), _numbers(first.observation.values)
    if not (known and right) or [r.shape for r in right] != [g.shape for g in received]:
        return  # counts alone are no numbers here
    r, g = _vector(right), _vector(received)
    if len(known) ** 2 * len(r) > MOST:
        return
    each = torch.stack([_vector(_numbers(one.seen(first.case).values)) for one in known])
    # A bound for every entry that is wide enough for the entries of its own part.
    bound = 10 * max(1e-9, _coarse(first)) * (first.rules.scale + r.abs().nan_to_num().max())
    pairs = dict.fromkeys(
        (i, j)
        for both in (_sum, _product)
        for i in range(len(known))
        for j in _near(both(each[i], each[i + 1 :], r), g, bound, i + 1)
        if all(_have(both, known[i], known[j], c) for c in cases)
    )
    for i, j in pairs:
        one, other = known[i].sentence, known[j].sentence
        if without_praise(one) and without_praise(other):
            yield _told(f"{_short(known[i].code)}+{_short(known[j].code)}", one, other)


def _coarse(c: Compared) -> float:
    return {torch.float64: 1e-9, torch.float32: 2e-5}.get(c.rules.dtype, 2e-2)


def _near(claimed: torch.Tensor, g: torch.Tensor, bound: torch.Tensor, start: int) -> list[int]:
    off = ((claimed - g).abs() <= bound) | ((claimed == g) | (claimed.isnan() & g.isnan()))
    return [start + int(k) for k in off.all(dim=-1).nonzero()] if len(claimed) else []


def _have(both: Together, one: _Known, other: _Known, c: Compared) -> bool:
    """Whether in a case the answer has what the two give together, part by part."""
    if not (one.can_be_read(c) and other.can_be_read(c)):
        return False
    miss = Miss(c.case, c.rules, _NOTHING)
    if not _have_beside(one, other, c):
        return False
    received = _numbers(c.observation.values)
    parts = (_numbers(one.seen(c.case).values), _numbers(other.seen(c.case).values))
    right = _numbers(c.expected)
    return len(received) == len(right) and all(
        close(both(a, b, r), g.to(c.rules.dtype), miss)
        for a, b, r, g in zip(*parts, right, received, strict=True)
    )


def _have_beside(one: _Known, other: _Known, c: Compared) -> bool:
    """Whether all that is no number, counts and flags, is as the one has it that has it wrong."""
    miss = Miss(c.case, c.rules, _NOTHING)
    found = (_beside(v) for v in (one.seen(c.case).values, other.seen(c.case).values, c.expected))
    for a, b, right, got in zip(*found, _beside(c.observation.values), strict=False):
        claimed = b if same(right, a, miss) else a if same(right, b, miss) else None
        if (claimed is None and right is not None) or not same(claimed, got, miss):
            return False
    return True


def _has_beside(one: _Known, c: Compared) -> bool:
    """Whether all that is no number, counts and flags, is as the mistake has it."""
    miss = Miss(c.case, c.rules, _NOTHING)
    claimed, received = _beside(one.seen(c.case).values), _beside(c.observation.values)
    pairs = zip(claimed, received, strict=False)
    return len(claimed) == len(received) and all(same(a, b, miss) for a, b in pairs)


def _beside(values: Plain) -> list[Plain]:
    return [value for _, value in _leaves(values) if not _is_number(value)]


_FACTORS = ("RATIO.sign", "RATIO.twice", "RATIO.times_count", "RATIO.over_count", "RATIO.constant")


def _multiples(known: Sequence[_Known], cases: Sequence[Compared]) -> Iterator[Told]:
    """A mistake whose wrong parts the answer has times one factor that has a name."""
    for one in known:
        factor = "" if cases[0].secret else _factor_of(one, cases)
        sentence = without_praise(one.sentence)
        if factor and sentence:
            told = say("AT_ONCE.multiple", factor=factor, mistake=sentence)
            yield f"AT_ONCE.{one.code}", told


def _factor_of(one: _Known, cases: Sequence[Compared]) -> str:
    """The factor that turns all numbers of a mistake into the answer's, in words; "" if none."""
    misses: dict[int, list[Miss]] = {}
    for c in cases:  # in nearly all the first one decides, and in the others nothing is worked out
        if not (one.can_be_read(c) and _has_beside(one, c)):
            return ""
        nothing = Miss(c.case, c.rules, _NOTHING)
        mistaken, received = _numbers(one.seen(c.case).values), _numbers(c.observation.values)
        if [m.shape for m in mistaken] != [g.shape for g in received]:
            return ""
        for i, (m, g) in enumerate(zip(mistaken, received, strict=True)):
            if not close(m, g.to(c.rules.dtype), nothing):
                miss = Miss(c.case, c.rules, Difference("", "value", m, g.to(c.rules.dtype)))
                if not is_multiple(miss):
                    return ""
                misses.setdefault(i, []).append(miss)
    found = {_label(ratio(entries)) for entries in misses.values() if _tells(entries)}
    return found.pop() if len(found) == 1 and all(map(_tells, misses.values())) else ""


def _tells(entries: Sequence[Miss]) -> bool:
    return sum(int((m.difference.expected != 0).sum()) for m in entries) > 1


def _label(signature: Any) -> str:
    if signature is None or signature.code not in _FACTORS:
        return ""
    symbol = signature.values.get("symbol", "")
    words = {
        "RATIO.constant": f"{signature.values.get('factor')}",
        "RATIO.sign": "-1",
        "RATIO.twice": "2",
        "RATIO.times_count": f"{symbol}",
        "RATIO.over_count": f"1/{symbol}",
    }
    return words[signature.code]


def _short(code: str) -> str:
    return code.partition(".")[2]


def _told(code: str, one: str, other: str) -> Told:
    one, other = without_praise(one), without_praise(other)
    return f"AT_ONCE.{code}", say("AT_ONCE", one=one, other=other)
