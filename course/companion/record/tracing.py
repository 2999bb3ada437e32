"""What a tensor's value became in a watched step, call by call."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from course.companion.places import Place
from course.companion.record.calls import Call, Record
from course.companion.record.switched import CHECKPOINT


@dataclass
class Followed:
    """What a tensor's value became, call by call."""

    live: set[int] = field(default_factory=set)
    """Calls whose result still leads back to it."""
    cut: dict[int, int] = field(default_factory=dict)
    """Calls whose result does not any more, and the call that cut."""
    numbers: list[int] = field(default_factory=list)
    """Calls that took a number or an array out of torch."""
    used: bool = False
    run_again: set[int] = field(default_factory=set)
    """Calls inside of a checkpoint, which runs them again, recorded, in the backward pass."""


def followed_from(record: Record, start: int, *, frozen: bool = True) -> Followed:
    """Follow the value that a call or a source gave; of a leaf, if asked, not where it is frozen.

    A critic whose flags are off while its actor learns gets no gradient by that way.
    """
    followed = Followed()
    for number, call in record.every():
        mine = [
            (source, grad)
            for source, grad in zip(call.sources, call.recorded, strict=True)
            if (source == start and (frozen or grad))
            or source in followed.live
            or source in followed.cut
        ]
        if not mine:
            continue
        followed.used = True
        for source, grad in mine:
            cut = followed.cut.get(source)
            if grad and cut is not None and _is_given_graph(record, source, cut):
                _take_up(record, followed, cut)
        flows = any(source not in followed.cut for source, _ in mine)
        if not call.gives_tensor:
            followed.numbers.append(number)
        elif flows and (call.gives_grad or _is_hidden(call)):
            followed.live.add(number)
        elif flows and (True in call.recorded or call.name == "detach_"):  # it is asked afterwards
            followed.cut[number] = number
        elif flows:
            followed.live.add(number)
        else:
            followed.cut[number] = min(followed.cut[source] for source, _ in mine)
    return followed


def _is_given_graph(record: Record, number: int, cut: int) -> bool:
    """Whether what a call gave without a graph has one afterwards, as a checkpoint gives it."""
    call, by = record.call(number), record.call(cut)
    if call is None or call.gives_grad or by is None:
        return False
    return by.note[0] == "off" and by.note[1][2] == CHECKPOINT


def _block_of(record: Record, number: int) -> object:
    call = record.call(number)
    return call.note[1] if call is not None else None


def _take_up(record: Record, followed: Followed, cut: int) -> None:
    """A checkpoint that gave a result with a graph cut nothing: its calls lead back."""
    block = _block_of(record, cut)
    inside = {one for one, by in followed.cut.items() if _block_of(record, by) is block}
    followed.live |= inside
    followed.run_again |= inside
    followed.cut = {one: by for one, by in followed.cut.items() if one not in inside}


def is_run_again(record: Record | None, tensor: Tensor) -> bool:
    """Whether a tensor was used inside of a checkpoint that gave a result with a graph."""
    start = record.source_of(tensor) if record is not None else None
    return record is not None and start is not None and bool(followed_from(record, start).run_again)


def _is_hidden(call: Call) -> bool:
    """Whether it ran inside of a custom Function, whose result may be recorded all the same."""
    return call.note[0] == "hidden"


def last_hidden(record: Record, tensor: Tensor, loss: Tensor) -> Place | None:
    """The last line inside of a custom Function on the way from a tensor to a loss."""
    start, end = record.source_of(tensor), record.source_of(loss)
    if start is None or end is None:
        return None
    both = followed_from(record, start).live & record.before([end])
    hidden = [record.call(one) for one in sorted(both)]
    return next((one.place for one in reversed(hidden) if one and one.note[0] == "hidden"), None)
