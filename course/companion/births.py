"""Where a gradient becomes zero or nan: the first node that gets a good one and hands on a bad."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from course.companion import curvature, origins, twins
from course.companion.calls import Pass, Record
from course.companion.finding import Finding, found
from course.companion.origins import number_of
from course.companion.reach import Reach
from course.companion.sizes import PASSES_ON, Measured, Size, Sizes, largest, nodes, size_of

TINY = 1e-6


def seen(record: Record) -> list[Finding]:
    """The losses of watched backward passes that were nan or inf."""
    broken = [event.about.broken for event in record.events_of("backward")]
    calls = [record.of_node(one) for one in broken if one >= 0]
    return [
        found(
            "nan_loss", tensor="the loss", bad="nan or inf", first=f"{one.name}()", place=one.place
        )
        for one in calls
        if one is not None
    ]


class Freed(Exception):
    """The graph was freed, and no watched pass went through it."""


class Births:
    """The gradients of one loss, node by node, as a watched pass or one of its own saw them."""

    def __init__(
        self,
        record: Record | None,
        loss: Tensor,
        reach: Reach,
        names: Callable[[Tensor], str] = lambda tensor: "another factor",
    ) -> None:
        self._record, self._loss, self._reach, self._names = record, loss, reach, names
        self._ends: dict[int, Size | None] = {}
        """The size of each leaf's gradient, where it was measured anew."""

    @cached_property
    def _measured(self) -> Pass | None:
        """A pass that went through this graph; None if the graph was freed before one was seen."""
        number = number_of(self._reach.root)
        events = self._record.events_of("backward") if self._record is not None else []
        for event in reversed(events):
            seen: Pass = event.about
            if number in seen.roots and (seen.sizes or seen.broken >= 0):
                return seen
        measured = Measured()
        leaves = [one.variable for one in self._reach.nodes if hasattr(one, "variable")]
        measured.begin([self._loss])
        try:
            gradients = _differentiated(self._loss, leaves)
            sizes = map(size_of, gradients)
            self._ends = dict(zip(map(id, leaves), sizes, strict=True))
        except Freed:
            return None
        finally:
            measured.end()
        return measured.as_pass(True)

    def why_bad(self, tensor: Tensor, name: str) -> list[Finding]:
        """The nodes in which a tensor's gradient becomes zero or nan. Raises Freed."""
        if self._measured is None:
            raise Freed
        measured, broken = self._measured.sizes, self._measured.broken
        if broken >= 0 or not _is_finite(self._loss):
            return [_of_loss(self._record, self._loss, self._reach, broken)]
        target = self._reach.target(tensor)
        born, bad, last, into = _followed(self._reach, target, measured)
        end = self._size_at(tensor)
        ways = _ways(self._reach, target)
        if end == 0 and (twin := twins.difference(self._record, tensor, self._loss, name)):
            return [twin]
        if end == 0 and not _is_bad(bad) and ways > 1:
            return [found("zero_cancels", tensor=name, count=ways)]
        if (
            end is not None
            and not _is_bad(bad)
            and (not math.isfinite(end) or _is_tiny(end, into, last))
        ):
            born, bad = [(last, end)], end  # at the last operation before the leaf
        wanted = [one for one in born if math.isfinite(one[1]) == math.isfinite(bad)]
        if target is None or not _is_bad(bad):
            return []
        told = dict(wanted).items()
        straight = curvature.missing(self._record, self._reach, [node for node, _ in told], name)
        if bad == 0 and straight is not None:
            return [straight]
        return [self._told(node, size, tensor, name) for node, size in told][:2]

    def _told(self, node: Any, size: float, tensor: Tensor, name: str) -> Finding:
        finding = origins.finding(self._record, node, size, name, self._end_of(tensor))
        if finding.code == "nan_other" and (row := self._masked_row(node, name)) is not None:
            return row
        if finding.code != "zero_factor" or (other := self._starting(node)) is None:
            return finding
        call, place = origins.call_of(self._record, node)
        words = {"node": node.name(), "call": call, "other": self._names(other)}
        return found("zero_start", tensor=name, place=place, sure=False, **words)

    def _masked_row(self, born: Any, name: str) -> Finding | None:
        """The softmax before a node that gave nan: its factor there is no number."""
        shares = self._measured.shares if self._measured is not None else {}
        for node in nodes([born]):
            size = shares.get(number_of(node))
            if size is not None and math.isnan(largest(size)):
                call, place = origins.call_of(self._record, node)
                return found("nan_row", tensor=name, place=place, call=call)
        return None

    def _starting(self, node: Any) -> Tensor | None:
        """The other factor of a node, if it is a leaf that has a gradient of its own."""
        for leaf in map(_leaf_behind, (below for below, _ in node.next_functions)):
            if leaf is not None and not _is_bad(self._size_at(leaf) or 0.0):
                return leaf
        return None

    def _end_of(self, tensor: Tensor) -> float:
        """What a tensor has of its gradient: 0 where that is unknown."""
        return self._size_at(tensor) or 0.0

    def _size_at(self, tensor: Tensor) -> float | None:
        size = self._ends.get(id(tensor))
        if size is None and tensor.is_leaf:
            size = size_of(tensor.grad)
        return None if size is None else largest(size)


