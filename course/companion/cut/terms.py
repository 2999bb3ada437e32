"""The terms that a loss is a sum of: which of them have no graph of their own."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from course.companion.finding import Finding, found
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


def _terms(record: Record, end: int) -> Iterator[tuple[Call, int]]:
    """The sums that a loss consists of, each with a term that requires no grad."""
    for call in record.recorded([end], _is_linear):
        if call.name in _SUMS:
            lacking = zip(call.sources, call.recorded, strict=True)
            yield from ((call, source) for source, grad in lacking if not grad)


def _is_linear(call: Call) -> bool:
    """Whether a sum goes through it as a sum of the same terms."""
    return call.name in _SUMS or (call.name in _SCALES and len(call.sources) == 1)
