"""Why one tensor has no gradient, or a bad one: its flags, the loss, the way back, the passes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course.companion.cut import before, cuts, wiring
from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record import passes, tracing
from course.companion.record.calls import Record
from course.companion.record.reach import Reach
from course.companion.surroundings import Surroundings
from course.companion.zeros import afterwards, births, derivatives
from course.companion.zeros.origins import number_of
from grader.errors.seen.again import graph

_CASTS = ("ToCopy", "Clone", "View", "UnsafeView", "T", "Reshape", "Transpose", "Unsqueeze")


def flagged(
    tensor: Tensor, name: str, around: Surroundings, record: Record | None
) -> list[Finding] | None:
    """Why a tensor requires no grad; None if it does."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        cut = cuts.of_result(record, tensor, name) if record is not None else None
        dtype = str(tensor.dtype).removeprefix("torch.")
        return [found("integer", tensor=name, dtype=dtype), *([cut] if cut else [])]
    if tensor.is_inference():
        return [found("inference", tensor=name)]
    if tensor.requires_grad:
        return None
    if record is not None and (cut := cuts.of_result(record, tensor, name)) is not None:
        return [cut]
    if (buffer := wiring.buffer_of(around, tensor)) is not None:
        return [found("buffer", tensor=buffer, short=buffer.rpartition(".")[2])]
    frozen = isinstance(tensor, nn.Parameter)
    return [found("frozen" if frozen else "no_requires_grad", tensor=name)]


def was_trained(tensor: Tensor, record: Record | None) -> bool:
    """Whether a watched step used the gradient of a leaf that does not require one now."""
    if record is None or tensor.requires_grad or not size_of_grad(tensor):
        return False
    steps = record.events_of("step")
    return any(id(tensor) in one.about.held() and not one.about.bare for one in steps)


def not_leaf(tensor: Tensor, name: str, record: Record | None = None) -> Finding:
    """Of a tensor that an operation computed: which, and whether that moved or cast a leaf."""
    node = tensor.grad_fn
    assert node is not None
    above = [one for one, _ in node.next_functions]
    moved = len(above) == 1 and hasattr(above[0], "variable") and node.name().startswith(_CASTS)
    code, place = "moved" if moved else "not_a_leaf", _made_at(record, tensor)
    return found(code, tensor=name, node=node.name(), place=place)


def without_graph(
    loss: Tensor, name: str, tensor: Tensor | None, record: Record | None
) -> list[Finding] | None:
    """What to say of a loss that nothing hangs on; None if something does."""
    if loss.grad_fn is not None:
        return None
    code = "loss_is_leaf" if loss.requires_grad else "loss_without_graph"
    told = [found(code, tensor=name)]
    if record is None:
        return told
    lost = cuts.why_lost(record, tensor, loss, name) if tensor is not None else []
    lost = lost or cuts.first_cut(record, loss, name)
    return lost if lost and not loss.requires_grad else told + lost


def _cut_before(tensor: Tensor, loss: Tensor, name: str, record: Record | None) -> Finding | None:
    """The cut of what was computed from a tensor before the watched step."""
    end = record.source_of(loss) if record is not None else None
    if record is None or end is None:
        return None
    cut = before.of_earlier(record, tensor, [end])
    return cuts.told_of(record, cut, name) if cut is not None else None


def lost(
    tensor: Tensor,
    loss: Tensor,
    name: str,
    around: Surroundings,
    record: Record | None,
    quickly: bool = False,
) -> list[Finding]:
    """Why a loss with a graph does not lead back to a tensor."""
    told = cuts.why_lost(record, tensor, loss, name) if record is not None else []
    used = record is not None and record.source_of(tensor) is not None
    hidden = tracing.last_hidden(record, tensor, loss) if record is not None and used else None
    unknown = found("not_seen" if used else "not_reached", tensor=name, place=hidden)
    if [one.code for one in told] == ["never_used"]:
        if (earlier := _cut_before(tensor, loss, name, record)) is not None:
            return [earlier]
        if (model := wiring.never_called(around, tensor, record)) is not None:
            return [found("never_called", tensor=name, model=model)]
        if (pattern := wiring.pattern_of(around, tensor, name)) is not None:
            return [pattern]
        if (container := wiring.choosing(around, tensor, loss)) is not None:
            return [found("idle", tensor=name, container=container, sure=False)]
        return told
    only_derived = _only_derived(tensor, loss, name, record) if _is_dropped(told) else None
    if only_derived is not None:
        return [only_derived]
    if _is_dropped(told) and (passed := passes.loss_of(tensor, around, record, loss)):
        return [found("other_pass", tensor=name, other=passed[0])]
    if quickly or not _is_dropped(told):
        return told or [unknown]
    for other, value in around.tensors.items():
        if value is loss or value is tensor or value.grad_fn is None or value.numel() != 1:
            continue
        if tensor in Reach(value):
            place = _made_at(record, value)
            return [found("other_loss", tensor=name, other=other, place=place)]
    return told or [unknown]


