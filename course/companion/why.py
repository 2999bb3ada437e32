"""`why_no_grad`: from a tensor and a loss to the place where the gradient was lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from course.companion import births, inquiry, order, states, wiring
from course.companion.calls import Record
from course.companion.finding import Finding, Report, found, ordered
from course.companion.reach import Reach
from course.companion.sizes import MOST_NODES
from course.companion.surroundings import Surroundings
from course.companion.watching import Watch, last_watch

MOST_MEASURED = 12


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
    if several and isinstance(tensor, Tensor) and not _is_bad(tensor):
        loss = None  # another of the losses may have given it
    if isinstance(tensor, Tensor):
        with _gradients_kept(around, record):
            about, findings = _one(tensor, loss, around, record)
        findings += wiring.outside_optimizers(around, tensor, loss)
    else:
        if isinstance(tensor, nn.Module):
            around = Surroundings(frame, tensor, optimizer)
        with _gradients_kept(around, record):
            about, findings = _every(loss, around, record, several)
        findings += wiring.outside_optimizers(around)
    findings += wiring.unregistered(around) + states.modes(around, record)
    return _report(about, findings, around, record)


def of_record(record: Record, around: Surroundings) -> Report:
    """What a watched block shows by itself: its losses, its order, what it keeps alive."""
    findings = _of_record(record, around) + states.modes(around, record) + births.seen(record)
    passes = len(record.events_of("backward"))
    about = f"Watched {len(record):,} torch calls and {passes} backward pass{'es' * (passes != 1)}."
    if not findings:
        about += " Nothing in them is out of order. Ask why_no_grad(tensor, loss) about a tensor."
    return Report(about, ordered(findings), (*record.blind, *states.unseen(around)))


_NUMBER = "A number has no graph: .item() and float() leave it behind."


def _report(
    about: str, findings: list[Finding], around: Surroundings, record: Record | None
) -> Report:
    notes = states.unseen(around)
    if record is not None:
        findings += _of_record(record, around)
        notes += record.blind
        if record.forgotten:
            notes.append(f"The watch forgot its first {record.forgotten:,} calls.")
    real = [one for one in findings if one.code != "fine"]
    return Report(about, ordered(real or findings), tuple(notes))


def _of_record(record: Record, around: Surroundings) -> list[Finding]:
    schedules = bool(around.of_kind(torch.optim.lr_scheduler.LRScheduler))
    return [
        *states.fed_wrongly(record),
        *order.out_of_order(record, schedules),
        *states.kept_alive(record, around),
    ]


def _one(
    tensor: Tensor, loss: Tensor | None, around: Surroundings, record: Record | None
) -> tuple[str, list[Finding]]:
    name = around.name_of(tensor)
    if (flag := inquiry.flagged(tensor, name, record)) is not None:
        return f"{name} has no gradient.", flag
    findings = [] if tensor.is_leaf or tensor.retains_grad else [inquiry.not_leaf(tensor, name)]
    if loss is None:
        if not findings and not _is_bad(tensor):
            size = inquiry.size_of_grad(tensor)
            return _SEVERAL, [found("fine", tensor=name, size=f"{size:.3g}")]
        return f"{name}: name the loss too, why_no_grad({name}, loss), to see more.", findings
    if not findings and _was_differentiated(loss, record) and not _is_bad(tensor):
        size = inquiry.size_of_grad(tensor)
        return _DETACHED, [found("fine", tensor=name, size=f"{size:.3g}")]
    if (dead := inquiry.without_graph(loss, name, tensor, record)) is not None:
        return "The loss leads back to nothing.", findings + dead
    reach = Reach(loss)
    if tensor not in reach:
        lost = inquiry.lost(tensor, loss, name, around, record)
        return f"The loss does not lead back to {name}.", findings + lost
    gradients = births.Births(record, loss, reach, around.name_of)
    measured = inquiry.measured(tensor, gradients, reach, name, record)
    if findings and not any(one.code.startswith(("zero", "nan")) for one in measured):
        return f"{name}.grad is None.", findings
    return f"The loss leads back to {name}.", findings + measured


def _every(
    loss: Tensor | None, around: Surroundings, record: Record | None, several: bool
) -> tuple[str, list[Finding]]:
    """What to say of all parameters; `several` says that any of several watched losses counts."""
    parameters = around.parameters
    if not parameters:
        return "No model is found here: why_no_grad(tensor, loss), or model=...", []
    if loss is None:
        return "No loss is found here: why_no_grad(tensor, loss).", []
    asked = {name: one for name, one in parameters.items() if one.requires_grad}
    if _was_differentiated(loss, record) and not any(map(_is_bad, asked.values())):
        return f"{_DETACHED} Each of {len(asked):,} parameters has a gradient.", []
    if (dead := inquiry.without_graph(loss, "every parameter", None, record)) is not None:
        return "The loss leads back to nothing.", dead
    reach = Reach(loss)
    left = _targets(around, reach)
    asked = {name: one for name, one in asked.items() if id(one) not in left}
    away = {name: one for name, one in asked.items() if one not in reach}
    if several:
        away = {name: one for name, one in away.items() if _is_bad(one)}
    bad = {name: one for name, one in asked.items() if name not in away and _is_bad(one)}
    most = MOST_MEASURED if len(reach.nodes) < MOST_NODES else 1
    told: list[tuple[str, Finding]] = []
    for number, (name, parameter) in enumerate(away.items()):
        quickly = number >= most
        told += [(name, f) for f in inquiry.lost(parameter, loss, name, around, record, quickly)]
    if bad:
        gradients = births.Births(record, loss, reach, around.name_of)
        for name, parameter in list(bad.items())[:most]:
            told += [(name, f) for f in inquiry.measured(parameter, gradients, reach, name, record)]
    told = [(name, one) for name, one in told if one.code not in _MEANT]
    emptied = _emptied(told, bad)
    told_of = {name for name, one in told if one.code != "idle"}
    lacking = sum(name in told_of for name in (*away, *list(bad)[:most])) - emptied
    lacking += max(0, len(bad) - most)
    verb = "gets" if lacking == 1 else "get"
    about = f"Of {len(parameters):,} parameters {lacking:,} {verb} no gradient that is right."
    if not lacking:
        about = f"No gradient of {len(parameters):,} parameters is lost."
    if emptied:
        about += f" {emptied:,} had one until it was emptied."
    if left:
        about += f" {len(left):,} that no optimizer holds and no loss leads to are left out."
    if len(bad) > most:
        about += f" {most} of them are looked at."
    return about, _grouped(told)


_MEANT = {"fine", "zero_start", "zero_cancels"}
"""Small and zero gradients that right programs have too: said of a tensor that one asks about."""

_SEVERAL = "One of the losses that were watched gave it a gradient."
_DETACHED = "This loss is detached from the graph, and its backward was seen before."


def _was_differentiated(loss: Tensor, record: Record | None) -> bool:
    """Whether a loss without a graph is what is left of one whose backward was watched."""
    if loss.requires_grad or record is None:
        return False
    return any(event.about.roots for event in record.events_of("backward"))


def _targets(around: Surroundings, reach: Reach) -> set[int]:
    """Parameters of models that nothing trains beside one that is trained: a target network's."""
    held = wiring.held(around)
    trained = False
    rest: set[int] = set()
    for model in around.models.values():
        own = {id(one): one for one in model.parameters() if one.requires_grad}
        reached = any(one in reach for one in own.values())
        trained = trained or (reached and bool(own.keys() & held))
        if not reached and not own.keys() & held:
            rest |= own.keys()
    return rest if trained else set()


