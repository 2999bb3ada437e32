"""Layers and parameters that `forward` makes in every call: what an optimizer holds is another."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from course.companion.finding import Finding, counted, found
from course.companion.places import Place, is_library
from course.companion.record.calls import Record
from course.companion.record.reach import Reach
from course.companion.surroundings import Surroundings, held
from grader.errors.seen.reading import source


def made_anew(around: Surroundings, model: str, missing: list[str]) -> dict[str, Finding]:
    """For each parameter that no optimizer holds and that forward makes: what to say of it."""
    told: dict[str, Finding] = {}
    for path, part in around.models[model].named_modules():
        kind = type(part)
        file = _file(kind)
        if not file or is_library(file):
            continue
        prefix = f"{model}.{path}." if path else f"{model}."
        for attribute, value in _kept(part):
            mine = [one for one in missing if f"{one}.".startswith(f"{prefix}{attribute}.")]
            statement = _statement(kind, attribute) if mine else None
            if statement is None:
                put = _put_in_place(kind, attribute) if mine == [f"{prefix}{attribute}"] else None
                if put is not None and isinstance(value, nn.Parameter):
                    name, place = f"{prefix}{attribute}", Place(file, put[1])
                    told[name] = found(
                        "parameter_replaced",
                        tensor=name,
                        sure=False,
                        place=place,
                        method=put[0],
                        attribute=attribute,
                    )
                continue
            method, line = statement
            one = found(
                "made_in_forward",
                tensor=f"{prefix}{attribute}",
                method=method,
                lazily=_LAZILY if isinstance(value, nn.Linear) else "",
                place=Place(file, line),
            )
            told |= dict.fromkeys(mine, one)
    return told


def held_before(around: Surroundings, model: str) -> tuple[str, str] | None:
    """The optimizer that holds what a model had before, and how much of it.

    That is tensors of no model, one for each parameter and of its shape, that got no gradient.
    """
    known = {id(one) for one in around.parameters.values()}
    own = [one for one in around.models[model].parameters() if one.requires_grad]
    if not any(one.grad is not None for one in own):
        return None
    for name, optimizer in around.optimizers.items():
        own_to_it = held(optimizer)
        left = [one for one in own_to_it if id(one) not in known]
        same = sorted(tuple(one.shape) for one in left) == sorted(tuple(one.shape) for one in own)
        idle = all(one.grad is None or not one.grad.any() for one in left)
        if left and len(left) == len(own_to_it) and same and idle:
            return name, counted(len(left), "tensor")
    return None


def in_step(around: Surroundings, record: Record, loss: Tensor) -> list[Finding]:
    """Parameters of layers that the watched step made itself, and that its loss leads back to."""
    optimizers = [event.about.optimizer() for event in record.events_of("step")]
    if not optimizers or None in optimizers or loss.grad_fn is None:
        return []  # one that is gone may have held them
    if record.events_of("filled"):
        return []  # their gradients may be handed on by hand
    stepped = held(*optimizers)
    known = set(map(id, stepped))
    known |= {id(one) for one in around.parameters.values()}
    leaves = [leaf for leaf in Reach(loss).found if id(leaf) not in known]
    arrives = any(one.grad is not None and one.grad.any() for one in stepped)
    whole = len(leaves) == len(Reach(loss).found) and not arrives  # by a reentrant checkpoint
    mine = {record.source_of(one) for one in stepped} - {None}
    places = Counter(
        (_made_at(record, leaf, whole), _is_copy(record, leaf, mine)) for leaf in leaves
    )
    return [
        found(
            "copies_in_step" if is_copy else "made_in_step",
            place=place,
            count=counted(count, "leaf").replace("leafs", "leaves"),
        )
        for (place, is_copy), count in places.items()
        if place is not None
    ]


def _is_copy(record: Record, leaf: Tensor, stepped: set[int | None]) -> bool:
    """Whether a leaf was computed from what an optimizer holds, and cut off from it."""
    number = record.source_of(leaf)
    return number is not None and number >= 0 and not stepped.isdisjoint(record.before([number]))


def _made_at(record: Record, leaf: Tensor, whole: bool) -> Place | None:
    """The line of the step at which a parameter was made; of the `whole` loss, any leaf."""
    number = record.source_of(leaf)
    if number is None or number >= 0:
        made = record.call(number) if number is not None and whole else None
        return made.place if made is not None else None
    first = next((call for _, call in record.every() if number in call.sources), None)
    is_start = first is not None and first.name.endswith("_") and first.sources[0] == number
    return (
        first.place if first is not None and is_start and isinstance(leaf, nn.Parameter) else None
    )


_LAZILY = (
    " Where the number of features is known with the data alone: nn.LazyLinear(outputs), and one "
    "batch through the model before the optimizer is made."
)


def _file(kind: type) -> str:
    try:
        return inspect.getsourcefile(kind) or ""
    except TypeError:
        return ""


def _kept(part: nn.Module) -> Iterator[tuple[str, Any]]:
    yield from part._modules.items()
    yield from part._parameters.items()


def _statement(kind: type, attribute: str) -> tuple[str, int] | None:
    """Where forward, or a method that it calls, gives an attribute a new value in every call."""
    methods, name = source.methods(kind), f"self.{attribute}"
    forward = next((method for method, _ in methods if method.name == "forward"), None)
    if forward is None:
        return None
    for method, first in methods:
        called = method is forward or source.calls(forward, method.name)
        if method.name == "__init__" or not called:
            continue
        given = source.assigned(method, name)
        for statement in method.body:
            is_new = isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
            if is_new and statement in given and not source.reads(statement, name):
                return method.name, first + statement.lineno - 1
    return None


def _put_in_place(kind: type, attribute: str) -> tuple[str, int] | None:
    """The one method beside __init__ that gives an attribute a new nn.Parameter, and the line."""
    lines = [
        (method.name, first + one.lineno - 1)
        for method, first in source.methods(kind)
        for one in source.assigned(method, f"self.{attribute}")
        if method.name != "__init__"
        and isinstance(one, ast.Assign)
        and isinstance(one.value, ast.Call)
        and source.spelled(one.value.func).rpartition(".")[2] == "Parameter"
    ]
    return lines[0] if len(lines) == 1 else None
