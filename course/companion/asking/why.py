"""`why_no_grad`: from a tensor and a loss to the place where the gradient was lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from course.companion.asking import gone, inquiry, meant, paced, unemptied
from course.companion.asking.every import DETACHED, every, is_bad, was_differentiated
from course.companion.asking.written import located, padding_row
from course.companion.cut import (
    aliased,
    anew,
    cached,
    cuts,
    drawn,
    loaded,
    rows,
    terms,
    unheld,
    unmoved,
    wiring,
)
from course.companion.finding import Finding, Report, counted, found, ordered
from course.companion.kinds.kind import ARRIVES
from course.companion.record import tracing
from course.companion.record.calls import Record
from course.companion.record.reach import Reach
from course.companion.record.watching import Watch, last_watch
from course.companion.surroundings import Surroundings
from course.companion.training import advantages, factors, inner, order, rates, states, targets
from course.companion.zeros import afterwards, births, curvature, kept, same, unread


def why_no_grad(
    tensor: Tensor | nn.Module | None = None,
    loss: Tensor | None = None,
    *,
    model: nn.Module | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    seen: Watch | None = None,
) -> Report:
    """Why a tensor has no gradient, a gradient of zeros, or nan, and where that happened.

    `tensor` is a parameter or any other tensor, a module (all its parameters are asked about), or
    nothing: then it is every parameter of every model that the caller has. `loss` is what backward
    is called on; the last loss that was watched is taken if there is none. Model and optimizer are
    found among the caller's variables, `seen` is the last `watch()`. Nothing is raised for other
    arguments: the report says what is wrong with them. Where gradients have to be measured anew,
    the graph is run through once and kept.
    """
    frame = sys._getframe(1)
    around = Surroundings(frame, model, optimizer)
    watch = seen or next(iter(around.of_kind(Watch)), None) or last_watch()
    record = watch.record if isinstance(watch, Watch) else None
    if seen is None and record is not None and not _is_about(record, loss, tensor):
        record = None  # a watch of another step, left earlier
    if tensor is not None and not isinstance(tensor, Tensor | nn.Module):
        return Report(f"why_no_grad is asked about a tensor; this is {_kind_of(tensor)}.")
    if loss is not None and not isinstance(loss, Tensor):
        return Report(f"The loss is to be a tensor; this is {_kind_of(loss)}. {_NUMBER}")
    several = loss is None and record is not None and len(record.events_of("backward")) > 1
    if loss is None:
        loss = _last_loss(record, around)
    if several and isinstance(tensor, Tensor) and not is_bad(tensor):
        loss = None  # another of the losses may have given it
    if isinstance(tensor, Tensor):
        with _gradients_kept(around, record):
            about, findings = _one(tensor, loss, around, record)
        findings += unheld.outside_optimizers(around, loss, tensor, record)
    else:
        if isinstance(tensor, nn.Module):
            around = Surroundings(frame, tensor, optimizer)
        with _gradients_kept(around, record):
            about, findings = every(loss, around, record, several)
        findings += unheld.outside_optimizers(around, loss, record=record)
    if loss is not None and record is not None:
        findings += terms.without_graph(record, loss)
        findings += anew.in_step(around, record, loss)
    elif record is not None:
        findings += gone.terms_without_graph(record)
    findings = cached.told(same.told(findings, around), around, record, loss)
    findings += wiring.unregistered(around, record) + states.modes(around, record)
    intended: list[str] = []
    if not isinstance(tensor, Tensor):
        findings, intended = meant.sorted_out(findings, around)
    report = _report(about, findings, around, record)
    report = replace(report, notes=(*report.notes, *intended))
    if isinstance(tensor, Tensor):
        row = padding_row(tensor, around.name_of(tensor), around)
        report = replace(report, notes=(*report.notes, *row))
    half = cuts.by_two_ways(record, tensor, loss, around.name_of) if loss is not None else None
    cut = any(one.code.startswith(("cut_", "loss_")) for one in report.findings)
    return replace(report, notes=(*report.notes, half)) if half and not cut else report


def of_record(record: Record, around: Surroundings) -> Report:
    """What a watched block shows by itself: its losses, its order, what it keeps alive."""
    findings = _of_record(record, around) + states.modes(around, record) + births.seen(record)
    findings += wiring.unregistered(around, record) + unheld.outside_optimizers(
        around, record=record
    )
    findings, intended = meant.sorted_out(located(findings, around), around)
    passes = len(record.events_of("backward"))
    about = f"Watched {counted(len(record), 'torch call')} and {passes} backward pass"
    about += "." if passes == 1 else "es."
    changed = states.through_data(record) + rates.notes(record, around)
    changed += inner.first_order(record) + intended
    if not findings and not changed:
        about += " Nothing in them is out of order. Ask why_no_grad(tensor, loss) about a tensor."
    return Report(about, ordered(findings), (*record.blind, *changed, *states.unseen(around)))


_NUMBER = "A number has no graph: .item() and float() leave it behind."


def _report(
    about: str, findings: list[Finding], around: Surroundings, record: Record | None
) -> Report:
    notes = states.unseen(around) + rates.notes(record, around)
    notes += afterwards.rows_left(around.parameters)
    if record is not None:
        codes = {one.code for one in findings}
        shown = _of_record(record, around)
        findings += [one for one in shown if _SAME.get(one.code) not in codes]
        notes += record.blind + states.through_data(record) + inner.first_order(record)
        if record.forgotten:
            notes.append(f"The watch forgot its first {record.forgotten:,} calls.")
    findings = located(findings, around)
    real = ordered([one for one in findings if one.code not in ARRIVES])
    beside = all(one.code in _BESIDE for one in real)
    told = ordered(findings) if beside else real
    return Report(_fitting(about, real), told, tuple(notes))


def _fitting(about: str, real: tuple[Finding, ...]) -> str:
    """The headline: where gradients arrive and something else is wrong, it says both."""
    other = sum(one.sure and one.code not in _REMARKS for one in real)
    if not about.startswith("No gradient of") or not other:
        return about
    verb = "is" if other == 1 else "are"
    return f"{counted(other, 'thing')} beside the gradients {verb} wrong. {about}"


_BESIDE = {"eval_mode", "frozen_batchnorm"}
"""What is no answer to the question about a tensor whose gradient arrives."""
_SAME = {"curvature_none": "zero_curvature"}
"""What the watch shows by itself, and what is said of a tensor for the same reason."""
_REMARKS = {"emptied", "no_backward", "frozen_batchnorm", "part_alone"}
"""What is said of right programs too."""


def _of_record(record: Record, around: Surroundings) -> list[Finding]:
    schedules = bool(around.schedulers)
    return [
        *states.fed_wrongly(record),
        *factors.broadcast(record),
        *drawn.unrecorded(record),
        *loaded.results(record),
        *kept.seen(record),
        *advantages.with_graph(record),
        *aliased.unrecorded(record, around),
        *inner.unused(record),
        *unread.gradients(record),
        *curvature.seen(record),
        *aliased.told(targets.with_graph(record), around),
        *rows.of_rests(record),
        *gone.terms_cut_off(record),
        *unmoved.terms(record),
        *order.out_of_order(record, schedules, bool(around.optimizers)),
        *unemptied.never_emptied(record, around),
        *unemptied.schedule_alone(record, around),
        *paced.by_batch(record, around),
        *rates.standing(record, around),
        *rates.rounded_away(record, around),
        *states.kept_alive(record, around),
    ]


def _one(
    tensor: Tensor, loss: Tensor | None, around: Surroundings, record: Record | None
) -> tuple[str, list[Finding]]:
    name = around.name_of(tensor)
    if (flag := inquiry.flagged(tensor, name, around, record)) is not None:
        if inquiry.was_trained(tensor, record):
            size = inquiry.size_of_grad(tensor)
            return _FROZEN_SINCE, [found("fine", tensor=name, size=f"{size:.3g}")]
        return f"{name} has no gradient.", flag
    if wiring.is_computed(around, tensor, record):
        return f"{name} is trained by nobody.", []
    findings = (
        [] if tensor.is_leaf or tensor.retains_grad else [inquiry.not_leaf(tensor, name, record)]
    )
    if loss is None:
        if not findings and not is_bad(tensor):
            size = inquiry.size_of_grad(tensor)
            return _SEVERAL, [found("fine", tensor=name, size=f"{size:.3g}")]
        if not findings and record is not None and gone.is_seen(record, around, tensor):
            bad = gone.why_bad(record, tensor, name, around)
            grad = inquiry.size_of_grad(tensor)
            nothing = "" if bad or grad is None else f" {_UNEXPLAINED.format(size=grad)}"
            return _GONE + nothing, bad
        return f"{name}: name the loss too, why_no_grad({name}, loss), to see more.", findings
    if not findings and was_differentiated(loss, record) and not is_bad(tensor):
        size = inquiry.size_of_grad(tensor)
        return DETACHED, [found("fine", tensor=name, size=f"{size:.3g}")]
    if (dead := inquiry.without_graph(loss, name, tensor, record)) is not None:
        return "The loss leads back to nothing.", findings + dead
    reach = Reach(loss)
    if tensor not in reach and (place := afterwards.was_given(record, tensor)) is not None:
        size = inquiry.size_of_grad(tensor) or 0.0
        told = found("fine", tensor=name, size=f"{size:.3g}")
        return f"The gradient of {name} was assigned at {place}.", [told]
    if tensor not in reach and not is_bad(tensor) and tracing.is_run_again(record, tensor):
        size = inquiry.size_of_grad(tensor)
        return _RUN_AGAIN, [found("fine", tensor=name, size=f"{size:.3g}")]
    if tensor not in reach:
        lost = inquiry.lost(tensor, loss, name, around, record)
        return f"The loss does not lead back to {name}.", findings + lost
    gradients = births.Births(record, loss, reach, around.name_of)
    measured = inquiry.measured(tensor, gradients, reach, name, record)
    if findings and not any(one.code.startswith(("zero", "nan")) for one in measured):
        return f"{name}.grad is None.", findings
    return f"The loss leads back to {name}.", findings + measured


_FROZEN_SINCE = "It was trained in the watched step, and its flag was taken off afterwards."
_SEVERAL = "One of the losses that were watched gave it a gradient."
_RUN_AGAIN = "A checkpoint runs it again in the backward pass, and gave it a gradient there."
_UNEXPLAINED = (
    "The gradient's largest entry is {size:.3g}, and no call that was seen says why. Keep the "
    "loss, and ask with it: why_no_grad(tensor, loss)."
)
_GONE = "The loss of the watched step is gone; this is what the watch saw of it."


@contextmanager
def _gradients_kept(around: Surroundings, record: Record | None) -> Iterator[None]:
    """Measuring fills the .grad of whatever called retain_grad(): afterwards it is as before."""
    seen = [one() for one, _ in record.made.values()] if record is not None else []
    keeping = [
        (one, one.grad)
        for one in (*around.tensors.values(), *seen)
        if one is not None and one.retains_grad
    ]
    try:
        yield
    finally:
        for one, grad in keeping:
            one.grad = grad


def _is_about(record: Record, loss: object, tensor: object) -> bool:
    """Whether a watch saw the making of a loss, or its backward, or what it is asked about."""
    asked = list(tensor.parameters()) if isinstance(tensor, nn.Module) else [tensor]
    if any(isinstance(one, Tensor) and record.source_of(one) is not None for one in asked):
        return True
    if not isinstance(loss, Tensor):
        return loss is None
    if record.source_of(loss) is not None:
        return True
    number = loss.grad_fn._sequence_nr() if loss.grad_fn is not None else None
    return any(number in event.about.roots for event in record.events_of("backward"))


def _last_loss(record: Record | None, around: Surroundings) -> Tensor | None:
    """The tensor of the caller's that the last watched backward started from, or `loss`.

    Where there was one, a `loss` without a graph is a number that is shown, and no pass is of it.
    """
    events = record.events_of("backward") if record is not None else []
    roots = events[-1].about.roots if events else ()
    for tensor in around.tensors.values():
        if tensor.grad_fn is not None and tensor.grad_fn._sequence_nr() in roots:
            return tensor
    loss = around.tensors.get("loss")
    if loss is None or loss.requires_grad or not roots or was_differentiated(loss, record):
        return loss
    return None


def _kind_of(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"
