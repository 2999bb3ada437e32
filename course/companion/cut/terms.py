"""The terms that a loss is a sum of: which of them have no graph of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor

from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record.calls import DERIVED, Call, Record

_SUMS = {
    *("add", "__add__", "__radd__", "__iadd__", "add_", "sub", "__sub__", "__rsub__", "rsub"),
    *("stack", "cat"),
}
_SCALES = {
    *("mul", "__mul__", "__rmul__", "div", "__truediv__", "true_divide", "neg", "__neg__"),
    *("sum", "mean"),
}
"""What leaves of a sum a sum of the same terms, where the other factor is a plain number."""
_CASTS = {"float", "double", "half", "to"}
_LOSSES = {
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "kl_div"),
}
"""Loss functions whose name does not say that they are one.

A mean or a sum may be a constant that is meant, such as the entropy of a teacher.
"""


_SIZES = {"pow", "__pow__", "square", "abs", "norm", "linalg_norm", "linalg_vector_norm"}
"""What a penalty on weights begins with."""
_COUNTS = {"histc", "histogram", "bincount", "count_nonzero", "unique", "argmax", "argmin"}
"""What gives counts or places, which have no derivative."""


def without_graph(record: Record, loss: Tensor) -> list[Finding]:
    """The terms of a loss with a graph that are made of gradients without one."""
    end = record.source_of(loss)
    return without_graph_at(record, end) if end is not None and loss.requires_grad else []


def without_graph_at(record: Record, end: int) -> list[Finding]:
    """The same of the call that gave a loss, which may be gone."""
    told: dict[int, Finding] = {}
    for call, term in _terms(record, end):
        for number in sorted(record.before([term])):
            made = record.call(number) if number >= 0 else None
            if made is not None and made.note[0] == DERIVED and True in made.recorded:
                told[number] = found("term_without_graph", place=made.place, joins=str(call.place))
    return list(told.values())


def cut_off(record: Record, end: int) -> list[Finding]:
    """The terms of a loss whose own values were cut off from what it trains on another way.

    Not where what was cut leads to the loss itself, as in x + (q - x).detach(), and not of what
    the loss trains nothing of, as a teacher.
    """
    told: dict[int, Finding] = {}
    reached = recorded_numbers(record, end)
    for call, term in _terms(record, end, is_added):
        if not _is_measured(record, term) and not _penalizes(record, term):
            continue
        if (left := _left_torch(record, term, reached)) is not None:
            how = f"{left.name}() and NumPy" if left.name.startswith("detach") else "NumPy"
            joins = str(call.place)
            told[term] = found("term_cut", sure=False, place=left.place, how=how, joins=joins)
            continue
        if (block := _switched_off(record, term, reached)) is not None:
            joins = str(call.place)
            told[term] = found("term_unrecorded", sure=False, place=block, joins=joins)
            continue
        for number in sorted(record.before([term])):
            made = record.call(number) if number >= 0 else None
            if made is None or made.gives_grad or True not in made.recorded:
                continue
            whence = {of for of, grad in zip(made.sources, made.recorded, strict=True) if grad}
            trained = any(recorded_numbers(record, one) & reached for one in whence)
            if trained and not whence & reached and made.note[0] != DERIVED:
                how = f"{made.name}()"
                joins = str(call.place)
                told[number] = found("term_cut", sure=False, place=made.place, how=how, joins=joins)
                break
    return list(told.values())


def _switched_off(record: Record, term: int, reached: set[int]) -> Place | None:
    """The one block of the reader's own in which a term was computed from what the loss trains.

    Nothing of the term may have a graph: what is compared with a target that is meant so has one.
    """
    made = [one for number in record.before([term]) if (one := record.call(number)) is not None]
    if any(one.gives_grad for one in made):
        return None
    blocks = {
        Place.of(code, instruction)
        for one in made
        if one.note[0] == "off"
        for code, instruction, by in [one.note[1]]
        if not by
        and reached.intersection(
            of for of, grad in zip(one.sources, one.recorded, strict=True) if grad
        )
    }
    return blocks.pop() if len(blocks) == 1 else None


def _penalizes(record: Record, term: int) -> bool:
    """Whether a term is the size of parameters: all that they are given to is a norm or a power."""
    made = [one for number in record.before([term]) if (one := record.call(number)) is not None]
    given = [
        one.name
        for one in made
        if any(of < 0 and grad for of, grad in zip(one.sources, one.recorded, strict=True))
    ]
    return bool(given) and _SIZES.issuperset(given)


def counted(record: Record, end: int) -> list[Finding]:
    """The terms of a loss that count, compare or choose what the loss is to train."""
    told: dict[int, Finding] = {}
    reached = recorded_numbers(record, end)
    for call, term in _terms(record, end, is_added):
        for number in sorted(record.before([term])):
            made = record.call(number) if number >= 0 else None
            if made is None or made.gives_grad or made.name not in _COUNTS:
                continue
            whence = {of for of, grad in zip(made.sources, made.recorded, strict=True) if grad}
            if any(recorded_numbers(record, one) & reached for one in whence):
                words = {"how": f"{made.name}()", "joins": str(call.place)}
                told[number] = found("term_counted", sure=False, place=made.place, **words)
                break
    return list(told.values())


def _left_torch(record: Record, term: int, reached: set[int]) -> Call | None:
    """What cut a value off its graph for NumPy, if a term is made of arrays and of no graph.

    Which array it is made of is not seen: of several the first counts.
    """
    made = [one for number in record.before([term]) if (one := record.call(number)) is not None]
    if any(True in one.recorded for one in made):
        return None
    if all(one >= 0 for one in record.before([term])) and all(one.sources for one in made):
        return None  # nothing in it may be made of an array
    for number, call in record.every():
        if number >= term or call.name not in ("numpy", "__array__"):
            continue
        for behind in sorted(record.before(call.sources)):
            cut = record.call(behind) if behind >= 0 else None
            if cut is None or cut.gives_grad or True not in cut.recorded:
                continue
            whence = {of for of, grad in zip(cut.sources, cut.recorded, strict=True) if grad}
            trained = any(recorded_numbers(record, of) & reached for of in whence)
            if trained and not whence & reached:
                return cut
    return None


def recorded_numbers(record: Record, end: int) -> set[int]:
    """The numbers of all that a loss leads back to."""
    seen: set[int] = set()
    ahead = [end]
    while ahead:
        number = ahead.pop()
        call = record.call(number) if number >= 0 else None
        if number in seen:
            continue
        seen.add(number)
        if call is not None and call.gives_grad:
            given = zip(call.sources, call.recorded, strict=True)
            ahead += [source for source, grad in given if grad]
    return seen


def _is_measured(record: Record, term: int) -> bool:
    """Whether a term is the value of a loss function, by itself, scaled, or among others."""
    call = record.call(term) if term >= 0 else None
    if call is None:
        return False
    if call.name in _LOSSES or call.name.endswith("_loss"):
        return True
    if call.name in _CASTS and len(call.sources) == 1:
        return _is_measured(record, call.sources[0])
    return is_added(call) and any(_is_measured(record, source) for source in call.sources)


def _terms(
    record: Record, end: int, further: Callable[[Call], bool] | None = None
) -> Iterator[tuple[Call, int]]:
    """The sums that a loss consists of, each with a term that requires no grad."""
    for call in record.recorded([end], further or _is_linear):
        if call.name in _SUMS:
            lacking = zip(call.sources, call.recorded, strict=True)
            yield from ((call, source) for source, grad in lacking if not grad)


def is_added(call: Call) -> bool:
    """Whether it adds numbers, or scales one: the terms behind are terms of the loss itself."""
    scales = call.name in _SCALES - {"sum", "mean"} and len(call.sources) == 1
    return (call.name in _SUMS - {"stack", "cat"}) or scales


def _is_linear(call: Call) -> bool:
    """Whether a sum goes through it as a sum of the same terms."""
    return call.name in _SUMS or (call.name in _SCALES and len(call.sources) == 1)
