"""A row of a table that a value chose, and how its gradient is handed past the choice."""

from __future__ import annotations

from course.companion.finding import Finding, found
from course.companion.record.calls import Call, Record

_DIFFERENCES = {"sub", "__sub__", "subtract"}
_COMPARING = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", *_DIFFERENCES}
_SUMS = {"add", "__add__", "__radd__"}
_LOOKS_UP = {"embedding", "__getitem__", "index_select"}


def looked_up(record: Record, number: int) -> Call | None:
    """The call that takes rows of a table by an index, if the index was chosen by the table."""
    call = record.call(number)
    if call is None or call.name not in ("argmin", "argmax"):
        return None
    chosen_by = record.before(call.sources)
    for _, one in record.every():
        if one.name not in _LOOKS_UP or number not in one.sources:
            continue
        tables = (source for source in one.sources if source != number)
        if one.gives_grad and any(table in chosen_by for table in tables):
            return one
    return None


def straight_through(record: Record, number: int) -> int | None:
    """The q of z + (q - z).detach(), where a detached difference is added to its z again."""
    cut = record.call(number)
    difference = record.call(cut.sources[0]) if cut is not None and cut.sources else None
    if cut is None or cut.name != "detach" or difference is None:
        return None
    if difference.name not in _DIFFERENCES or len(difference.sources) != 2:
        return None
    q, z = difference.sources
    sums = (one for _, one in record.every() if one.name in _SUMS and number in one.sources)
    return q if any(z in one.sources for one in sums) else None


def compared(record: Record, number: int) -> Call | None:
    """The call that compares z + (q - z).detach() with z.detach(): a term for q that misses it."""
    cut = record.call(number)
    difference = record.call(cut.sources[0]) if cut is not None and cut.sources else None
    if difference is None or len(difference.sources) != 2:
        return None
    z = difference.sources[1]
    estimated = {
        at
        for at, one in record.every()
        if one.name in _SUMS and number in one.sources and z in one.sources
    }
    detached = {at for at, one in record.every() if one.name == "detach" and one.sources == (z,)}
    for _, one in record.every():
        given = set(one.sources)
        if one.name in _COMPARING and given & estimated and given & detached:
            return one
    return None


def unused(
    record: Record, cuts: list[int], live: set[int], before: set[int], name: str
) -> Finding | None:
    """A z + (q - z).detach() that was made of a choice, where a loss takes the choice alone."""
    calls = [call for one in cuts if (call := record.call(one)) is not None]
    chosen = next((one for one in calls if one.note[0] == "integer"), None)
    if chosen is None or any(one is not chosen and one.name != "detach" for one in calls):
        return None
    for number, one in record.every():
        is_left = one.name in _SUMS and number in live and number not in before
        if is_left and any(_passes(record, of, one) for of in one.sources if of >= 0):
            made, at = f"{chosen.name}()", str(chosen.place)
            return found("estimate_unused", tensor=name, place=one.place, call=made, at=at)
    return None


def of_rests(record: Record) -> list[Finding]:
    """Terms that compare what a straight-through estimate leaves of a value."""
    return [
        found("residual_estimated", place=rest.place, at=str(term.place))
        for rest, term in _rests(record)
    ][:1]


def _rests(record: Record) -> list[tuple[Call, Call]]:
    """Each z - (z + (q - z).detach()), with the call that compares it with a constant."""
    pairs = []
    for number, one in record.every():
        if one.name not in _DIFFERENCES or one.recorded != (True, True):
            continue
        z, estimated = one.sources
        made = record.call(estimated) if estimated >= 0 else None
        if made is None or made.name not in _SUMS or z not in made.sources:
            continue
        if not any(_passes(record, source, made) for source in made.sources if source >= 0):
            continue
        terms = [
            term
            for _, term in record.every()
            if term.name in _COMPARING
            and number in term.sources
            and sorted(term.recorded) == [False, True]
        ]
        pairs += [(one, term) for term in terms[:1]]
    return pairs


def _passes(record: Record, source: int, added: Call) -> bool:
    """Whether a source of a sum is the detached difference that takes its other part away."""
    cut = record.call(source)
    inner = record.call(cut.sources[0]) if cut is not None and cut.sources else None
    if cut is None or cut.name != "detach" or inner is None or inner.name not in _DIFFERENCES:
        return False
    return len(inner.sources) == 2 and inner.sources[1] in added.sources
