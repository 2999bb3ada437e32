"""What goes wrong in one step of an optimizer that is written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import mistake

Step = Callable[..., None]
Place = Callable[[int, Tensor, int], Any]
"""Where in `state` a parameter's numbers lie: from its position among all parameters, itself, and
its position among those that have a gradient."""

Settings = tuple[Any, ...]

OUTSIDE = (
    "You keep something outside of state: in a global, in a default argument or on the parameters. "
    "A new training has an empty state, and yours goes on from the one before. Keep all of it in "
    "state."
)
"""Also where the numbers of other cases, in which such a memory goes on, are nobody's mistake."""


def by_hand(step: Step, shrink: Callable[[Settings], float]) -> Iterator[Callable[..., Any]]:
    """Mistakes of `step(params, state, *settings, place=...)`, which is right as it stands.

    `shrink` is the share of a parameter that weight decay takes off it by itself.
    """
    yield mistake(
        "first_parameter_alone",
        "Only the first parameter moved. Look for a `return` or a `break` inside the loop: it ends "
        "the loop in its first round.",
        lambda params, state, *settings: step(params[:1], state, *settings),
    )
    yield mistake(
        "stopped_at_the_first_none",
        "At the first parameter without gradient your function ends, and those behind it stay as "
        "they are: continue goes on with the next one, return and break do not.",
        _until_the_first_none(step),
    )
    yield mistake(
        "numbered_among_the_present",
        "You number your memory among the parameters that have a gradient. When one gets its first "
        "gradient later, all behind it find the memory of another: number all of them, or use "
        "id(p).",
        _placed(step, lambda i, p, present: present),
    )
    yield mistake(
        "numbered_among_the_present_by_shape",
        "You number your memory among the parameters that have a gradient, and begin anew where "
        "the shape is another. When one gets its first gradient later, those behind it lose their "
        "memory: number all of them, or use id(p).",
        _placed_anew(step),
    )
    yield mistake(
        "kept_by_shape",
        "Two parameters of one shape share their memory: you look it up by shape. Look it up by "
        "position, or by id(p).",
        _placed(step, lambda i, p, present: tuple(p.shape)),
    )
    yield mistake(
        "one_memory_for_all",
        "All parameters share one memory, and their shapes differ. Keep one in state for each "
        "parameter, under its position or its id.",
        _placed(step, lambda i, p, present: "all"),
        raises=r"must match the size of tensor|shape mismatch|broadcast",
    )
    yield mistake(
        "memory_outside_state",
        OUTSIDE,
        _outside(step),
    )
    yield mistake(
        "absent_shrinks",
        "A parameter without gradient shrank: its weight decay comes before you ask whether .grad "
        "is None. Leave such a parameter alone altogether.",
        _absent_shrinks(step, shrink),
    )
    yield mistake(
        "memory_exchanged",
        "The numbers are right, and the parameters have other memory than before: `p.data = ...` "
        "puts a new tensor into the parameter, and views of it keep the old numbers. Write "
        "into it: p -= ..., inside torch.no_grad().",
        _elsewhere(step),
    )
    yield mistake(
        "grads_emptied",
        "The step is right, and you filled every .grad with zeros after it. Emptying is the "
        "caller's business: leave .grad as it is.",
        _then(step, lambda p: p.grad.zero_()),
    )
    yield mistake(
        "grads_taken_away",
        "The step is right, and you set every .grad to None after it. Emptying is the caller's "
        "business: leave .grad as it is.",
        _then(step, _forget),
    )


def _until_the_first_none(step: Step) -> Step:
    def wrong(params: list[Tensor], state: dict[Any, Any], *settings: Any) -> None:
        absent = [i for i, p in enumerate(params) if p.grad is None]
        step(params[: absent[0]] if absent else params, state, *settings)

    return wrong


def decay_written_into_grad(step: Step, wd: int, joins: Callable[[Settings], bool]) -> Step:
    """The step with the decay added to .grad in place; `joins` says whether it joins at all."""

    @torch.no_grad()
    def wrong(params: list[Tensor], state: Any, *settings: Any) -> None:
        if joins(settings):
            for p in params:
                if p.grad is not None:
                    p.grad += settings[wd] * p
            settings = (*settings[:wd], 0.0, *settings[wd + 1 :])
        step(params, state, *settings)

    return wrong


def _placed(step: Step, place: Place) -> Step:
    def wrong(params: list[Tensor], state: Any, *settings: Any) -> None:
        step(params, state, *settings, place=place)

    return wrong


def _placed_anew(step: Step) -> Step:
    def wrong(params: list[Tensor], state: Any, *settings: Any) -> None:
        shapes = [tuple(p.shape) for p in params if p.grad is not None]
        for place, shape in enumerate(shapes):
            if state.setdefault(("shape", place), shape) != shape:
                state[("shape", place)] = shape
                state.pop(place, None)
        step(params, state, *settings, place=lambda i, p, present: present)

    return wrong


def _outside(step: Step) -> Step:
    def wrong(params: list[Tensor], state: dict[Any, Any], *settings: Any) -> None:
        step(params, vars(params[0]).setdefault("memory", {}), *settings)

    return wrong


@torch.no_grad()
def _shrunk(params: list[Tensor], share: float) -> None:
    for p in params:
        if p.grad is None:
            p -= share * p


def _absent_shrinks(step: Step, shrink: Callable[[Settings], float]) -> Step:
    def wrong(params: list[Tensor], state: Any, *settings: Any) -> None:
        _shrunk(params, shrink(settings))
        step(params, state, *settings)

    return wrong


def _elsewhere(step: Step) -> Step:
    def wrong(params: list[Tensor], state: Any, *settings: Any) -> None:
        step(params, state, *settings)
        for p in params:
            if p.requires_grad:
                p.data = p.data.clone()

    return wrong


def _then(step: Step, change: Callable[[Any], object]) -> Step:
    def wrong(params: list[Tensor], state: Any, *settings: Any) -> None:
        step(params, state, *settings)
        for p in params:
            if p.grad is not None:
                change(p)

    return wrong


def _forget(p: Tensor) -> None:
    p.grad = None
