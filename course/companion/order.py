"""The order of a training loop, from the events that a watch saw."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch

from course.companion.calls import Event, Record
from course.companion.finding import Finding, found

MOST_WITHOUT = 3
"""From how many backward passes on a step is missed."""
_UPDATES = {"sub_", "add_", "__isub__", "__iadd__", "copy_", "addcmul_"}


def out_of_order(
    record: Record, schedules: bool = False, optimizers_known: bool = False
) -> list[Finding]:
    """What the loop does too early, too late, or not at all.

    `optimizers_known` says that the caller has an optimizer, whether or not it was seen.
    """
    findings: list[Finding] = []
    optimizers = {
        id(one): one
        for event in record.events_of("step", "zero")
        if (one := event.about.optimizer()) is not None
    }
    for optimizer in optimizers.values():
        story = list(_story(record, optimizer))
        findings += _emptying(story)
        if len(optimizers) == 1 and not isinstance(optimizer, torch.optim.LBFGS):
            # Two take turns: the step of one leaves gradients in the other. LBFGS empties inside.
            findings += _unused(story)
        if schedules:
            findings += _schedule(story)
    findings += _clipping(record)
    if not optimizers:
        findings += _by_hand(record) or (_never_stepped(record) if optimizers_known else [])
    return findings


def _story(record: Record, optimizer: Any) -> Iterator[Event]:
    """The events that concern one optimizer: every backward, its steps, and what empties it."""
    mine = _held(optimizer)
    zeroed = _zeroed(record)
    last = 0
    for event in record.events:
        if any(last <= at < event.at for at in zeroed):
            yield event._replace(kind="zero")
        last = event.at
        if event.kind == "zero" and mine & _held(event.about.optimizer()):
            yield event  # another optimizer's, if they share parameters
        elif event.kind == "step":
            if event.about.optimizer() is optimizer:
                yield event
        elif event.kind == "empty":
            if (tensor := event.about()) is not None and id(tensor) in mine:
                yield event._replace(kind="zero")
        elif event.kind == "backward":
            yield event


def _held(optimizer: Any) -> set[int]:
    """The ids of an optimizer's parameters; nothing of one that is gone."""
    groups = optimizer.param_groups if optimizer is not None else []
    return {id(one) for group in groups for one in group["params"]}


def _unused(story: list[Event]) -> list[Finding]:
    """Gradients that a lone optimizer emptied, twice or more, before a step could use them."""
    waiting, times, last = False, 0, None
    for event in story:
        if event.kind == "backward":
            waiting = True
        elif event.kind == "step":
            waiting = False
        elif waiting:
            waiting, times, last = False, times + 1, event
    if times < 2 or last is None:
        return []
    return [found("emptied_unused", sure=False, count=times, place=last.place)]


def _zeroed(record: Record) -> list[int]:
    """The calls that set a tensor to zero by hand, as `p.grad.zero_()` does."""
    return [number for number, call in record.every() if call.name in ("zero_", "_foreach_zero_")]


def _emptying(story: list[Event]) -> list[Finding]:
    kinds = [event.kind for event in story]
    steps = [index for index, kind in enumerate(kinds) if kind == "step"]
    if not steps:
        count = kinds.count("backward")
        return [found("no_step", sure=False, count=count)] if count >= MOST_WITHOUT else []
    findings = []
    first = steps[0]
    if "backward" not in kinds[:first] and "backward" in kinds[first:]:
        return [found("step_before_backward", place=story[first].place)]
    for index in steps:
        before = [kind for kind in kinds[:index] if kind in ("backward", "zero", "step")]
        if before and before[-1] == "zero" and "backward" in before:
            at = max(i for i in range(index) if kinds[i] == "zero")
            return [found("emptied_before_step", place=story[at].place)]
    runs = 0
    for one, other in itertools.pairwise(steps):
        between = kinds[one:other]
        runs += "backward" in between and "zero" not in between
    if runs and "zero" not in kinds[steps[0] :]:
        count = kinds.count("backward")
        findings.append(found("never_emptied", count=count, place=story[steps[0]].place))
    return findings


def _schedule(story: list[Event]) -> list[Finding]:
    """A learning rate that changes between emptying and stepping was moved too early."""
    rates: tuple[float, ...] | None = None
    backward = False
    for event in story:
        if event.kind == "backward":
            backward = True
        elif event.kind == "zero" and hasattr(event.about, "rates"):
            rates, backward = event.about.rates, False
        elif event.kind == "step":
            if rates is not None and backward and event.about.rates != rates:
                return [found("scheduler_first", sure=False, place=event.place)]
            rates, backward = None, False
    return []


def _clipping(record: Record) -> list[Finding]:
    since: list[str] = []
    for event in record.events:
        if event.kind == "clip":
            if "step" in since and "backward" not in since[_last(since, "step") :]:
                return [found("clip_after_step", place=event.place)]
            if "backward" not in since and _follows(record, event):
                return [found("clip_before_backward", place=event.place)]
            last = _last(since, "backward")
            before = since[max(_last(since[: max(last, 0)], "step"), 0) : max(last, 0)]
            if "scale" in before and "unscale" not in since[last:]:
                return [found("clip_scaled", place=event.place)]
        since.append(event.kind)
    return []


def _by_hand(record: Record) -> list[Finding]:
    """A loop without an optimizer that updates leaves and never empties a gradient."""
    passes = record.events_of("backward")
    if len(passes) < MOST_WITHOUT or record.events_of("empty") or _zeroed(record):
        return []
    starts = [event.at for event in passes]
    updates = [
        (number, call)
        for number, call in record.every()
        if call.name in _UPDATES and call.sources and call.sources[0] < 0
    ]
    rounds = {sum(start <= number for start in starts) for number, _ in updates}
    if len(rounds) < 2:
        return []
    return [found("never_emptied", sure=False, count=len(passes), place=updates[0][1].place)]


def _never_stepped(record: Record) -> list[Finding]:
    """An optimizer that nobody calls, beside passes after which nothing is updated by hand."""
    count = len(record.events_of("backward"))
    updated = any(
        call.name in _UPDATES and call.sources and call.sources[0] < 0 for _, call in record.every()
    )
    if count < MOST_WITHOUT or updated:
        return []
    return [found("no_step", sure=False, count=count)]


def _last(kinds: list[str], kind: str) -> int:
    return max((index for index, one in enumerate(kinds) if one == kind), default=-1)


def _follows(record: Record, clip: Event) -> bool:
    """Whether a backward pass comes after a clipping, before any step."""
    after = record.events[record.events.index(clip) + 1 :]
    kinds = [event.kind for event in after if event.kind in ("backward", "step")]
    return kinds[:1] == ["backward"]
