"""What a model does not know of, and what an optimizer does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from course.companion.finding import Finding, found
from course.companion.reach import Reach
from course.companion.surroundings import Surroundings

MOST_NAMED = 3


def unregistered(around: Surroundings) -> list[Finding]:
    """Layers and weights that lie in a model where parameters() does not look."""
    findings: list[Finding] = []
    for name, model in around.models.items():
        known = {id(parameter) for parameter in model.parameters()}
        for path, part in model.named_modules():
            own = f"{name}.{path}" if path else name
            for attribute, value in vars(part).items():
                if attribute.startswith("_"):
                    continue
                findings += _held(f"{own}.{attribute}", value, known)
    return findings


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


def outside_optimizers(
    around: Surroundings, only: Tensor | None = None, loss: Tensor | None = None
) -> list[Finding]:
    """Parameters that require grad and have no place in any optimizer that there is.

    Of a tensor that is part of no model this is said only if the optimizer trains something else
    that `loss` leads back to.
    """
    if not around.optimizers:
        return []
    holding = held(around)
    named = " and ".join(around.optimizers)
    if only is not None:
        if id(only) in holding or not only.is_leaf or not only.requires_grad:
            return []
        mine = [one for one in around.models.values() if any(only is p for p in one.parameters())]
        beside = {id(p) for one in mine for p in one.parameters()}
        if loss is not None and not mine:
            beside = {id(node.variable) for node in Reach(loss).nodes if hasattr(node, "variable")}
        if not beside & holding:
            if not mine or _others_are_trained(around, holding):
                return []
            name = next(n for n, one in around.models.items() if one is mine[0])
            sure = len(around.models) == 1
            return [found("other_model", optimizer=named, model=name, sure=sure)]
        return [found("not_in_optimizer", tensor=around.name_of(only), optimizer=named)]
    findings = []
    for name, model in around.models.items():
        trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        missing = [f"{name}.{path}" for path, p in trained if id(p) not in holding]
        if not missing:
            continue
        if len(missing) == len(trained):
            if _others_are_trained(around, holding):
                continue  # a target network, or a part that is not to be trained
            sure = len(around.models) == 1
            findings.append(found("other_model", optimizer=named, model=name, sure=sure))
        else:
            told = listed(missing)
            findings.append(found("not_in_optimizer", tensor=told, optimizer=named))
    return findings


def held(around: Surroundings) -> set[int]:
    """The ids of what the optimizers hold."""
    return {
        id(parameter)
        for optimizer in around.optimizers.values()
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


def _others_are_trained(around: Surroundings, holding: set[int]) -> bool:
    """Whether all that the optimizers hold is part of models that there are, gradients and all."""
    known = {id(p): p for one in around.models.values() for p in one.parameters()}
    return holding <= known.keys() and any(known[one].grad is not None for one in holding)


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
