"""What a step was fed, in which modes its modules are, which graphs stay alive, what is unseen."""

from __future__ import annotations

from bisect import bisect_right

from torch import nn

from course.companion.finding import Finding, found
from course.companion.kinds import KINDS
from course.companion.record.calls import Call, Record
from course.companion.record.fed import MODE, ROWS, folded, misfed
from course.companion.record.sizes import nodes
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
        if (told := _of_loss(call, record)) is not None
    ]


def modes(around: Surroundings, record: Record | None) -> list[Finding]:
    """Modules whose mode does not fit what is done with them."""
    findings = _in_eval(around, record) if record is not None else []
    for name, model in around.models.items():
        if not any(parameter.requires_grad for parameter in model.parameters()):
            continue
        for path, one in model.named_modules():
            frozen = isinstance(one, _BATCH) and one.affine and not one.weight.requires_grad
            if frozen and one.training and one.track_running_stats and not _written(one, record):
                findings.append(found("frozen_batchnorm", tensor=f"{name}.{path}"))
                break
    return findings


def _written(module: nn.Module, record: Record | None) -> bool:
    """Whether the watched step wrote the parameters itself, as it writes a moving average."""
    made = map(record.source_of, module.parameters(recurse=False)) if record is not None else ()
    return any(one is not None and one >= 0 for one in made)


def _in_eval(around: Surroundings, record: Record) -> list[Finding]:
    """Steps whose dropout and normalization were all told that nobody trains."""
    told = [call for _, call in record.every() if call.gives_grad and call.note[0] == MODE]
    if not told or not record.events_of("step") or any(call.note[1] for call in told):
        return []
    modal = {
        name: model
        for name, model in around.models.items()
        if any(isinstance(part, _MODAL) for part in model.modules()) and not _is_kept_in_eval(model)
    }
    if not modal and any(map(_is_kept_in_eval, around.models.values())):
        return []
    stepped = {one for event in record.events_of("step") for one in event.about.held()}
    names = [name for name, model in modal.items() if _is_trained_in_modes(model, stepped)]
    if modal and not names:
        return []
    model = names[0] if len(names) == 1 else "The model"
    return [found("eval_mode", sure=False, model=model, place=told[0].place)]


def _is_kept_in_eval(model: nn.Module) -> bool:
    """Whether a model is in training mode, and its normalization was put in eval mode by itself."""
    parts = [one for one in model.modules() if isinstance(one, _MODAL)]
    return model.training and bool(parts) and not any(one.training for one in parts)


def _is_trained_in_modes(part: nn.Module, stepped: set[int]) -> bool:
    """Whether a dropout or a normalization lies in a part that the watched steps train.

    What is frozen, or another optimizer's, stays in eval mode where it is to stay as it is.
    """
    parameters = list(part.parameters())
    if parameters and not any(one.requires_grad and id(one) in stepped for one in parameters):
        return False
    inside = (_is_trained_in_modes(one, stepped) for one in part.children())
    return isinstance(part, _MODAL) or any(inside)


def kept_alive(record: Record, around: Surroundings) -> list[Finding]:
    """Results of earlier steps that are alive with their graphs, and sums that carry them."""
    ends = _ends_of_steps(record)
    if not ends:
        return []
    old = {
        key: bisect_right(ends, number)
        for key, (reference, number) in record.made.items()
        if 0 <= number < ends[-1]
        and (tensor := reference()) is not None
        and tensor.grad_fn is not None
    }
    names = [name for name, one in around.tensors.items() if id(one) in old]
    if carried := _carried(record, around):
        return carried
    if len(set(old.values())) >= 2:  # each step leaves something
        owners = sorted({name.split("[")[0] for name in names})
        owner = f" in {owners[0]}" if owners else ""
        return [found("graphs_kept", sure=bool(owners), count=len(old), owner=owner)]
    return []


def _ends_of_steps(record: Record) -> list[int]:
    """How many calls had been seen at the end of each step but the last; none of fewer than three.

    Of several optimizers that one counts whose last step began first.
    """
    steps: dict[object, list[int]] = {}
    for event in record.events_of("step"):
        steps.setdefault(id(event.about.optimizer), []).append(event.at)
    ends = [at[:-1] for at in steps.values() if len(at) >= 3]
    return min(ends, key=lambda one: one[-1], default=[])


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
            made = record.source_of(tensor)
            call = record.call(made) if made is not None and made >= 0 else None
            place = call.place if call is not None else None
            return [found("carried", tensor=name, count=len(passes), place=place)]
    return []


def through_data(record: Record) -> list[str]:
    """Results of the forward pass whose values were changed through .data, each with its line."""
    places = [event.place for event in record.events_of("data")]
    for _, call in record.every():
        edits = call.name.endswith("_") and not call.name.endswith("__")
        if not edits and call.name not in _SIGNS:
            continue
        through = record.call(call.sources[0]) if call.sources and call.sources[0] >= 0 else None
        if through is None or through.name != "data" or through.sources[0] < 0:
            continue
        made = record.call(through.sources[0])
        if made is not None and made.gives_grad and made.sequence >= 0:
            places.append(call.place)
    return [
        f"At {place} the values of a result are changed through .data. No graph records that: "
        "backward goes past this line as if it changed nothing. Compute a new tensor instead."
        for place in dict.fromkeys(places)
    ]


_SIGNS = ("__setitem__", "__iadd__", "__isub__", "__imul__", "__itruediv__")


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


def _of_loss(call: Call, record: Record) -> Finding | None:
    if (fed := misfed(call, record)) is not None:
        kind, maker = fed
        at = f" at {maker.place}" if maker.place != call.place else ""
        return found(kind, place=call.place, loss=call.name, maker=maker.name, at=at)
    kind, detail = call.note
    if kind == "broadcast":
        one, other, result = detail
        sure = call.name.endswith("loss")
        return found(kind, sure=sure, place=call.place, one=one, other=other, result=result)
    if kind == ROWS and (made := folded(call, record)) is not None:
        words = {"rows": detail[1], "loss": call.name, "at": str(call.place)}
        return found("batch_folded", place=made.place, call=f"{made.name}()", **words)
    if kind == "ignored":
        return found(kind, place=call.place, index=detail)
    return None
