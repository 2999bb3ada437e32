"""Which of several watched backward passes a parameter's gradient came from."""

from __future__ import annotations

from torch import Tensor

from course.companion.record.calls import Event, Record
from course.companion.record.reach import Reach
from course.companion.surroundings import Surroundings


def roots(record: Record | None) -> set[int]:
    """The numbers of the nodes that watched passes started from."""
    events = record.events_of("backward") if record is not None else []
    return {number for event in events for number in event.about.roots}


def loss_of(
    tensor: Tensor, around: Surroundings, record: Record | None, but: Tensor
) -> tuple[str, Tensor] | None:
    """Another loss, with its name, that leads back to a tensor and whose backward was watched."""
    known = roots(record)
    for name, value in around.tensors.items():
        if value is but or value is tensor or value.grad_fn is None:
            continue
        if value.grad_fn._sequence_nr() in known and tensor in Reach(value):
            return name, value
    return None


def has_passed(tensor: Tensor, record: Record | None) -> bool:
    """Whether some watched pass started from what was computed, recorded, from a tensor."""
    start = record.source_of(tensor) if record is not None else None
    if record is None or start is None:
        return False
    known, live = roots(record), {start}
    for number, call in record.every():
        used = zip(call.sources, call.recorded, strict=True)
        if call.gives_grad and any(grad and source in live for source, grad in used):
            live.add(number)
            if call.sequence in known:
                return True
    return False


def live(record: Record, starts: set[int]) -> set[int]:
    """All that was computed, recorded, from what these numbers stand for."""
    found = set(starts)
    for number, call in record.every():
        used = zip(call.sources, call.recorded, strict=True)
        if call.gives_grad and any(grad and source in found for source, grad in used):
            found.add(number)
    return found


def ends(record: Record, event: Event) -> list[int]:
    """The calls that gave what a pass started from; of a leaf, the last before it."""
    roots = event.about.roots
    made = [number for number, call in record.every() if call.sequence in roots]
    return made if roots else [event.at - 1]


def all_ends(record: Record) -> list[int]:
    """The same of every pass."""
    events = record.events_of("backward")
    known = roots(record)
    made = [number for number, call in record.every() if call.sequence in known]
    return made + [event.at - 1 for event in events if not event.about.roots]
