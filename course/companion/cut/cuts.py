"""Where a gradient's way back was cut: a watched value followed from a tensor to the loss."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch import Tensor, nn

from course.companion.cut import fitted, last, rows
from course.companion.finding import Finding, found
from course.companion.places import Place, written
from course.companion.record.calls import DERIVED, Call, Record
from course.companion.record.reach import Reach
from course.companion.record.switched import BEFORE, CHECKPOINT, DRAWN, DRAWN_ANEW
from course.companion.record.tracing import Followed, followed_from

_FROM_NUMBERS = {"tensor", "as_tensor", "from_numpy", "Tensor", "FloatTensor", "full", "asarray"}
_ARRAYS = {"numpy", "tolist", "__array__"}
_CHOICES = {"__bool__"}
"""What a program reads to choose its way by, and computes nothing with."""
_COPIES = {"tensor", "as_tensor", "new_tensor", "asarray"}
_CLASS = re.compile(r"(?:\w+\.)*\w*Tensor(?=\()")
"""A tensor's class, called: it reads number after number of a list, and is no call of its own."""
_CHOOSING = {
    *("argmax", "argmin", "max", "min", "topk", "sort", "argsort", "multinomial", "bernoulli"),
    *("__gt__", "__lt__", "__ge__", "__le__", "__eq__", "gt", "lt", "eq"),
}
"""What makes an index or a mask of values: a choice, and no second way of theirs."""
_COMPARED = {"gt", "ge", "lt", "le", "eq", "ne", "greater", "less"}
_STEPS = {"sign", "round", "floor", "ceil", "trunc", "sign_", "round_"}
"""What has a slope of 0 wherever it has one."""


def why_lost(record: Record, tensor: Tensor, loss: Tensor, name: str) -> list[Finding]:
    """Why a loss does not lead back to a tensor, as far as the watch saw it; else nothing."""
    end = record.source_of(loss)
    start = record.source_of(tensor)
    if end is None and start is None:
        return []
    if start is None:
        return [found("never_used", tensor=name)]
    return why_lost_before(record, start, end, loss, name)


def why_lost_before(
    record: Record, start: int, end: int | None, loss: Tensor | None, name: str
) -> list[Finding]:
    """The same of a value and of the call that gave a loss, which may be gone."""
    followed = followed_from(record, start)
    if not followed.used:
        return [found("never_used", tensor=name)]
    if end is not None and (step := fitted.by_step(record, followed.live, start, [end], name)):
        return [step]
    before = record.before([end]) if end is not None else set()
    cuts = last.cuts(record, followed, end) if end is not None else []
    if (estimated := _estimated(record, cuts, name)) is not None:
        return [estimated]
    if end is not None and cuts:
        more = last.cuts(record, followed, end, past_draws=False)
        if (unused := rows.unused(record, cuts, followed.live, before, name)) is not None:
            return [unused]
        if not more and (read := _by_numbers(record, followed, before, name, learning=True)):
            return read
        return [_of_cut(record, one, name) for one in last.first_of_lines(record, more or cuts)]
    if followed.live & before:
        return []  # inside of something that the watch does not see
    if loss is not None and (into := _into_data(record, followed, loss, name)):
        return into
    return _by_numbers(record, followed, before, name) or _dropped(record, followed, end, name)


def told_of(record: Record, number: int, name: str) -> Finding:
    """What is said of a cut."""
    return _of_cut(record, number, name)


def _estimated(record: Record, cuts: list[int], name: str) -> Finding | None:
    """A value that enters a loss by a straight-through estimator, z + (q - z).detach(), alone.

    Other places that detach the same q are as meant as that one.
    """
    for number in cuts:
        if (passed := rows.straight_through(record, number)) is None:
            continue
        call = record.call(number)
        others = [record.call(one) for one in cuts if one != number]
        if call is not None and all(
            one is not None and one.name == "detach" and passed in one.sources for one in others
        ):
            if (term := rows.compared(record, number)) is not None:
                at = str(call.place)
                return found("straight_through_compared", tensor=name, place=term.place, at=at)
            return found("straight_through", tensor=name, place=call.place)
    return None


