"""What a tensor's value became in a watched step, call by call."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from course.companion.places import Place
from course.companion.record.calls import Call, Record


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
