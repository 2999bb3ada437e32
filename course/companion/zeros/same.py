"""One model under two names, where a loss compares it with itself."""

from __future__ import annotations

from collections.abc import Sequence

from course.companion.finding import Finding, found
from course.companion.surroundings import Surroundings


def told(findings: Sequence[Finding], around: Surroundings) -> list[Finding]:
    """The same, where a prediction equals its target since one model gave both: by its names."""
    return [_named(one, around) if one.code == "zero_equal" else one for one in findings]


def _named(one: Finding, around: Surroundings) -> Finding:
    """Of a parameter of a model that has two names in one object, where no other has."""
    mine = {id(p) for name, p in around.parameters.items() if one.tensor.startswith(name)}
    pairs = list(around.aliases())
    if len(pairs) != 1 or not any(id(p) in mine for p in pairs[0][2].parameters()):
        return one
    first, other, _ = pairs[0]
    return found("zero_same", tensor=one.tensor, place=one.place, one=first, other=other)