def _is_dropped(told: list[Finding]) -> bool:
    """Whether nothing is said but that a value does not enter the loss."""
    return all(one.code == "dropped" for one in told)


def _only_derived(tensor: Tensor, loss: Tensor, name: str, record: Record | None) -> Finding | None:
    start = record.source_of(tensor) if record is not None else None
    if record is None or start is None:
        return None
    return derivatives.constant_in(record, start, Reach(loss), name)


def measured(
    tensor: Tensor, gradients: births.Births, reach: Reach, name: str, record: Record | None
) -> list[Finding]:
    """What became of the gradient of a tensor that the loss leads back to."""
    if tensor.is_meta:  # a shape without values
        return []
    size = size_of_grad(tensor)
    try:
        if bad := gradients.why_bad(tensor, name):
            start = record.source_of(tensor) if record is not None else None
            if record is None or start is None:
                return bad
            root = number_of(reach.root)
            ends = [number for number, call in record.every() if call.sequence == root]
            return [*cuts.beside(record, start, ends, bad), *bad]
    except births.Freed:
        if size is None and tensor.is_leaf:
            return [found("emptied", tensor=name, place=afterwards.last_emptied(record, tensor))]
        if not size:
            return [found("graph_freed", tensor=name)]
    if size is None and tensor.is_leaf:
        return [_unfilled(tensor, reach, name, record)]
    return [_fine(tensor, reach, name, size)] if size else []


def _fine(tensor: Tensor, reach: Reach, name: str, size: float) -> Finding:
    """Of a gradient that arrives: whether most rows of a weight have none of it."""
    grad = tensor.grad
    looked_up = any(
        node.name().startswith("Embedding") and below is reach.target(tensor)
        for node in reach.nodes
        for below, _ in node.next_functions
    )
    plain = grad is not None and grad.layout == torch.strided and grad.dim() > 1
    if grad is not None and plain and not looked_up and not afterwards.place_of_hook(tensor):
        zero = int((grad.detach().flatten(1) == 0).all(1).sum())
        if 2 * zero > len(grad):
            told = f"{size:.3g}"
            return found("fine_in_part", tensor=name, size=told, zero=zero, rows=len(grad))
    return found("fine", tensor=name, size=f"{size:.3g}")


def _unfilled(tensor: Tensor, reach: Reach, name: str, record: Record | None) -> Finding:
    """A leaf that is reached and holds no gradient, though the graph is there."""
    passed = record is not None and any(
        reach.root._sequence_nr() in event.about.roots for event in record.events_of("backward")
    )
    emptied = afterwards.last_emptied(record, tensor)
    if passed and emptied is None and (hook := afterwards.place_of_hook(tensor)) is not None:
        return found("zero_hook", tensor=name, place=hook)
    if passed or any(graph.is_freed(node) for node in reach.nodes[:50]):
        return found("emptied", tensor=name, place=emptied)
    return found("no_backward", tensor=name)


def _made_at(record: Record | None, tensor: Tensor) -> Place | None:
    """The line of the watched call that gave a tensor."""
    number = record.source_of(tensor) if record is not None else None
    call = (
        record.call(number) if record is not None and number is not None and number >= 0 else None
    )
    return call.place if call is not None else None


def size_of_grad(tensor: Tensor) -> float | None:
    """The largest absolute entry of .grad; None if there is no .grad."""
    grad = tensor.grad if tensor.is_leaf or tensor.retains_grad else None
    if grad is None or grad.is_meta:
        return None
    values = grad.detach().coalesce().values() if grad.is_sparse else grad.detach()
    values = values if values.layout == torch.strided else values.to_dense()
    return float(values.abs().max().item()) if values.numel() else None