def _emptied(told: Sequence[tuple[str, Finding]], bad: dict[str, Tensor]) -> int:
    """How many of these gradients were there, and emptied."""
    codes: dict[str, set[str]] = {}
    for name, one in told:
        codes.setdefault(name, set()).add(one.code)
    looked_at = [codes.get(name, set()) for name in bad if name in codes]
    if not looked_at or any(one != {"emptied"} for one in looked_at):
        return 0
    return sum(one.grad is None for one in bad.values())


def _grouped(told: Sequence[tuple[str, Finding]]) -> list[Finding]:
    """Findings of one kind and place, as one that names all its tensors."""
    names: dict[tuple[str, object], dict[str, None]] = {}
    first: dict[tuple[str, object], Finding] = {}
    for name, one in told:
        names.setdefault((one.code, one.place), {})[name] = None
        first.setdefault((one.code, one.place), one)
    return [_renamed(one, list(names[key])) for key, one in first.items()]


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


def _is_bad(tensor: Tensor) -> bool:
    size = inquiry.size_of_grad(tensor)
    return size is None or not births.TINY < size < float("inf")


def _renamed(one: Finding, names: list[str]) -> Finding:
    if len(names) == 1:
        return one
    told = wiring.listed(names)
    return Finding(
        one.kind,
        one.sentence.replace(names[0], told, 1),
        one.cure.replace(names[0], "each of them"),
        one.sure,
        one.place,
        told,
    )


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
    """The tensor of the caller's that the last watched backward started from, or `loss`."""
    events = record.events_of("backward") if record is not None else []
    roots = events[-1].about.roots if events else ()
    for tensor in around.tensors.values():
        if tensor.grad_fn is not None and tensor.grad_fn._sequence_nr() in roots:
            return tensor
    return around.tensors.get("loss")


def _kind_of(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"
