"""Where a gradient becomes zero or nan: the first node that gets a good one and hands on a bad."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record.calls import Pass, Record
from course.companion.record.reach import Reach
from course.companion.record.sizes import PASSES_ON, Measured, Size, largest, nodes, size_of
from course.companion.zeros import afterwards, curvature, origins, shrinking, twins
from course.companion.zeros.following import follow, is_bad, is_tiny, is_too_small, ways
from course.companion.zeros.given import GIVEN
from course.companion.zeros.origins import Birth, number_of


def seen(record: Record) -> list[Finding]:
    """The losses of watched backward passes that were nan or inf."""
    told = []
    for event in record.events_of("backward"):
        call = record.of_node(event.about.broken) if event.about.broken >= 0 else None
        if call is None:
            continue
        name, place = f"{call.name}()", call.place
        if event.about.is_stale:
            told.append(_of_weights(record, event.about, name, place))
        elif event.about.spoiled is not None:
            told.append(_given(record, event.about.spoiled, place))
        elif call.name in ("softmax", "log_softmax"):
            told.append(found("nan_row", tensor="the loss", place=place, call=name))
        else:
            told.append(_of_first(event.about, name, place, "nan or inf"))
    return told


_LOOK = "Look at what that line is given: log of 0, 0/0, inf - inf, or numbers that overflow"
_ADDED = {
    "AddmmBackward0": 0,
    "AddmvBackward0": 0,
    "BaddbmmBackward0": 0,
    "ConvolutionBackward0": 2,
    **{f"{one}Backward0": 2 for one in origins.NORMS},
}
"""Which edge of a product or a normalization leads to what is added to it: no factor."""
_REPEATED = {"RepeatBackward0"}
"""How an instance normalization makes of its weight one for every sample."""


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
        """A pass that went through this graph; None if the graph was freed before one was seen.

        It may have begun behind the loss, as that of loss.sum() or of a scaled one does.
        """
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
            return next((one.about for one in reversed(events) if number in one.about.sizes), None)
        finally:
            measured.end()
        return measured.as_pass(True)

    def why_bad(self, tensor: Tensor, name: str) -> list[Finding]:
        """The nodes in which a tensor's gradient becomes zero or nan. Raises Freed."""
        if self._measured is None:
            raise Freed
        passed = self._measured
        if passed.broken >= 0 or not _is_finite(self._loss):
            return [_of_loss(self._record, self._loss, self._reach, passed)]
        if (seed := of_seed(self._record, passed, name)) is not None:
            return [seed]
        target = self._reach.target(tensor)
        seen = follow(self._reach, target, passed)
        bad, end, several = seen.arrives, self._size_at(tensor), len(ways(self._reach, target))
        if end == 0 and (twin := twins.difference(self._record, tensor, self._loss, name)):
            return [twin]
        if end == 0 and not is_bad(bad) and several > 1:
            cancels = found("zero_cancels", tensor=name, count=several)
            made = afterwards.made_zero(self._record, passed, tensor, name)
            if made is not None and made.code == "zero_hook":  # the parts may cancel all the same
                both = (made, cancels) if afterwards.gives(tensor) else (cancels,)
                return [replace(one, sure=len(both) == 1) for one in both]
            return [made or cancels]
        born = seen.births
        if (
            end is not None
            and not is_bad(bad)
            and (not math.isfinite(end) or is_tiny(end, seen.at_last, seen.last))
        ):
            if end == 0 and (made := afterwards.made_zero(self._record, passed, tensor, name)):
                return [made]
            small = is_too_small(seen.at_last, tensor.dtype)
            last = seen.parted if end == 0 and seen.parted is not None else seen.last
            born, bad = [Birth(last, end, is_half=small)], end  # just before the leaf
        if end is not None and not born and is_bad(end):
            way = set(map(number_of, self._reach.leading_to(target)))
            shrunk = shrinking.vanishing(self._record, passed, way, name, end)
            return [shrunk] if shrunk is not None else []
        if target is None or not is_bad(bad):
            return []
        told = {one.node: one for one in born if math.isfinite(one.size) == math.isfinite(bad)}
        if lost := [one for one in told.values() if one.is_lost]:
            return [self._of_lost(one.node, name) for one in lost][:2]
        straight = curvature.missing(self._record, self._reach, list(told), name)
        if bad == 0 and straight is not None:
            return [straight]
        found_ = [self._told(one, tensor, name) for one in told.values()]
        return [one for one in found_ if one.code == "zero_both"] or found_[:2]

    def _told(self, birth: Birth, tensor: Tensor, name: str) -> Finding:
        node = birth.node
        end = self._size_at(tensor) or 0.0
        finding = origins.finding(self._record, birth, name, end, self._shares_of(node))
        if (
            finding.code in ("nan_other", "nan_hidden")
            and (row := self._masked_row(node, name)) is not None
        ):
            return row
        if finding.code != "zero_factor" or (other := self._starting(node)) is None:
            return origins.by_factor(self._record, finding, node, tensor, self._names)
        call, place = origins.call_of(self._record, node)
        words = {"node": node.name(), "call": call, "other": self._names(other)}
        return found("zero_start", tensor=name, place=place, sure=False, **words)

    def _of_lost(self, node: Any, name: str) -> Finding:
        """What to say of a zero that no operation makes: a hook does, or the parts cancel."""
        if (place := afterwards.hooked(self._record, number_of(node))) is not None:
            return found("zero_hook", tensor=name, place=place)
        users = ways(self._reach, node)
        calls = [origins.call_of(self._record, one) for one in sorted(users, key=number_of)]
        uses = " and ".join(dict.fromkeys(call for call, _ in calls))
        call, place, count = origins.call_of(self._record, node)[0], calls[-1][1], len(users)
        return found("zero_parts", tensor=name, place=place, call=call, uses=uses, count=count)

    def _shares_of(self, node: Any) -> Size | None:
        return self._measured.shares.get(number_of(node)) if self._measured is not None else None

    def _masked_row(self, born: Any, name: str) -> Finding | None:
        """The softmax before a node that gave nan: its factor there is no number."""
        shares = self._measured.shares if self._measured is not None else {}
        broken = [
            node
            for node in nodes([born])
            if (size := shares.get(number_of(node))) is not None
            and not origins.is_one_of(node, origins.NORMS)
            and math.isnan(largest(size))
        ]
        if not broken:
            return None
        call, place = origins.call_of(self._record, min(broken, key=number_of))
        return found("nan_row", tensor=name, place=place, call=call)

    def _starting(self, node: Any) -> Tensor | None:
        """The other factor of a node, if it is a leaf that has a gradient of its own."""
        added = _ADDED.get(type(node).__name__)
        edges = (below for edge, (below, _) in enumerate(node.next_functions) if edge != added)
        for leaf in map(_leaf_behind, edges):
            if leaf is not None and not is_bad(self._size_at(leaf) or 0.0):
                return leaf
        return None

    def _size_at(self, tensor: Tensor) -> float | None:
        size = self._ends.get(id(tensor))
        if size is None and tensor.is_leaf:
            size = size_of(tensor.grad)
        return None if size is None else largest(size)


