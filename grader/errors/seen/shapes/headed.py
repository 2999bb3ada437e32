"""A last layer that gives another number of channels than the target has: where that is set."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.modules.fed import remade
from grader.errors.seen.modules.made import Made, given, held, made, spelled
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames, file_name

_MOST_NODES = 50


def read(frames: Frames, told: Explained, one: Any, other: Any) -> Explained | None:
    """The layer behind scores whose channels alone differ from a target's, and what made it."""
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return None
    scores, target = (one, other) if one.requires_grad else (other, one)
    shape, wanted = tuple(scores.shape), tuple(target.shape)
    if not scores.requires_grad or target.requires_grad or len(shape) < 2:
        return None
    if shape == wanted or shape[:1] + shape[2:] != wanted[:1] + wanted[2:]:
        return None
    if 1 in (shape[1], wanted[1]) or (layer := _last(frames, scores)) is None:
        return None
    if given(layer) != shape[1]:
        return None
    name = frames.name_of(target) or "the target"
    said = (
        f"{told.meaning} The scores come from {spelled(frames, layer)}, which gives {shape[1]}, "
        f"and {name} is not computed by the model."
    )
    call = made(frames, layer)
    at = (1, "out_features" if isinstance(layer, nn.Linear) else "out_channels")
    if call is None or (passed := _passed(frames, layer, call, at, wanted[1])) is None:
        found = remade(frames, told, layer, said, (*at, wanted[1]))
        return replace(found, cure=found.cure.replace("the input is", f"the {wanted[1]} are"))
    setting, text, place = passed
    return replace(
        told,
        meaning=f"{said} {shape[1]} is {setting} of the model, which the line named here makes.",
        cure=f"If the {wanted[1]} of {name} are right, write {text} there.",
        place=place,
    )


def _last(frames: Frames, scores: Tensor) -> nn.Module | None:
    """The layer of whose parameters the scores were computed last."""
    layers = {
        id(parameter): part
        for _, model in frames.modules()
        for part in model.modules()
        for parameter in part.parameters(recurse=False)
    }
    for node in graph.nodes(scores.grad_fn)[:_MOST_NODES] if scores.grad_fn is not None else ():
        for below, _ in node.next_functions:
            layer = layers.get(id(getattr(below, "variable", None)))
            if layer is not None:
                return layer
    return None


def _passed(
    frames: Frames, layer: nn.Module, call: Made, at: tuple[int, str], size: int
) -> tuple[str, str, str] | None:
    """The argument of the model that a layer's size is, with the one call that passes it."""
    owned, argument = held(frames, layer), failing.passed(call.call, *at)
    if owned is None or not isinstance(argument, ast.Name):
        return None
    arguments = getattr(call.within, "args", None)
    names = [one.arg for one in arguments.args[1:]] if arguments is not None else []
    if getattr(call.within, "name", "") != "__init__" or argument.id not in names:
        return None
    every = _calls(frames, owned.owner)
    if len(every) != 1:
        return None
    ((made_by, place),) = every
    other = Made(made_by, place, made_by).with_size(
        names.index(argument.id), argument.id, str(size)
    )
    return argument.id, ast.unparse(other), place


def _calls(frames: Frames, model: nn.Module) -> list[tuple[ast.Call, str]]:
    """The calls that may have made a model; of several those that its own name is given."""
    kind = type(model).__name__
    names = {name for name, one in frames.modules() if one is model}
    every: list[tuple[ast.Call, str]] = []
    own: list[tuple[ast.Call, str]] = []
    for tree, file in frames.files():
        for node in ast.walk(tree):
            given_to = {ast.unparse(one) for one in getattr(node, "targets", ())}
            call = getattr(node, "value", None) if given_to else node
            if not isinstance(call, ast.Call) or failing.name_of(call) != kind:
                continue
            entry = call, f"{file_name(file)}, line {call.lineno}"
            (own if given_to & names else every).append(entry)
    return own or list(dict.fromkeys(every))
