"""A gradient that the graph gave a leaf, and that is 0 now: hooks, emptying, clipping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from course.companion.calls import Event, Pass, Record
from course.companion.finding import Finding, found
from course.companion.places import Place, is_library

_EMPTYING = {"zero_", "fill_", "mul_", "__imul__", "copy_", "_foreach_zero_"}


def made_zero(record: Record | None, passed: Pass, tensor: Tensor, name: str) -> Finding | None:
    """What made zeros of a leaf's gradient once a pass had computed it; None if nothing was seen.

    What comes last counts: emptying after a hook leaves zeros whatever the hook gave.
    """
    events = _after(record, passed) if record is not None else []
    if record is not None and (place := _emptied(record, events, tensor)) is not None:
        return found("emptied", tensor=name, place=place)
    if (hook := _hook_of(tensor)) is not None:
        return found("zero_hook", tensor=name, place=_place_of(hook))
    clips = [event for event in events if event.kind == "clip"]
    return found("zero_clipped", tensor=name, place=clips[-1].place) if clips else None


def hooked(record: Record | None, number: int) -> Place | None:
    """The line at which a watched step put a hook on the result of a node."""
    events = record.events_of("hook") if record is not None else []
    return next((event.place for event in events if event.about == number), None)


def _after(record: Record, passed: Pass) -> list[Event]:
    """The events after a pass."""
    at = [index for index, event in enumerate(record.events) if event.about is passed]
    return record.events[at[-1] + 1 :] if at else []


def _emptied(record: Record, events: list[Event], tensor: Tensor) -> Place | None:
    """Where a gradient was set to zeros: by an optimizer, by hand, or in place."""
    for event in reversed(events):
        by_optimizer = event.kind == "zero" and id(tensor) in event.about.held()
        if by_optimizer or (event.kind == "empty" and event.about() is tensor):
            at: Place = event.place
            return at
    made = record.source_of(tensor.grad) if tensor.grad is not None else None
    call = record.call(made) if made is not None and made >= 0 else None
    return call.place if call is not None and call.name in _EMPTYING else None


def _hook_of(tensor: Tensor) -> Callable[..., Any] | None:
    """A hook on a leaf that is the reader's own."""
    for hook in _hooks(tensor):
        code = getattr(hook, "__code__", None)
        if code is not None and not is_library(code.co_filename):
            return hook  # type: ignore[no-any-return]
    return None


def _hooks(tensor: Tensor) -> Iterator[Any]:
    for hooks in ("_backward_hooks", "_post_accumulate_grad_hooks"):
        yield from (getattr(tensor, hooks, None) or {}).values()


def has_hook(tensor: Tensor) -> bool:
    """Whether the reader put a hook on a leaf."""
    return _hook_of(tensor) is not None


def _place_of(hook: Any) -> Place:
    return Place(hook.__code__.co_filename, hook.__code__.co_firstlineno)
