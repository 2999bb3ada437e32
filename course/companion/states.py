"""What a step was fed, in which modes its modules are, which graphs stay alive, what is unseen."""

from __future__ import annotations

from torch import nn

from course.companion.calls import Call, Record
from course.companion.finding import Finding, found
from course.companion.kinds import KINDS
from course.companion.sizes import nodes
from course.companion.surroundings import Surroundings

_BATCH = nn.modules.batchnorm._BatchNorm
_MODAL = (_BATCH, nn.modules.dropout._DropoutNd)
MOST_GRAPH = 5000


def fed_wrongly(record: Record) -> list[Finding]:
    """Losses whose arguments are not what they take."""
    return [
        told
        for _, call in record.every()
        if call.gives_grad or call.note[0] == "ignored"
        if (told := _of_loss(call)) is not None
    ]


def modes(around: Surroundings, record: Record | None) -> list[Finding]:
    """Modules whose mode does not fit what is done with them."""
    findings = []
    stepped = record is not None and bool(record.events_of("step"))
    for name, model in around.models.items():
        parts = [(path, one) for path, one in model.named_modules() if isinstance(one, _MODAL)]
        if stepped and parts and not any(one.training for _, one in parts):
            findings.append(found("eval_mode", sure=False, model=name))
        if not any(parameter.requires_grad for parameter in model.parameters()):
            continue
        for path, one in parts:
            frozen = isinstance(one, _BATCH) and one.affine and not one.weight.requires_grad
            if frozen and one.training and one.track_running_stats:
                findings.append(found("frozen_batchnorm", sure=False, tensor=f"{name}.{path}"))
                break
    return findings


def kept_alive(record: Record, around: Surroundings) -> list[Finding]:
    """Results of earlier steps that are alive with their graphs, and sums that carry them."""
    steps = record.events_of("step") or record.events_of("backward")
    if len(steps) < 3:
        return []
    boundary = steps[-2].at
    old = {
        key
        for key, (reference, number) in record.made.items()
        if 0 <= number < boundary
        and (tensor := reference()) is not None
        and tensor.grad_fn is not None
    }
    names = [name for name, one in around.tensors.items() if id(one) in old]
    if len(old) >= 2:
        owners = sorted({name.split("[")[0] for name in names})
        owner = f" in {owners[0]}" if owners else ""
        return [found("graphs_kept", sure=bool(owners), count=len(old), owner=owner)]
    return _carried(record, around)


def _carried(record: Record, around: Surroundings) -> list[Finding]:
    lasts = [event.about.last for event in record.events_of("backward")]
    for name, tensor in around.tensors.items():
        if tensor.grad_fn is None:
            continue
        numbers = [
            one._sequence_nr()
            for one in nodes([tensor.grad_fn], MOST_GRAPH)
            if not hasattr(one, "variable")
        ]
        passes = {sum(number > last for last in lasts) for number in numbers}
        if len(passes) >= 3:
            return [found("carried", tensor=name, count=len(passes))]
    return []


def unseen(around: Surroundings) -> list[str]:
    """What neither the watch nor the graph can show, of what the caller has."""
    told = []
    for name, model in around.models.items():
        kinds = {type(part).__name__ for part in model.modules()}
        if "OptimizedModule" in kinds or getattr(model, "_compiled_call_impl", None) is not None:
            told.append(KINDS["compiled"].says.format(name=name))
        if "DistributedDataParallel" in kinds:
            told.append(KINDS["distributed"].says.format(name=name))
    told += [
        KINDS["compiled"].says.format(name=name)
        for name, one in around.functions.items()
        if hasattr(one, "_torchdynamo_orig_callable") and not isinstance(one, nn.Module)
    ]
    return list(dict.fromkeys(told))


def _of_loss(call: Call) -> Finding | None:
    kind, detail = call.note
    if kind in ("probabilities", "no_logarithm", "scores_for_logs"):
        return found(kind, place=call.place, loss=detail[0], maker=detail[1])
    if kind == "broadcast":
        one, other, result = detail
        sure = call.name.endswith("loss")
        return found(
            kind, sure=sure, place=call.place, one=one, other=other, result=result
        )
    if kind == "ignored":
        return found(kind, place=call.place, index=detail)
    return None