def _leaf_behind(node: Any) -> Tensor | None:
    """The leaf that a node hands its gradient to as it is."""
    while node is not None and not hasattr(node, "variable"):
        if type(node).__name__ not in _REPEATED | PASSES_ON or len(node.next_functions) != 1:
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


def _of_weights(record: Record | None, passed: Pass, call: str, place: Place | None) -> Finding:
    """Weights that are nan before a pass: where a pass before it made their gradients so."""
    for event in record.events_of("backward") if record is not None else ():
        if event.about is passed or record is None:
            break
        if event.about.is_stale:
            continue  # nan came to it too
        broken = [
            number
            for number, (_, edges) in event.about.sizes.items()
            if any(size is not None and not math.isfinite(largest(size)) for size in edges.values())
        ]
        first = event.about.broken if event.about.broken >= 0 else max(broken, default=-1)
        if first >= 0 and (made := record.of_node(first)) is not None:
            by, at = f", in {made.name}() of a pass before", made.place
            return found("nan_weights", tensor="the loss", place=at, call=call, made=by)
    return found("nan_weights", tensor="the loss", place=place, call=call, made="")


def _given(record: Record, number: int, place: Place | None) -> Finding:
    """A loss that was given nan: by a call of which nothing is recorded, or from outside."""
    made = record.call(number) if number >= 0 else None
    given, at = "that comes from outside of the step, as data or a target does", place
    if made is not None:
        given, at = f"that comes out of {made.name}() here, and is not recorded", made.place
    return found("nan_given", tensor="the loss", place=at, given=given)


def of_seed(record: Record | None, passed: Pass, name: str) -> Finding | None:
    """The pass itself, if what it was given to start with is 0."""
    if passed.seed is None or largest(passed.seed) != 0:
        return None
    events = record.events_of("backward") if record is not None else []
    place = next((event.place for event in events if event.about is passed), None)
    return found("zero_seed", tensor=name, place=place)


def _of_loss(record: Record | None, loss: Tensor, reach: Reach, passed: Pass) -> Finding:
    node = next((one for one in reach.nodes if number_of(one) == passed.broken), reach.root)
    call, place = origins.call_of(record, node)
    if record is not None and passed.spoiled is not None and not passed.is_stale:
        return _given(record, passed.spoiled, place)
    if origins.is_one_of(node, ("Softmax", "LogSoftmax")):
        return found("nan_row", tensor="the loss", place=place, call=call)
    if passed.is_stale:
        return _of_weights(record, passed, call, place)
    bad = "nan" if bool(torch.isnan(loss.detach()).any()) else "inf"
    return _of_first(passed, call, place, bad)


def _of_first(passed: Pass, call: str, place: Place | None, bad: str) -> Finding:
    """The call that gave the first nan or inf, and what it was given, if its node tells."""
    kind, count, every = passed.broken_by
    by, how = GIVEN.get(kind, ("", _LOOK))
    by = by.format(count=count, every=every)
    return found("nan_loss", tensor="the loss", bad=bad, first=call, place=place, by=by, how=how)


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor.detach()).all())
