"""Gradients of a watched step whose loss is gone: told from the calls and sizes that were kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course.companion.asking import hidden, parted
from course.companion.cut import before, cuts, fitted, terms, wiring
from course.companion.finding import Finding, found
from course.companion.record import passes
from course.companion.record.calls import Call, Pass, Record
from course.companion.record.sizes import largest
from course.companion.record.tracing import followed_from
from course.companion.surroundings import Surroundings
from course.companion.zeros import afterwards, births, derivatives, origins, shrinking
from course.companion.zeros.following import MOST_FOR_HALF, TINY, is_cancelled
from course.companion.zeros.origins import Birth

_TURNS = {"T", "t", "mT", "transpose", "permute", "view", "reshape", "unsqueeze", "expand"}
"""What hands a weight on in another shape."""


@dataclass(frozen=True)
class GoneNode:
    """What is left of a node: its number, and what it was called."""

    number: int
    title: str

    def name(self) -> str:
        """As a node says it."""
        return self.title

    def _sequence_nr(self) -> int:
        return self.number


def why_bad(record: Record, tensor: Tensor, name: str, around: Surroundings) -> list[Finding]:
    """Why a leaf has no gradient, or one that is zero or not finite, after watched passes."""
    start = record.source_of(tensor)
    if start is None:
        return [_of_unused(record, tensor, name, around)]
    followed = followed_from(record, start, frozen=False)
    live = followed.live
    events = record.filling()
    newest = passes.ends(record, events[-1]) if events and tensor.grad is None else []
    if newest and (step := fitted.by_step(record, live, start, newest, name)) is not None:
        return [step]
    for event in reversed(events):
        numbers = passes.ends(record, event)
        if live.intersection(numbers):
            between = live & record.before(numbers)
            if told := derivatives.constant_in_pass(record, start, event, tensor, name):
                return [told]
            bad = _of_pass(record, event.about, between, tensor, name, around)
            return [*cuts.beside(record, start, numbers, bad), *bad]
    if events and (told := derivatives.constant_in_pass(record, start, events[-1], tensor, name)):
        return [told]
    if any(_is_opaque(record, event.about) for event in events):
        return [found("not_seen", tensor=name)]
    ends = [number for event in events for number in passes.ends(record, event)]
    last = [number for number in ends if number in followed.cut] or ends
    lost = cuts.why_lost_before(record, start, last[-1] if last else None, None, name)
    if lost and events and all(not event.about.roots for event in events):
        lost.append(found("loss_is_leaf", place=events[-1].place))
    return lost or [found("not_seen", tensor=name)]


def terms_without_graph(record: Record) -> list[Finding]:
    """The terms without a graph of the losses that are gone."""
    ends = (end for event in record.events_of("backward") for end in passes.ends(record, event))
    return [one for end in ends for one in terms.without_graph_at(record, end)]


def terms_cut_off(record: Record) -> list[Finding]:
    """The terms that were cut off, of every loss whose backward was watched."""
    ends = (end for event in record.events_of("backward") for end in passes.ends(record, event))
    kinds = (terms.cut_off, terms.counted)
    return [one for end in ends for kind in kinds for one in kind(record, end)]


def _of_unused(record: Record, tensor: Tensor, name: str, around: Surroundings) -> Finding:
    ends = [end for event in record.filling() for end in passes.ends(record, event)]
    if (cut := before.of_earlier(record, tensor, ends)) is not None:
        return cuts.told_of(record, cut, name)
    if (model := wiring.never_called(around, tensor, record)) is not None:
        return found("never_called", tensor=name, model=model)
    if (pattern := wiring.pattern_of(around, tensor, name)) is not None:
        return pattern
    if (container := wiring.choosing_seen(around, tensor, record)) is not None:
        return found("idle", tensor=name, container=container, sure=False)
    return found("never_used", tensor=name)


def _is_opaque(record: Record, passed: Pass) -> bool:
    """Whether some node of a pass was made by no call that was seen, as by a custom Function."""
    return any(
        record.of_node(number) is None and record.pass_of_node(number) is None
        for number in passed.sizes
    )


def _of_pass(
    record: Record,
    passed: Pass,
    between: set[int],
    tensor: Tensor,
    name: str,
    around: Surroundings,
) -> list[Finding]:
    """Of a leaf that a pass leads back to, by calls in between: where its gradient became bad."""
    if passed.broken >= 0:
        return births.seen(record)[-1:]
    if (seed := births.of_seed(record, passed, name)) is not None:
        return [seed]
    is_hidden = hidden.is_on_way(record, between)
    if is_hidden and (told := hidden.finding(record, passed, between, tensor, name)) is not None:
        return [told]
    if tensor.grad is None:
        if is_hidden and not afterwards.is_emptied(record, passed, tensor):
            return [found("not_seen", tensor=name)]
        place = afterwards.last_emptied(record, tensor)
        return [found("emptied", tensor=name, place=place)]
    end = float(tensor.grad.detach().abs().max())
    birth = None if is_hidden else _birth(record, passed, between, end)
    if birth is None:
        if end == 0:
            told = afterwards.made_zero(record, passed, tensor, name)
            last = None if is_hidden else _at_leaf(record, passed, between, tensor)
            if told is None and last is not None:
                told = origins.finding(record, last, name, end)
                told = origins.by_factor(record, told, last.node, tensor, around.name_of)
        else:
            way = {number for number, *_ in _nodes(record, passed, between)}
            told = shrinking.vanishing(record, passed, way, name, end)
        return [told] if told is not None else []
    number = birth.node.number
    if birth.is_lost:
        if (place := afterwards.hooked(record, number)) is not None:
            return [found("zero_hook", tensor=name, place=place)]
        return _of_parts(record, number, between, name)
    told = origins.finding(record, birth, name, end, passed.shares.get(number))
    if told.code in ("nan_other", "nan_hidden"):
        row = _masked_row(record, passed, number, name)
        return [row or told]
    other = _starting(record, record.of_node(number)) if told.code == "zero_factor" else None
    if other is None:
        return [origins.by_factor(record, told, birth.node, tensor, around.name_of)]
    called, node = around.name_of(other), birth.node.title
    call, at = origins.call_of(record, birth.node)
    start = found(
        "zero_start", tensor=name, sure=False, place=at, node=node, call=call, other=called
    )
    return [start]


def _masked_row(record: Record, passed: Pass, born: int, name: str) -> Finding | None:
    """The first softmax below a node that gave nan, if what it made is nan already."""
    call = record.of_node(born)
    below = record.before(call.sources) if call is not None else set()
    made = {one.sequence for one in (call, *map(record.call, below)) if one is not None}
    for number, size in sorted(passed.shares.items()):
        one = record.of_node(number)
        is_before = one is not None and one.sequence in made and "softmax" in one.name
        if one is not None and is_before and math.isnan(largest(size)):
            return found("nan_row", tensor=name, place=one.place, call=f"{one.name}()")
    return None


def _birth(record: Record, passed: Pass, between: set[int], end: float) -> Birth | None:
    """The node from which on everything on the way to a leaf is as bad as what it has."""
    if not math.isfinite(end):
        return _first_broken(record, passed, between)
    last, sent = None, 1.0
    most = 0.0 if end == 0 else TINY
    for number, title, sizes, is_half in _nodes(record, passed, between):
        worst = max(sizes, key=lambda one: (not math.isfinite(one), one))
        if not math.isfinite(worst) or worst > most:
            sent = worst
            flat = last is not None and parted.is_flat(record, last[0], GoneNode(*last[:2]))
            if last and not flat and (by := parted.by(record, between, last[0], number)):
                return Birth(GoneNode(*by), 0.0)
            if min(sizes) <= most and _uses(record, number, last[0] if last else None):
                return Birth(GoneNode(number, title), 0.0)  # one of its edges leads on
            break
        last = number, title, worst, is_half
    if last is None:
        return None
    number, title, worst, is_half = last
    node = GoneNode(number, title)
    if is_cancelled(sent, passed.arrived.get(number)):
        return Birth(node, 0.0, is_lost=True)
    if worst and not origins.is_one_of(node, origins.SUMS):
        return None  # small, and by no single operation
    return Birth(node, 0.0, is_half=is_half and sent < MOST_FOR_HALF)


def _first_broken(record: Record, passed: Pass, between: set[int]) -> Birth | None:
    """The first node of a pass, on the way to a leaf, whose gradient is nan or inf."""
    for number, title, sizes, _ in reversed(list(_nodes(record, passed, between))):
        broken = [one for one in sizes if not math.isfinite(one)]
        if broken:
            return Birth(GoneNode(number, title), broken[0])
    return None


def _at_leaf(record: Record, passed: Pass, between: set[int], tensor: Tensor) -> Birth | None:
    """The one node that a leaf is given to, if that made the zeros: nobody measured what left it.

    What is above it was measured, and is not 0.
    """
    start = record.source_of(tensor)
    users = [one for one in map(record.call, between) if one is not None and start in one.sources]
    if len(users) != 1 or not any(_nodes(record, passed, between)):
        return None
    first, after = users[0].made
    numbers = [number for number in passed.last_nodes if first <= number < after]
    if len(numbers) != 1:
        return None
    return Birth(GoneNode(numbers[0], passed.last_nodes[numbers[0]]), 0.0)


def _uses(record: Record, number: int, other: int | None) -> bool:
    """Whether the call of a node was given what the call of another made, or any leaf."""
    call = record.of_node(number)
    if call is None or other is None:
        return call is not None
    below = (record.call(one) for one in record.before(call.sources) if one >= 0)
    return any(one is not None and one.made[0] <= other < one.made[1] for one in below)


def _nodes(
    record: Record, passed: Pass, between: set[int]
) -> Iterator[tuple[int, str, list[float], bool]]:
    """The measured nodes of some calls, from the leaves on: number, name, sizes, and if halves."""
    made = [call.made for one in between if (call := record.call(one)) is not None]
    for number, (title, edges) in sorted(passed.sizes.items()):
        sizes = [one for one in edges.values() if one is not None]
        if sizes and any(first <= number < after for first, after in made):
            half = all(one[0].dtype is torch.float16 for one in sizes)
            yield number, title, [largest(one) for one in sizes], half


def _of_parts(record: Record, number: int, between: set[int], name: str) -> list[Finding]:
    """What to say of a sum of parts that is 0: the calls that used the value."""
    call = record.of_node(number)
    mine = [one for one in between if record.call(one) == call]
    users = [
        one for one in sorted(between) if (u := record.call(one)) and set(u.sources) & set(mine)
    ]
    calls = [one for number_ in users if (one := record.call(number_)) is not None]
    if call is None or not calls:
        return []
    uses = " and ".join(dict.fromkeys(f"{one.name}()" for one in calls))
    place, made = calls[-1].place, f"{call.name}()"
    return [found("zero_parts", tensor=name, place=place, call=made, uses=uses, count="several")]


def _starting(record: Record, call: Call | None) -> Tensor | None:
    """The other factor of a product, if it is a parameter that has a gradient of its own."""
    for source in _factors(record, call) if call is not None else ():
        made = record.call(source) if source >= 0 else None
        if made is not None and made.name in _TURNS and made.sources:
            source = made.sources[0]
        other = record.sources[-1 - source]() if source < 0 else None
        if isinstance(other, nn.Parameter) and other.grad is not None and other.grad.any():
            return other
    return None


def _factors(record: Record, call: Call) -> tuple[int, ...]:
    """The sources of a product, or of a normalization's weight alone."""
    if not call.name.endswith("_norm"):
        return call.sources[:2]
    given = (one for one in call.sources[1:] if one < 0)
    weights = [one for one in given if isinstance(record.sources[-1 - one](), nn.Parameter)]
    return tuple(weights[:1])


def is_seen(record: Record | None, around: Surroundings, tensor: Tensor | None = None) -> bool:
    """Whether a watch with a backward pass is about a tensor, or about what the caller has."""
    if record is None or not record.events_of("backward"):
        return False
    mine = [*around.parameters.values(), *around.loose.values()]
    mine += [tensor] if tensor is not None else []
    return any(record.source_of(one) is not None for one in mine)
