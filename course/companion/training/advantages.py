"""An estimate that weighs log-probabilities with its graph, and is fitted to a target too."""

from __future__ import annotations

from course.companion.finding import Finding, found
from course.companion.places import written
from course.companion.record.calls import Call, Record

_FITS = {"mse_loss", "smooth_l1_loss", "huber_loss", "l1_loss"}
_PRODUCTS = {"mul", "__mul__", "__rmul__", "multiply"}
_BETWEEN = {
    *("sub", "__sub__", "__rsub__", "rsub", "add", "__add__", "__radd__", "neg", "__neg__"),
    *("squeeze", "unsqueeze", "view", "reshape", "flatten", "stack", "cat", "__getitem__"),
    *("mul", "__mul__", "__rmul__", "div", "__truediv__"),
}
"""What makes an advantage of an estimate."""
_LOGARITHMS = {"log_softmax", "cross_entropy", "nll_loss"}


def with_graph(record: Record) -> list[Finding]:
    """The products of a log-probability and a fitted estimate that both lead back, by line."""
    fitted: dict[int, Call] = {}
    for _, call in record.every():
        if call.name in _FITS and call.sources and call.recorded[0]:
            fitted[call.sources[0]] = call
    if not fitted:
        return []
    told = {}
    for _, call in record.every():
        if call.name not in _PRODUCTS or call.recorded != (True, True) or not call.gives_grad:
            continue
        for estimate, other in (call.sources, call.sources[::-1]):
            mine = _made_of(record, estimate) & fitted.keys()
            if mine and _is_logarithm(record, other) and not _is_logarithm(record, estimate):
                fit = fitted[mine.pop()]
                told[call.place] = found(
                    "advantage_with_graph", sure=False, place=call.place, at=str(fit.place)
                )
    return list(told.values())


def _made_of(record: Record, number: int) -> set[int]:
    """The recorded values that a value is a plain sum, difference or product of."""
    calls = record.recorded([number], lambda call: call.name in _BETWEEN)
    return {number} | {
        source
        for call in calls
        if call.name in _BETWEEN
        for source, grad in zip(call.sources, call.recorded, strict=True)
        if grad
    }


def _is_logarithm(record: Record, number: int) -> bool:
    """Whether a value is a log-probability, or a plain sum of some."""
    return any(
        call is not None
        and (call.name in _LOGARITHMS or ".log_prob(" in written(call.code, call.instruction))
        for call in map(record.call, _made_of(record, number))
    )