def beside(record: Record, start: int, ends: list[int], told: list[Finding]) -> list[Finding]:
    """Where a value enters a loss detached too, if the parts of its other ways cancel."""
    if [one.code for one in told] != ["zero_parts"]:
        return []
    name = told[0].tensor
    followed, before = followed_from(record, start), record.before(ends)
    cut = [one for one, by in followed.cut.items() if one == by and one in before]
    calls = ((one, record.call(one)) for one in sorted(cut))
    detached = [one for one, call in calls if call is not None and call.name == "detach"]
    return [_of_cut(record, one, name) for one in last.first_of_lines(record, detached)]


def by_two_ways(
    record: Record | None, tensor: object, loss: Tensor, names: Callable[[Tensor], str]
) -> str | None:
    """A sentence on a parameter that enters the loss recorded, and once more unrecorded."""
    if record is None or not isinstance(tensor, nn.Parameter):
        return None
    start, end = record.source_of(tensor), record.source_of(loss)
    if start is None or end is None:
        return None
    followed = followed_from(record, start)
    before = record.before([end])
    if not followed.live & before:
        return None
    for number in sorted(one for one, cut in followed.cut.items() if one == cut and one in before):
        call = record.call(number)
        if call is None or call.note[0] not in ("off", "inference"):
            continue
        behind = (record.call(one) for one, cut in followed.cut.items() if cut == number)
        if not any(one is not None and one.name in _CHOOSING for one in behind):
            if tensor not in Reach(loss):
                return None  # it is the only way, and no second one
            return (
                f"{names(tensor)} enters the loss a second time by {_called(call)} at "
                f"{call.place}, "
                "where recording is off: no gradient comes back that way. In a target that is "
                "meant so."
            )
    return None


def _into_data(record: Record, followed: Followed, loss: Tensor, name: str) -> list[Finding]:
    """Where a value was written into the .data of a leaf that the loss leads back to."""
    reach = Reach(loss)
    for event in record.events_of("set"):
        leaf, value = event.about[0](), event.about[1]
        if value in followed.cut and leaf is not None and leaf in reach:
            return [
                found("cut_copied", tensor=name, place=event.place, call="an assignment to .data")
            ]
    return []


def _by_numbers(
    record: Record, followed: Followed, before: set[int], name: str, *, learning: bool = False
) -> list[Finding]:
    """Where a value left torch: whether the loss is made of it there, nobody sees.

    That of a value with a graph comes first, as of `learning` alone: an action has none to lose.
    """
    calls = [one for number in followed.numbers if (one := record.call(number)) is not None]
    calls = [one for one in calls if one.name not in _CHOICES]
    with_graph = [one for one in calls if True in one.recorded]
    calls = with_graph if learning else calls
    arrays = [one for one in calls if one.name in _ARRAYS]
    if classes := [one for one in calls if _by_class(one)]:
        return [_of_class(classes[0], name)]
    made = [call for one in before if one >= 0 and (call := record.call(one)) is not None]
    rebuilt = not before or any(one.name in _FROM_NUMBERS or not one.sources for one in made)
    read_last = bool(followed.live) and any(max(followed.live) in one.sources for one in calls)
    leaving = arrays or ((with_graph or calls) if rebuilt or read_last else [])
    return [_cut("cut_number", leaving[0], name, sure=False)] if leaving else []


def _by_class(call: Call) -> str:
    """`torch.Tensor` where a number is taken for `torch.Tensor([loss])`; else nothing."""
    if call.name not in ("__float__", "__int__", "__index__"):
        return ""
    found = _CLASS.match(written(call.code, call.instruction))
    return found[0] if found else ""


def _of_class(call: Call, name: str) -> Finding:
    made = f"{_by_class(call)}()"
    return found("cut_rebuilt", tensor=name, sure=False, place=call.place, call=made)


def _dropped(record: Record, followed: Followed, end: int | None, name: str) -> list[Finding]:
    call = record.call(max(followed.live)) if followed.live else None
    if call is None or end is None:
        return []
    sure = not followed.numbers
    if call.name == "copy_" and call.sequence < 0:
        return [_cut("cut_copied", call, name, sure=sure)]
    into = record.call(call.sources[0]) if call.sources else None
    if call.name == "__setitem__" and into is not None and into.name == "data":
        return [_cut("cut_data", into, name, sure=sure)]
    return [found("dropped", tensor=name, name_of_call=call.name, place=call.place, sure=sure)]


