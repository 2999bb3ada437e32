"""Of what kinds the arguments of an exercise's functions are, found by calling a right answer."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from grader.engine.catalogue import PUBLIC_SEED
from grader.engine.task import Task, draw_inputs
from grader.engine.watch import observe


class Kind(enum.Enum):
    """A kind of argument: the value is the expression that tells it from others."""

    TENSOR = "isinstance({x}, torch.Tensor)"
    MODULE = "isinstance({x}, torch.nn.Module)"
    TENSORS = "isinstance({x}, (list, tuple)) and {x} and isinstance({x}[0], torch.Tensor)"
    MODULES = "isinstance({x}, (list, tuple)) and {x} and isinstance({x}[0], torch.nn.Module)"
    OPTIMIZER = "isinstance({x}, torch.optim.Optimizer)"
    OTHER = "False"


def kind_of(value: Any) -> Kind:
    """The kind of one value."""
    if isinstance(value, torch.Tensor):
        return Kind.TENSOR
    if isinstance(value, torch.nn.Module):
        return Kind.MODULE
    if isinstance(value, torch.optim.Optimizer):
        return Kind.OPTIMIZER
    if isinstance(value, list | tuple) and value:
        if isinstance(value[0], torch.Tensor):
            return Kind.TENSORS
        if isinstance(value[0], torch.nn.Module):
            return Kind.MODULES
    return Kind.OTHER


def kinds_of_arguments(
    task: Task, functions: Sequence[Callable[..., Any]]
) -> Mapping[str, Mapping[str, frozenset[Kind]]]:
    """By function and argument, the kinds with which the exercise calls it over all its cases."""
    found: dict[str, dict[str, set[Kind]]] = {
        name: {argument: set() for argument in arguments}
        for name, arguments in zip(task.functions, task.arguments, strict=True)
    }

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            for argument, value in (dict(zip(found[name], args, strict=False)) | kwargs).items():
                if argument in found[name]:
                    found[name][argument].add(kind_of(value))
            return function(*args, **kwargs)

        return noted

    watched = [noting(name, f) for name, f in zip(task.functions, functions, strict=True)]
    for case in task.cases():
        observe(task, watched, draw_inputs(task, case, PUBLIC_SEED, "cpu"), case)
    return {
        name: {argument: frozenset(kinds) for argument, kinds in arguments.items()}
        for name, arguments in found.items()
    }
