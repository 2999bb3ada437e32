"""What a custom Function keeps of its forward for its backward, besides what it was given."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from course.companion.record.calls import Record


def kept(node: Any, record: Record) -> dict[int, tuple[Any, str, bool]]:
    """By its number the Function, the name of a tensor on ctx that its forward computed, and more.

    It has no graph, since a forward is not recorded: to a second derivative it is a constant. So
    is a copy that is a leaf of its own, which the third entry says of it.
    """
    function = getattr(type(node), "_forward_cls", None)
    code = getattr(getattr(function, "backward", None), "__code__", None)
    read = code.co_names if code is not None else ()
    for name, value in vars(node).items():
        if name in read and isinstance(value, Tensor) and value.is_leaf:
            number = record.source_of(value)
            if number is not None and value.is_floating_point() and _is_computed(record, number):
                return {int(node._sequence_nr()): (function, name, value.requires_grad)}
    return {}


def _is_computed(record: Record, number: int) -> bool:
    """Whether a call inside of a forward made a value of something that requires grad."""
    calls = (record.call(one) for one in record.before([number]) if one >= 0)
    return any(call is not None and call.note[0] == "hidden" for call in calls)
