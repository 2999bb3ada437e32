"""What a model does not know of, and what an optimizer does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from course.companion.cut import anew, exchanged
from course.companion.finding import Finding, found
from course.companion.record.calls import Record
from course.companion.record.reach import Reach
from course.companion.surroundings import Surroundings

MOST_NAMED = 3
_WHOLE = ("other_model", "untrained_model")
_PLAIN = (bool, int, float, str, type(None))


def unregistered(around: Surroundings, record: Record | None = None) -> list[Finding]:
    """Layers and weights that lie in a model where parameters() does not look."""
    findings: list[Finding] = []
    everybody = _known(around)
    for name, model in around.models.items():
        known = {id(parameter) for parameter in model.parameters()}
        for own, attribute, value in _attributes(name, model):
            path = f"{own}.{attribute}"
            if attribute == "requires_grad" and isinstance(value, bool):
                findings.append(found("flag_of_module", tensor=own, value=value))
            elif _is_computed(value, everybody, record):
                node = value.grad_fn.name()
                findings.append(found("computed", tensor=path, node=node))
            else:
                findings += _held(path, value, known)
        findings += _sharing(name, model)
    return findings


def _sharing(name: str, model: nn.Module) -> Iterator[Finding]:
    """Parameters that lie in the same memory and are two: each gets its own part of a gradient."""
    first: dict[tuple[int, torch.Size], str] = {}
    for path, one in model.named_parameters():
        if type(one) is not nn.Parameter or one.is_meta or not one.numel() or not one.requires_grad:
            continue
        other = first.setdefault((one.data_ptr(), one.shape), path)
        if other != path:
            yield found("two_in_one", tensor=f"{name}.{path}", other=f"{name}.{other}")


def is_computed(around: Surroundings, tensor: Tensor, record: Record | None) -> bool:
    """Whether a tensor is an attribute that was to be a parameter, and was computed from one."""
    return any(
        value is tensor and _is_computed(tensor, _known(around), record)
        for name, model in around.models.items()
        for _, _, value in _attributes(name, model)
    )


def _known(around: Surroundings) -> set[int]:
    """The ids of all that a model registers or an optimizer holds."""
    return held(around) | {id(one) for one in around.parameters.values()}


def _attributes(name: str, model: nn.Module) -> Iterator[tuple[str, str, Any]]:
    """What every part of a model keeps in plain attributes: the part's name, theirs, the value.

    Numbers, texts and None are left out: they are most of it, and hold nothing.
    """
    for path, part in model.named_modules():
        for attribute, value in list(vars(part).items()):
            is_flag = attribute == "requires_grad"
            if attribute.startswith("_") or (isinstance(value, _PLAIN) and not is_flag):
                continue
            yield f"{name}.{path}" if path else name, attribute, value


def _is_computed(value: Any, known: set[int], record: Record | None) -> bool:
    """Whether a value was computed, before the step, from leaves that the model does not have."""
    if not isinstance(value, Tensor) or value.grad_fn is None:
        return False
    made = record.source_of(value) if record is not None else None
    if made is not None and made >= 0:
        return False  # what a forward pass left behind
    reach = Reach(value)
    return any(isinstance(one, nn.Parameter) for one in reach.found) and not reach.leaves & known


def never_called(around: Surroundings, tensor: Tensor, record: Record | None) -> str | None:
    """The model that a parameter belongs to, if no watched call was given any of its own."""
    for name, model in around.models.items():
        own = list(model.parameters())
        if record is not None and any(one is tensor for one in own):
            return name if all(record.source_of(one) is None for one in own) else None
    return None


def buffer_of(around: Surroundings, tensor: Tensor) -> str | None:
    """The full name of a tensor that is a buffer of a model."""
    for name, model in around.models.items():
        for path, buffer in model.named_buffers():
            if buffer is tensor:
                return f"{name}.{path}"
    return None


def choosing(around: Surroundings, tensor: Tensor, loss: Tensor) -> str | None:
    """The list of modules that a parameter lies in and of which others have part in a loss."""
    for name, model in around.models.items():
        for path, container in model.named_modules():
            if not isinstance(container, nn.ModuleList | nn.ModuleDict):
                continue
            parts = [list(part.parameters()) for part in container.children()]
            others = [part for part in parts if not any(one is tensor for one in part)]
            if len(others) == len(parts):
                continue
            reach = Reach(loss)
            if any(one in reach for part in others for one in part):
                return f"{name}.{path}"
    return None


def choosing_seen(around: Surroundings, tensor: Tensor, record: Record) -> str | None:
    """The same of a step whose loss is gone: others in the list were given to calls."""
    for name, model in around.models.items():
        for path, container in model.named_modules():
            if not isinstance(container, nn.ModuleList | nn.ModuleDict):
                continue
            mine = list(container.parameters())
            seen = any(record.source_of(one) is not None for one in mine)
            if seen and any(one is tensor for one in mine):
                return f"{name}.{path}"
    return None


def outside_optimizers(
    around: Surroundings,
    loss: Tensor | None = None,
    only: Tensor | None = None,
    record: Record | None = None,
) -> list[Finding]:
    """Parameters that require grad and have no place in any optimizer that there is.

    `only` asks about one tensor. Of one that is part of no model this is said only if the
    optimizer trains something else that `loss` leads back to.
    """
    if not around.optimizers:
        return []
    if only is not None and id(only) in held(around):
        if only.grad is not None and only.grad.any():
            return []
        every = outside_optimizers(around, loss, record=record)
        return [one for one in every if one.code == "swapped"]
    if only is not None and not (only.is_leaf and only.requires_grad):
        return []
    reach = Reach(loss) if loss is not None and loss.grad_fn is not None else None
    models = around.models
    if only is not None:
        mine = {n: one for n, one in models.items() if any(only is p for p in one.parameters())}
        if not mine:
            return _beside(only, around, reach)
        models = mine
    filled = _copied_into(record)
    models = {
        n: one
        for n, one in models.items()
        if not any(id(p) in filled for p in one.parameters())  # its values come from elsewhere
    }
    told = [one for name in models for one in _of_model(name, around, reach, only)]
    told = [
        (
            one.code in _WHOLE
            and exchanged.swapped(around, one.tensor, held(around), record, holders)
        )
        or one
        for holders in [_holders(around)]
        for one in told
    ]
    if record is not None and record.events_of("filled"):  # one model's may be given to another
        told = [one for one in told if one.code not in ("untrained_model", "other_model")]
    return told


def _copied_into(record: Record | None) -> set[int]:
    """The ids of the leaves into which a watched call copied something that requires grad."""
    copies = (call for _, call in record.every() if call.name == "copy_") if record else ()
    into = {call.sources[0] for call in copies if call.recorded[1:2] == (True,)}
    return {key for key, (_, number) in record.made.items() if number in into} if record else set()


def _beside(tensor: Tensor, around: Surroundings, reach: Reach | None) -> list[Finding]:
    """Of a tensor of no model: whether the loss leads to it and to something that is trained."""
    if reach is None or not reach.leaves & held(around):
        return []
    return [found("not_in_optimizer", tensor=around.name_of(tensor), **_holders(around))]


def _of_model(
    name: str, around: Surroundings, reach: Reach | None, only: Tensor | None
) -> list[Finding]:
    """What no optimizer holds of a model: some of it, or all of it."""
    holding = held(around)
    parameters = list(around.models[name].named_parameters())
    trained = [(n, p) for n, p in parameters if p.requires_grad]
    missing = {f"{name}.{path}": one for path, one in trained if id(one) not in holding}
    if not missing:
        return []
    holders = _holders(around)
    which = " that require grad" if any(id(one) in holding for _, one in parameters) else ""
    if len(missing) < len(trained):
        told = [around.name_of(only)] if only is not None else list(missing)
        new = anew.made_anew(around, name, told)
        rest = [one for one in told if one not in new]
        findings = list({id(one): one for one in new.values()}.values())
        if rest:
            findings.append(found("not_in_optimizer", tensor=listed(rest), **holders))
        return findings
    if not _trains(around, holding, reach):
        sure = len(around.models) == 1
        return [found("other_model", tensor=name, model=name, which=which, sure=sure, **holders)]
    arrives = any(one.grad is not None or (reach and one in reach) for one in missing.values())
    if not arrives:
        return []  # a target network, or a part that is not to be trained
    twice = held_twice(around)
    shared = f" ({' and '.join(twice[0])} both hold those of {twice[1]})" if twice else ""
    words = {"which": which, "shared": shared, **holders}
    return [found("untrained_model", tensor=name, model=name, sure=bool(twice), **words)]


def _trains(around: Surroundings, holding: set[int], reach: Reach | None) -> bool:
    """Whether the optimizers hold something that this step gives gradients to."""
    known = {id(p): p for one in around.models.values() for p in one.parameters()}
    if any(one in known and known[one].grad is not None for one in holding):
        return True
    return reach is not None and bool(reach.leaves & holding)


def held_twice(around: Surroundings) -> tuple[list[str], str] | None:
    """Two optimizers that hold the same parameters, and whose these are."""
    holders: dict[int, list[str]] = {}
    for name, optimizer in around.optimizers.items():
        for group in optimizer.param_groups:
            for one in group["params"]:
                holders.setdefault(id(one), []).append(name)
    for name, model in around.models.items():
        for one in model.parameters():
            names = sorted(set(holders.get(id(one), ())))
            if len(names) == 2:
                return names, name
    return None


def _holders(around: Surroundings) -> dict[str, Any]:
    """The optimizers by name, and the verbs that go with one or with several."""
    several = len(around.optimizers) > 1
    return {
        "optimizer": " and ".join(sorted(around.optimizers)),
        "holds": "hold" if several else "holds",
        "does": "do" if several else "does",
    }


def held(around: Surroundings) -> set[int]:
    """The ids of what the optimizers hold."""
    return {
        id(parameter)
        for optimizer in around.optimizers.values()
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b, c and 7 more`."""
    if len(names) <= MOST_NAMED:
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"


def _held(name: str, value: Any, known: set[int]) -> Iterator[Finding]:
    if isinstance(value, Tensor):
        if value.requires_grad and value.is_leaf and id(value) not in known:
            yield found("plain_tensor", tensor=name)
        return
    if not isinstance(value, list | tuple | dict):
        return
    inside = list(value.values()) if isinstance(value, dict) else list(value)
    for kind, what, right in (
        (nn.Module, "layers", "nn.ModuleDict" if isinstance(value, dict) else "nn.ModuleList"),
        (
            nn.Parameter,
            "parameters",
            "nn.ParameterDict" if isinstance(value, dict) else "nn.ParameterList",
        ),
    ):
        mine = [one for one in inside if isinstance(one, kind)]
        lost = [
            p
            for one in mine
            for p in (one.parameters() if isinstance(one, nn.Module) else [one])
            if id(p) not in known
        ]
        if lost:
            container = type(value).__name__
            yield found("in_a_list", tensor=name, container=container, what=what, cure_with=right)