def _followed(
    reach: Reach, target: Any, measured: Sizes
) -> tuple[list[tuple[Any, float]], float, Any, float]:
    """The nodes on the way to a target that make a good gradient bad.

    Also what arrives at the target, the last node before it that computes something, and what
    arrives there.
    """
    leading = reach.leading_to(target)
    coming: dict[Any, float] = {reach.root: 1.0}
    born: list[tuple[Any, float]] = []
    last, at_last = reach.root, 1.0
    for node in sorted(leading, key=lambda one: -number_of(one)):
        into = coming.get(node, 0.0)
        out = measured[number_of(node)][1] if number_of(node) in measured else {}
        if node is target:
            break
        if type(node).__name__ not in PASSES_ON:
            last, at_last = node, into
        for index, (below, _) in enumerate(node.next_functions):
            if below not in leading:
                continue
            went = out.get(index)
            size = into if went is None else largest(went)
            if _is_tiny(size, into, node) or (math.isfinite(into) and not math.isfinite(size)):
                born.append((node, size))
                size = 0.0 if math.isfinite(size) else size
            before = coming.get(below, 0.0)
            worst = not math.isfinite(before) or before > size
            coming[below] = before if worst and math.isfinite(size) else size
    return born, coming.get(target, 0.0), last, at_last


def _ways(reach: Reach, target: Any) -> int:
    """How many edges lead into a node."""
    return sum(below is target for node in reach.nodes for below, _ in node.next_functions)


def _leaf_behind(node: Any) -> Tensor | None:
    """The leaf that a node hands its gradient to as it is."""
    while node is not None and not hasattr(node, "variable"):
        if type(node).__name__ not in PASSES_ON or len(node.next_functions) != 1:
            return None
        ((node, _),) = node.next_functions
    return node.variable if node is not None else None


def _differentiated(loss: Tensor, tensors: list[Tensor]) -> tuple[Tensor | None, ...]:
    start = torch.ones_like(loss)
    try:
        return torch.autograd.grad(loss, tensors, start, retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        if "second time" in str(error):
            raise Freed from error
        raise


def _of_loss(record: Record | None, loss: Tensor, reach: Reach, broken: int) -> Finding:
    node = next((one for one in reach.nodes if number_of(one) == broken), reach.root)
    call, place = origins.call_of(record, node)
    if origins.is_one_of(node, ("Softmax", "LogSoftmax")):
        return found("nan_row", tensor="the loss", place=place, call=call)
    bad = "nan" if bool(torch.isnan(loss.detach()).any()) else "inf"
    return found("nan_loss", tensor="the loss", bad=bad, first=call, place=place)


def _is_tiny(size: float, into: float, node: Any) -> bool:
    if not math.isfinite(into) or into == 0:
        return False
    # Of one value the root of eps divides what rounding left of 0.
    most = 1e-3 if origins.is_alone(node) else TINY
    return size == 0 or (origins.is_one_of(node, origins.SUMS) and size < most * into)


def _is_bad(size: float) -> bool:
    return not math.isfinite(size) or size <= TINY


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor.detach()).all())
