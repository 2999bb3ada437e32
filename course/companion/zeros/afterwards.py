"""A gradient that the graph gave a leaf, and that is 0 now: hooks, emptying, clipping."""

from __future__ import annotations

import dis
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from course.companion.finding import Finding, found
from course.companion.places import Place, is_library
from course.companion.record.calls import Event, Pass, Record
from course.companion.record.sizes import largest
from course.companion.zeros import late

_EMPTYING = {"zero_", "fill_", "mul_", "__imul__", "copy_", "_foreach_zero_"}


def made_zero(record: Record | None, passed: Pass, tensor: Tensor, name: str) -> Finding | None:
    """What made zeros of a leaf's gradient once a pass had computed it; None if nothing was seen.

    What comes last counts: emptying after a hook leaves zeros whatever the hook gave.
    """
    events = _after(record, passed) if record is not None else []
    if record is not None and (event := _emptied(record, events, tensor)) is not None:
        early = any(one.kind == "step" and one.at > event.at for one in events)
        code = "emptied_before_step" if early else "emptied"
        return found(code, tensor=name, place=event.place)
    if (hook := _hook_of(tensor)) is not None:
        return late.zero(hook, name) or found("zero_hook", tensor=name, place=_place_of(hook))
    is_broken = any(
        size is not None and not math.isfinite(largest(size))
        for _, edges in passed.sizes.values()
        for size in edges.values()
    )
    # A limit above 0 makes no zeros of numbers that are finite.
    clips = [event for event in events if event.kind == "clip" and (event.about or is_broken)]
    return found("zero_clipped", tensor=name, place=clips[-1].place) if clips else None


def hooked(record: Record | None, number: int) -> Place | None:
    """The line at which a watched step put a hook on the result of a node."""
    events = record.events_of("hook") if record is not None else []
    return next((event.place for event in events if event.about == number), None)


def was_given(record: Record | None, tensor: Tensor) -> Place | None:
    """The line at which the watched step assigned a gradient by hand."""
    events = record.events_of("filled") if record is not None and tensor.grad is not None else []
    places = [event.place for event in events if event.about() is tensor]
    return places[-1] if places else None


def _after(record: Record, passed: Pass) -> list[Event]:
    """The events after a pass."""
    at = [index for index, event in enumerate(record.events) if event.about is passed]
    return record.events[at[-1] + 1 :] if at else []


def is_emptied(record: Record, passed: Pass, tensor: Tensor) -> bool:
    """Whether a leaf's gradient was emptied after a pass, by an optimizer or by hand."""
    return any(_empties(event, tensor) for event in _after(record, passed))


def _empties(event: Event, tensor: Tensor) -> bool:
    by_optimizer = event.kind == "zero" and id(tensor) in event.about.held()
    return by_optimizer or (event.kind == "empty" and event.about() is tensor)


def _emptied(record: Record, events: list[Event], tensor: Tensor) -> Event | None:
    """Where a gradient was set to zeros: by an optimizer, by hand, or in place."""
    event: Event
    for event in reversed(events):
        if _empties(event, tensor):
            return event
    made = record.source_of(tensor.grad) if tensor.grad is not None else None
    for number, call in reversed(list(record.every())):
        into = call.sources[0] if call.sources and call.name in _EMPTYING else None
        through = record.call(into) if into is not None and into >= 0 else None
        if through is not None and through.name == "data":
            into = through.sources[0]
        if made is not None and (number == made or into == made) and call.name in _EMPTYING:
            return Event("empty", number, call.code, call.instruction, None)
    return None


def rows_left(parameters: Mapping[str, Tensor]) -> list[str]:
    """A sentence on each parameter that a hook of the reader's gave a gradient of some rows."""
    told = []
    for name, tensor in parameters.items():
        grad, place = tensor.grad, place_of_hook(tensor)
        if place is None or grad is None or grad.layout is not torch.strided or grad.dim() < 2:
            continue
        zero = (grad.detach().flatten(1) == 0).all(1).nonzero().flatten().tolist()
        if 0 < len(zero) < len(grad):
            told.append(
                f"A hook on {name} ({place}) has the last word on its gradient, which is 0 in "
                f"{len(zero)} of {len(grad)} rows: {_ranges(zero)}."
            )
    return told


def _ranges(numbers: list[int]) -> str:
    """`0 to 3, 7, 9 to 12`, and how many more there are."""
    ranges = [[numbers[0], numbers[0]]]
    for number in numbers[1:]:
        if number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    spelled = [f"{low} to {high}" if low < high else str(low) for low, high in ranges]
    more = len(spelled) - _MOST_RANGES
    return ", ".join(spelled[:_MOST_RANGES]) + (f" and {more} more" if more > 0 else "")


_MOST_RANGES = 4


def _hook_of(tensor: Tensor) -> Callable[..., Any] | None:
    """A hook on a leaf that is the reader's own."""
    for hook in _hooks(tensor):
        code = getattr(hook, "__code__", None)
        if code is not None and not is_library(code.co_filename):
            return hook  # type: ignore[no-any-return]
    return None


def gives(tensor: Tensor) -> bool:
    """Whether a hook of the reader's on a leaf may return another gradient, as far as it shows."""
    code = getattr(_hook_of(tensor), "__code__", None)
    if code is None:
        return False
    returned = [one for one in dis.get_instructions(code) if one.opname.startswith("RETURN")]
    plain = dis.Bytecode(code)
    before = dict(zip((one.offset for one in list(plain)[1:]), plain, strict=False))
    return any(
        one.opname == "RETURN_VALUE" and not _is_none(before.get(one.offset)) for one in returned
    )


def _is_none(instruction: dis.Instruction | None) -> bool:
    loaded = instruction is not None and instruction.opname == "LOAD_CONST"
    return loaded and instruction is not None and instruction.argval is None


def _hooks(tensor: Tensor) -> Iterator[Any]:
    for hooks in ("_backward_hooks", "_post_accumulate_grad_hooks"):
        yield from (getattr(tensor, hooks, None) or {}).values()


def place_of_hook(tensor: Tensor) -> Place | None:
    """Where the hook begins that the reader put on a leaf."""
    hook = _hook_of(tensor)
    return _place_of(hook) if hook is not None else None


def _place_of(hook: Any) -> Place:
    return Place(hook.__code__.co_filename, hook.__code__.co_firstlineno)


def last_emptied(record: Record | None, tensor: Tensor) -> Place | None:
    """The line at which a leaf's gradient was emptied last."""
    events = record.events_of("zero", "empty") if record is not None else []
    mine = [event for event in events if _empties(event, tensor)]
    gone = [event for event in events if event.kind == "zero" and not event.about.held()]
    last = mine or gone
    return last[-1].place if last else None
