"""The order of a training loop, from the events that a watch saw."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch

from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record import passes
from course.companion.record.calls import Event, Pass, Record
from course.companion.record.tracing import followed_from
from course.companion.surroundings import held
from course.companion.training.byhand import MOST_WITHOUT, by_hand, never_stepped, zeroed


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
        findings += _emptying(story) or _added(story, set(map(id, held(optimizer))))
        findings += _bare(record, story, optimizer, len(optimizers) == 1)
        if len(optimizers) == 1 and not isinstance(optimizer, torch.optim.LBFGS):
            # Two take turns: the step of one leaves gradients in the other. LBFGS empties inside.
            findings += _unused(story)
        if len(optimizers) > 1:
            findings += _left_over(record, story, optimizer)
            findings += _unused_of_several(record, story, optimizer)
        if schedules:
            findings += _schedule(story)
    findings += _forgotten(record) + _clipping(record)
    if not optimizers:
        findings += by_hand(record) or never_stepped(record, optimizers_known)
    return findings


def _story(record: Record, optimizer: Any) -> Iterator[Event]:
    """The events that concern one optimizer: every backward, its steps, and what empties it."""
    mine = set(map(id, held(optimizer)))
    emptied, passed = zeroed(record, mine), set(map(id, record.filling()))
    last = 0
    for event in record.events:
        if any(last <= at < event.at for at in emptied):
            yield event._replace(kind="zero")
        last = event.at
        if event.kind == "zero" and mine & event.about.held():
            yield event  # another optimizer's, if they share parameters
        elif event.kind == "step":
            if event.about.optimizer() is optimizer:
                yield event
        elif event.kind in ("empty", "filled"):
            if (tensor := event.about()) is not None and id(tensor) in mine:
                yield event._replace(kind="zero" if event.kind == "empty" else "backward")
        elif event.kind == "backward" and id(event) in passed:
            yield event


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


def _unused_of_several(record: Record, story: list[Event], optimizer: Any) -> list[Finding]:
    """The same of one of several optimizers, whose own pass is a line that some step has used.

    What another one's loss left is emptied as it should be, and no step uses it.
    """
    if [event.kind for event in story].count("zero") < 2:
        return []
    sources = map(record.source_of, held(optimizer))
    live = passes.live(record, {one for one in sources if one is not None})
    lines: list[Place] = []
    used: set[Place] = set()
    lost: list[tuple[Place, Event]] = []
    for event in story:
        if event.kind == "backward":
            if _fills(record, event, live):
                lines.append(event.place)
            continue
        if event.kind == "step":
            used.update(lines)
        else:
            lost += [(line, event) for line in lines]
        lines = []
    lost = [one for one in lost if one[0] in used]
    if len(lost) < 2:
        return []
    return [found("emptied_unused", sure=False, count=len(lost), place=lost[-1][1].place)]


def _fills(record: Record, event: Event, live: set[int]) -> bool:
    """Whether a pass of a story fills what is computed with, or a gradient is assigned by hand."""
    by_hand = not isinstance(event.about, Pass)
    return by_hand or bool(live.intersection(passes.ends(record, event)))


def _left_over(record: Record, story: list[Event], optimizer: Any) -> list[Finding]:
    """Gradients that stay in one optimizer's parameters for its next step, of another one's pass.

    It is emptied behind its own step, and not in front of its own pass.
    """
    filled = [one for one in held(optimizer) if one.grad is not None and one.grad.any()]
    started = [record.source_of(one) for one in filled]
    live = {
        number for one in started if one is not None for number in followed_from(record, one).live
    }
    mine = [event for event in story if event.kind != "backward" or _fills(record, event, live)]
    if [event.kind for event in mine] != ["backward", "step", "zero", "backward"]:
        return []
    own, step, _, other = mine
    after = [event for event in record.events_of("step") if event.at >= other.at]
    if step in after or not any(event.about.optimizer() is not optimizer for event in after):
        return []
    return [found("left_over", sure=False, optimizer=type(optimizer).__name__, place=own.place)]


def _bare(record: Record, story: list[Event], optimizer: Any, alone: bool) -> list[Finding]:
    """Steps of an optimizer that holds nothing with a gradient: all of them, or the last two.

    Beside another optimizer one may have nothing to do, unless there was no pass at all.
    """
    kinds = [event.kind for event in story]
    steps = [event for event in story if event.kind == "step"]
    frozen = not any(one.requires_grad for one in held(optimizer))
    if not steps or not (alone or frozen or "backward" not in kinds):
        return []
    bare = [event for event in steps if event.about.bare]
    whole = len(bare) == len(steps)
    if not whole and not (len(steps) > 2 and bare[-2:] == steps[-2:]):
        return []
    why = "no backward pass was seen"
    if "backward" in kinds:
        why = "no backward pass that was seen reaches any of it"
    name = type(optimizer).__name__
    if frozen:
        return [found("step_on_frozen", sure=alone, optimizer=name, place=bare[-1].place)]
    return [found("step_on_nothing", sure=whole, optimizer=name, why=why, place=bare[-1].place)]


def _forgotten(record: Record) -> list[Finding]:
    """A step of an optimizer that was made for this step alone, and remembers something."""
    steps = record.events_of("step")
    gone = [one for one in steps if one.about.optimizer() is None and one.about.remembers]
    if len(gone) != 1:
        return []
    (one,) = gone
    return [found("optimizer_anew", sure=False, optimizer=one.about.remembers, place=one.place)]


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
        used = not story[other].about.bare
        runs += used and "backward" in between and "zero" not in between
    if runs and "zero" not in kinds[steps[0] :]:
        count = kinds.count("backward")
        findings.append(found("never_emptied", count=count, place=story[steps[0]].place))
    return findings


def _added(story: list[Event], mine: set[int]) -> list[Finding]:
    """A first pass that added to gradients from before the watch, and a step that used them."""
    kinds = [event.kind for event in story]
    passes = [event for event in story if isinstance(event.about, Pass)]
    if "step" not in kinds or "zero" in kinds or not passes or not passes[0].about.onto & mine:
        return []
    return [found("added_to_old", sure=False, place=passes[0].place)]


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


def _last(kinds: list[str], kind: str) -> int:
    return max((index for index, one in enumerate(kinds) if one == kind), default=-1)


def _follows(record: Record, clip: Event) -> bool:
    """Whether a backward pass comes after a clipping, before any step."""
    after = record.events[record.events.index(clip) + 1 :]
    kinds = [event.kind for event in after if event.kind in ("backward", "step")]
    return kinds[:1] == ["backward"]
