"""Custom Functions of a watched step whose loss is gone: which gave a leaf None, or zeros."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from course.companion.finding import Finding, found
from course.companion.record.calls import Pass, Record
from course.companion.record.sizes import NOTHING, Size, largest
from course.companion.zeros import origins


def is_on_way(record: Record, numbers: set[int]) -> bool:
    """Whether a custom Function is among these calls: its nodes are nobody's."""
    calls = (record.call(number) for number in numbers)
    return any(call is not None and call.note[0] == "hidden" for call in calls)


def finding(
    record: Record, passed: Pass, between: set[int], tensor: Tensor, name: str
) -> Finding | None:
    """Of a leaf without a gradient, or with zeros: the custom Function whose backward gave that.

    Nobody saw which calls of its forward a node is of: it has to be true of every node of it.
    """
    if tensor.grad is not None and tensor.grad.any():
        return None
    if tensor.grad is None and (function := _gives_none_to(passed, tensor)) is not None:
        return _of_function("none_returned", function, name)
    if tensor.grad is not None and _has_way_around(record, between, tensor):
        return None
    calls = [call for one in between if (call := record.call(one)) is not None]
    codes = {call.code for call in calls if call.note[0] == "hidden"}
    mine = {
        number: function
        for number, (function, size) in passed.by_hand.items()
        if getattr(function.forward, "__code__", None) in codes
        and (size is None or largest(size) > 0)
    }
    gave = [list(passed.sizes[number][1].values()) for number in mine]
    code = "none_returned" if tensor.grad is None else "zero_other"
    lacks = [[_is_lacking(one, code) for one in sizes] for sizes in gave]
    if len(set(mine.values())) != 1 or not all(one and all(one) for one in lacks):
        return None
    (function,) = set(mine.values())
    return _of_function(code, function, name)


def _of_function(code: str, function: Any, name: str) -> Finding:
    node, place = f"{function.__name__}Backward", origins.backward_of(function)
    sure = code == "none_returned"
    return found(code, tensor=name, place=place, node=node, call=function.__name__, sure=sure)


def _gives_none_to(passed: Pass, tensor: Tensor) -> Any:
    """The custom Function that was given a leaf itself and gave None for it, whenever it ran."""
    edges = [
        (number, edge)
        for number, leaves in passed.by_leaf.items()
        for edge, leaf in leaves.items()
        if leaf == id(tensor) and number in passed.sizes and number in passed.by_hand
    ]
    functions = {passed.by_hand[number][0] for number, _ in edges}
    nothing = all(passed.sizes[number][1].get(edge) is NOTHING for number, edge in edges)
    return functions.pop() if nothing and len(functions) == 1 else None


def _has_way_around(record: Record, between: set[int], tensor: Tensor) -> bool:
    """Whether a value also came to the loss by calls that no custom Function hides."""
    reached = {record.source_of(tensor)}
    for number in sorted(between):
        call = record.call(number)
        if call is not None and call.note[0] != "hidden" and reached.intersection(call.sources):
            reached.add(number)
    return max(between, default=None) in reached


def _is_lacking(size: Size | None, code: str) -> bool:
    """Whether a custom Function gave None in the place of a gradient, or zeros."""
    if code == "none_returned":
        return size is NOTHING
    return size is not None and size is not NOTHING and largest(size) == 0
