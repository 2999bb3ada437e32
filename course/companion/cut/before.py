"""What was computed from a tensor before the watched step, and cut off inside of it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from course.companion.record.calls import Record
from course.companion.record.reach import Reach


def of_earlier(record: Record, tensor: Tensor, ends: Sequence[int]) -> int | None:
    """The cut of a value that was computed from a tensor before the watched step, if one was."""
    before = record.before(ends)
    for number, call in record.every():
        if call.gives_grad or True not in call.recorded or not call.gives_tensor:
            continue
        for source in record.before(call.sources) if number in before else ():
            earlier = record.sources[-1 - source]() if source < 0 else None
            if earlier is not None and earlier.grad_fn is not None and tensor in Reach(earlier):
                return number
    return None
