"""Learning rates of 0: steps that moved nothing, and what has set the rate."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record.calls import Event, Record
from course.companion.surroundings import Surroundings

_NEARLY_ALL = 0.9
"""The share of entries with a gradient from which on a step is said to move nothing."""


def standing(record: Record, around: Surroundings) -> list[Finding]:
    """Optimizers that took every watched step with a rate of 0.

    The first step of a warm-up may be one, so a single step under a scheduler is none.
    """
    return [
        found("zero_rate", optimizer=name, by=_by(schedulers), place=steps[0].place)
        for name, optimizer, steps in _stepped(record, around)
        if not any(rate for event in steps for rate in event.about.rates)
        for schedulers in [_schedulers(around, optimizer)]
        if len(steps) > 1 or not schedulers or _is_set_by_hand(optimizer, schedulers)
    ]


def rounded_away(record: Record, around: Surroundings) -> list[Finding]:
    """Optimizers whose steps left nearly all that they hold in 16 bits as it was."""
    told = []
    for name, _, steps in _stepped(record, around):
        unmoved = sum(event.about.unmoved[0] for event in steps)
        whole = sum(event.about.unmoved[1] for event in steps)
        if unmoved > _NEARLY_ALL * whole and any(rate for one in steps for rate in one.about.rates):
            share = f"{unmoved:,} of {whole:,}"
            told.append(found("rounded_away", optimizer=name, share=share, place=steps[-1].place))
    return told


def notes(record: Record | None, around: Surroundings) -> list[str]:
    """Sentences on a rate of 0 that may be meant: of a first step, of one group, or of now."""
    told, seen = [], set()
    for name, optimizer, steps in _stepped(record, around) if record is not None else ():
        seen.add(id(optimizer))
        schedulers = _schedulers(around, optimizer)
        rates = [event.about.rates for event in steps]
        if not any(rate for one in rates for rate in one):
            if len(steps) == 1 and schedulers and not _is_set_by_hand(optimizer, schedulers):
                told.append(_of_first(name, schedulers, steps[0]))
            continue
        told += [
            f"The learning rate of group {number} of {name} was 0 in every watched step, at "
            f"{steps[-1].place}: what it holds did not move."
            for number, group in enumerate(zip(*rates, strict=False))
            if not any(group)
        ]
    for name, optimizer in around.optimizers.items():
        groups = optimizer.param_groups
        if id(optimizer) not in seen and all(_is_zero(group.get("lr")) for group in groups):
            by = _by(_schedulers(around, optimizer))
            told.append(f"The learning rate of {name} is 0 now{by}: a step moves nothing.")
    return told


def _of_first(name: str, schedulers: list[LRScheduler], step: Event) -> str:
    return (
        f"{name} stepped with a learning rate of 0 at {step.place}{_by(schedulers)}: that step "
        "moved nothing. In a warm-up this is meant for its first step alone. If it lasts, call "
        "the scheduler's step() after every optimizer.step(), or begin above 0: "
        "(step + 1) / total in the place of step / total."
    )


def _stepped(record: Record, around: Surroundings) -> Iterator[tuple[str, Any, list[Event]]]:
    """Each optimizer that stepped under the watch: its name, itself, and those steps."""
    names = {id(one): name for name, one in around.optimizers.items()}
    steps: dict[int, list[Event]] = {}
    optimizers: dict[int, Any] = {}
    for event in record.events_of("step"):
        if (optimizer := event.about.optimizer()) is not None and event.about.rates:
            optimizers[id(optimizer)] = optimizer
            steps.setdefault(id(optimizer), []).append(event)
    for key, optimizer in optimizers.items():
        yield names.get(key, type(optimizer).__name__), optimizer, steps[key]


def _schedulers(around: Surroundings, optimizer: torch.optim.Optimizer) -> list[LRScheduler]:
    return [one for one in around.schedulers if getattr(one, "optimizer", None) is optimizer]


def _by(schedulers: list[LRScheduler]) -> str:
    """Which scheduler gave the rate of 0 last, and by which function of which count."""
    for one in schedulers:
        given = getattr(one, "_last_lr", ())
        if not given or not all(map(_is_zero, given)):
            continue
        text = f", which {type(one).__name__} set"
        functions = one.lr_lambdas if isinstance(one, LambdaLR) else []
        if functions and isinstance(functions[0], FunctionType):
            code = functions[0].__code__
            place = Place(code.co_filename, code.co_firstlineno)
            text += f" by {functions[0].__name__}({one.last_epoch}) at {place}"
        return text
    return ""


def _is_set_by_hand(optimizer: Any, schedulers: list[LRScheduler]) -> bool:
    """Whether the rate is 0 now and no scheduler gave that."""
    return not _by(schedulers) and all(
        _is_zero(group.get("lr")) for group in optimizer.param_groups
    )


def _is_zero(rate: object) -> bool:
    return isinstance(rate, float | int | torch.Tensor) and float(rate) == 0
