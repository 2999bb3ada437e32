"""What a model does not know of: layers and weights where parameters() does not look."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from course.companion.finding import Finding, found
from course.companion.places import Place, is_library
from course.companion.record.calls import Record
from course.companion.record.reach import Reach
from course.companion.surroundings import Surroundings
from grader.errors.seen.reading import opening, source
from grader.errors.seen.reading.frames import own_class

MOST_ENTRIES = 256
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
                findings += _held(path, value, known) or _in_object(path, value, everybody, record)
        findings += _sharing(name, model)
        findings += _with_backward(name, model)
    return findings


def _with_backward(name: str, model: nn.Module) -> Iterator[Finding]:
    """Modules whose class has a backward, as a custom Function would, that nothing calls."""
    for path, part in model.named_modules():
        kind = type(part)
        for method, first in source.methods(kind) if "backward" in vars(kind) else ():
            if method.name == "backward" and _is_of_gradient(method, source.file_of(kind)):
                place = Place(source.file_of(kind), first + method.lineno - 1)
                whole = f"{name}.{path}" if path else name
                yield found("backward_of_module", tensor=whole, place=place)


def _is_of_gradient(method: ast.FunctionDef, file: str) -> bool:
    """Whether a method turns one gradient into another, and no line of its file calls one so."""
    static = any(isinstance(one, ast.Name) for one in method.decorator_list)
    gives = any(isinstance(one, ast.Return) and one.value is not None for one in ast.walk(method))
    works = source.calls(method, "backward", "grad", "step", "zero_grad")
    if static or is_library(file) or not gives or works or len(method.args.args) != 2:
        return False
    if (tree := source.parsed(file)) is None:
        return False
    return not any(
        isinstance(one, ast.Call) and getattr(one.func, "attr", "") == "backward" and one.args
        for one in ast.walk(tree)
    )


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
    return around.held | {id(one) for one in around.parameters.values()}


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


_STACKS = (nn.TransformerEncoder, nn.TransformerDecoder)


def pattern_of(around: Surroundings, tensor: Tensor, name: str) -> Finding | None:
    """What to say of a layer that a stack was made from, by copies, and that is kept beside it."""
    for known, model in around.models.items():
        parts = dict(model.named_modules())
        stacks = {path: one for path, one in parts.items() if isinstance(one, _STACKS)}
        for path, part in parts.items():
            if not path or not any(one is tensor for one in part.parameters()):
                continue
            for other, stack in stacks.items():
                first = stack.layers[0]
                is_copy = type(first) is type(part) and part not in stack.layers
                if is_copy and _shapes(first) == _shapes(part):
                    layer, kind = f"{known}.{path}", type(stack).__name__
                    whole = f"{known}.{other}"
                    return found("pattern", tensor=name, layer=layer, stack=whole, kind=kind)
    return None


def _shapes(part: nn.Module) -> list[tuple[str, Any]]:
    return [(path, one.shape) for path, one in part.named_parameters()]


def buffer_of(around: Surroundings, tensor: Tensor) -> str | None:
    """The full name of a tensor that is a buffer of a model."""
    for name, model in around.models.items():
        for path, buffer in model.named_buffers():
            if buffer is tensor:
                return f"{name}.{path}"
    return None


def choosing(around: Surroundings, tensor: Tensor, loss: Tensor) -> str | None:
    """The innermost list of modules that a parameter lies in and others of which a loss needs."""
    innermost = None
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
                innermost = f"{name}.{path}"
    return innermost


def choosing_seen(around: Surroundings, tensor: Tensor, record: Record) -> str | None:
    """The same of a step whose loss is gone: others in the list were given to calls."""
    innermost = None
    for name, model in around.models.items():
        for path, container in model.named_modules():
            if not isinstance(container, nn.ModuleList | nn.ModuleDict):
                continue
            mine = list(container.parameters())
            seen = any(record.source_of(one) is not None for one in mine)
            if seen and any(one is tensor for one in mine):
                innermost = f"{name}.{path}"
    return innermost


def _ending(value: Any) -> str:
    """Of a module that holds others: what is registered of a dict has texts for its keys."""
    if not isinstance(value, dict):
        return "List"
    return "Dict" if all(isinstance(one, str) for one in value) else "Dict, with texts for keys,"


def _entries(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _inside(value: Any, depth: int = 3) -> Iterator[Any]:
    """What a list or a dict holds, and what the lists and dicts in it hold."""
    for one in _entries(value)[:MOST_ENTRIES]:
        if isinstance(one, list | tuple | dict) and depth > 1:
            yield from _inside(one, depth - 1)
        else:
            yield one


def _in_object(name: str, value: Any, everybody: set[int], record: Record | None) -> list[Finding]:
    """Parameters in an object of the reader's own that is no module, which a watched call used."""
    if isinstance(value, nn.Module) or not opening.is_own(value, is_library):
        return []
    inside = list(vars(value).values())
    own = [
        leaf
        for one in inside
        for leaf in (one.parameters() if isinstance(one, nn.Module) else [one])
        if isinstance(leaf, nn.Parameter) and leaf.requires_grad and id(leaf) not in everybody
    ]
    if record is None or not any(record.source_of(one) is not None for one in own):
        return []
    written = own_class(type(value))
    place = Place(written[1], written[0].lineno) if written is not None else None
    return [found("in_an_object", tensor=name, place=place, container=type(value).__name__)]


def _held(name: str, value: Any, known: set[int]) -> list[Finding]:
    return list(_contained(name, value, known))


def _contained(name: str, value: Any, known: set[int]) -> Iterator[Finding]:
    if isinstance(value, Tensor):
        if value.requires_grad and value.is_leaf and id(value) not in known:
            yield found("plain_tensor", tensor=name)
        return
    if not isinstance(value, list | tuple | dict):
        return
    inside = list(_inside(value))
    ending = _ending(value).rstrip(",")
    for kind, what in ((nn.Module, "layers"), (nn.Parameter, "parameters")):
        right = f"nn.{kind.__name__}{ending}"
        mine = [one for one in inside if isinstance(one, kind)]
        lost = [
            p
            for one in mine
            for p in (one.parameters() if isinstance(one, nn.Module) else [one])
            if id(p) not in known
        ]
        if lost:
            container = type(value).__name__
            nested = [one for one in _entries(value) if isinstance(one, list | tuple | dict)]
            if nested:
                container = f"{container} of {type(nested[0]).__name__}s"
                right = (
                    f"nn.Module{_ending(value)} with nn.{kind.__name__}{_ending(nested[0])} in it"
                )
            yield found("in_a_list", tensor=name, container=container, what=what, cure_with=right)