def of_result(record: Record, tensor: Tensor, name: str) -> Finding | None:
    """The cut that made a tensor which does not require grad, if a watched call did."""
    source = record.source_of(tensor)
    call = record.call(source) if source is not None and source >= 0 else None
    if call is None or call.gives_grad or True not in call.recorded or source is None:
        return None
    return _of_cut(record, source, name)


def first_cut(record: Record, loss: Tensor, name: str) -> list[Finding]:
    """Every cut on the way to a loss that has no graph."""
    end = record.source_of(loss)
    if end is None:
        return []
    cuts, before = [], record.before([end], past_derived=False)
    for number in sorted(before):
        call = record.call(number) if number >= 0 else None
        if call is None or call.gives_grad or True not in call.recorded:
            continue
        if call.note[0] != "hidden" and call.gives_tensor:
            cuts.append(number)
    if not cuts:
        return _by_reading(record, end, before, name)
    return [_of_cut(record, one, name) for one in cuts[: last.MOST]]


def _by_reading(record: Record, end: int, before: set[int], name: str) -> list[Finding]:
    """Where what became a loss without a graph was read as a number."""
    read = [
        call
        for number, call in record.every()
        if True in call.recorded and not call.gives_tensor and (number < end or end < 0)
    ]
    if min(before) < 0:
        return [_of_class(one, name) for one in read if _by_class(one)][:1]
    numbers = [one for one in read if one.name not in _CHOICES]
    made = [call for one in before if (call := record.call(one)) is not None]
    rebuilt = any(one.name in _FROM_NUMBERS or not one.sources for one in made)
    return [_cut("cut_number", numbers[-1], name, sure=False)] if numbers and rebuilt else []


def _of_cut(record: Record, number: int, name: str) -> Finding:
    call = record.call(number)
    assert call is not None
    kind, detail = call.note
    if call.name in _COPIES:
        return _cut("cut_rebuilt", call, name)
    if call.name in ("detach", "detach_"):
        return _cut("cut_detach", call, name)
    if call.name == "data" and "deepcopy(" in written(call.code, call.instruction):
        return _cut("cut_deepcopy", call, name)
    if call.name == "data":
        step = _step_after(record, number)
        if step is not None:
            return _cut("cut_then_step", call, name, step=f"{step}()")
        return _cut("cut_data", call, name)
    if kind == DERIVED:
        return _cut("cut_derivative", call, name)
    if kind == "integer" and call.name == "multinomial":
        return _cut("cut_draw", call, name, why="an index has no derivative")
    if kind == "integer" and (row := rows.looked_up(record, number)) is not None:
        return _cut("cut_lookup", call, name, dtype=detail, at=str(row.place))
    if kind == "integer":
        return _cut("cut_integer", call, name, dtype=detail)
    if kind == "inference":
        return _cut("cut_inference", call, name)
    if kind == "off":
        code, instruction, by = detail
        if by == BEFORE:
            return _cut("off_before", call, name)
        if by == CHECKPOINT:
            return found("cut_checkpoint", tensor=name, place=Place.of(code, instruction))
        if by == DRAWN_ANEW:
            return _cut("cut_sample", call, name)
        if by == DRAWN:
            return _cut("cut_draw", call, name, why="this distribution has no rsample()")
        switched = Place.of(code, instruction)
        off = f" (switched off at {switched})" if switched != call.place else ""
        return _cut("cut_off", call, name, off=off)
    return _cut("cut_operation", call, name)


def _step_after(record: Record, number: int) -> str | None:
    """What rounds a value right after it was cut."""
    using = (call for _, call in record.every() if number in call.sources)
    return next((call.name for call in using if call.name in _STEPS), None)


def _cut(code: str, call: Call, name: str, *, sure: bool = True, **words: str) -> Finding:
    made = _called(call)
    return found(code, tensor=name, sure=sure, place=call.place, call=made, **words)


def _called(call: Call) -> str:
    """`detach()`; of what a distribution does to draw, the reader wrote `sample()`."""
    text = written(call.code, call.instruction)
    if call.name == "copy_" and ".load_state_dict(" in text:
        return "load_state_dict()"
    if call.name.strip("_") in _COMPARED:
        return "a comparison"
    drawn = re.search(r"\.(sample(?:_n)?)\(", text)
    return f"{drawn[1] if drawn and call.note[0] in ('off', 'integer') else call.name}()"
