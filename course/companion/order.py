"""The order of a training loop, from the events that a watch saw."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from course.companion.calls import Event, Record
from course.companion.finding import Finding, found
from course.companion.places import Place

MOST_WITHOUT = 3
"""From how many backward passes on a step is missed."""
_UPDATES = {"sub_", "add_", "__isub__", "__iadd__", "copy_", "addcmul_"}
_DIFFERENCES = {"sub", "__sub__", "subtract", "add", "__add__"}
_SIGNS = {"__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__"}


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
        findings += _bare(record, story, optimizer, len(optimizers) == 1)
        if len(optimizers) == 1 and not isinstance(optimizer, torch.optim.LBFGS):
            # Two take turns: the step of one leaves gradients in the other. LBFGS empties inside.
            findings += _unused(story)
        if schedules:
            findings += _schedule(story)
    findings += _clipping(record)
    if not optimizers:
        findings += _by_hand(record) or _never_stepped(record, optimizers_known)
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


def _bare(record: Record, story: list[Event], optimizer: Any, alone: bool) -> list[Finding]:
    """Steps of an optimizer that holds nothing with a gradient: all of them, or the last two.

    Beside another optimizer one may have nothing to do, unless there was no pass at all.
    """
    kinds = [event.kind for event in story]
    steps = [event for event in story if event.kind == "step"]
    if not steps or not (alone or "backward" not in kinds):
        return []
    bare = [event for event in steps if event.about.bare]
    whole = len(bare) == len(steps)
    if not whole and not (len(steps) > 2 and bare[-2:] == steps[-2:]):
        return []
    why = "no backward pass was seen"
    if "backward" in kinds:
        why = "no backward pass that was seen reaches any of it"
    name = type(optimizer).__name__
    return [found("step_on_nothing", sure=whole, optimizer=name, why=why, place=bare[-1].place)]


def _zeroed(record: Record) -> list[int]:
    """The calls that set a tensor to zero by hand, as `p.grad.zero_()` does."""
    return [number for number, call in record.every() if call.name in ("zero_", "_foreach_zero_")]


def _emptying(story: list[Event]) -> list[Finding]:
    kinds = [event.kind for event in story]
    steps = [index for index, kind in enumerate(kinds) if kind == "step"]
    if not steps:
        count = kinds.count("backward")
        return (
            [found("no_step", sure=False, count=count, place=_last_pass(story))]
            if count >= MOST_WITHOUT
            else []
        )
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


def _last_pass(story: list[Event]) -> Place | None:
    return next((event.place for event in reversed(story) if event.kind == "backward"), None)


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


def _never_stepped(record: Record, optimizers_known: bool) -> list[Finding]:
    """Backward passes after which nothing is updated, by an optimizer or by hand."""
    passes = record.events_of("backward")
    if rebound := _rebound(record, [event.at for event in passes]):
        return rebound
    if len(passes) < MOST_WITHOUT or _is_written(record):
        return []
    if optimizers_known:
        return [found("no_step", sure=False, count=len(passes), place=passes[-1].place)]
    if not any(leaf.grad is not None for leaf in _leaves(record)):
        return []  # what autograd.grad returned is looked at, and trains nothing
    return [found("no_update", sure=False, count=len(passes), place=passes[-1].place)]


def _is_written(record: Record) -> bool:
    """Whether some leaf was changed by hand."""
    if record.events_of("set"):
        return True
    for _, call in record.every():
        if not call.sources:
            continue
        into = call.sources[0]
        through = record.call(into) if into >= 0 else call
        if through is None or not (through is call or through.name == "data"):
            continue
        if _writes(call.name) and through.sources[0] < 0 and through.recorded[0]:
            return True
    return False


def _writes(name: str) -> bool:
    """Whether a call of this name changes its first tensor."""
    return name in _SIGNS if name.startswith("__") else name.endswith("_") and name != "detach_"


def _rebound(record: Record, starts: list[int]) -> list[Finding]:
    """Updates of the same leaf in several rounds, whose results nothing uses."""
    gradients = _gradients(record)
    used = {source for _, call in record.every() for source in call.sources}
    used |= {event.about[1] for event in record.events_of("set")}
    rounds: dict[int, set[int]] = {}
    for number, call in record.every():
        if call.name not in _DIFFERENCES or len(call.sources) != 2 or number in used:
            continue
        leaf, change = call.sources
        if leaf < 0 and call.recorded[0]:
            rounds.setdefault(leaf, set()).add(sum(start <= number for start in starts))
            if len(rounds[leaf]) > 1 and record.before([change]) & gradients:
                return [found("rebound", place=call.place, call=f"{call.name}()")]
    return []


def _gradients(record: Record) -> set[int]:
    """The numbers of the gradients that leaves have now."""
    given = (leaf.grad for leaf in _leaves(record) if leaf.grad is not None)
    return {number for one in given if (number := record.source_of(one)) is not None}


def _leaves(record: Record) -> Iterator[Tensor]:
    """The leaves that calls were given, as far as they are still alive."""
    for one in record.sources:
        if (leaf := one()) is not None and leaf.is_leaf:
            yield leaf


def _last(kinds: list[str], kind: str) -> int:
    return max((index for index, one in enumerate(kinds) if one == kind), default=-1)


def _follows(record: Record, clip: Event) -> bool:
    """Whether a backward pass comes after a clipping, before any step."""
    after = record.events[record.events.index(clip) + 1 :]
    kinds = [event.kind for event in after if event.kind in ("backward", "step")]
    return kinds[:1] == ["backward"]
