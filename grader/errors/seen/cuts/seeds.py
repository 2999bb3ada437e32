"""A gradient that a backward pass is started with, in the shape that is wanted."""

from __future__ import annotations

import ast
from typing import Any

from torch import Tensor

from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frame
from grader.errors.seen.reading.lookup import named


def cure(frame: Frame, seed: str, given: Any, name: str, whole: Tensor) -> str:
    """What is to stand in the place of a seed: the same values, where its shape leaves no doubt.

    Ones in its place would change the gradients of any other values, and say nothing.
    """
    if not isinstance(given, Tensor):
        return _anew(seed, name)
    if given.numel() == whole.numel() and _long(given) == _long(whole):
        fitting = f"{seed}.reshape({name}.shape)"
    elif given.numel() == 1:
        fitting = f"{seed}.reshape(()).expand_as({name})"
    elif bool((given == 1).all()):
        return _anew(seed, name)
    else:
        return (
            f"Give {seed} an entry for each of {name}, in the same order. For the gradient of the "
            f"plain sum of {name} pass torch.ones_like({name})."
        )
    lines = _others(frame, given)
    also = f" The same goes for line{'s' * (len(lines) > 1)} {_listed(lines)}." if lines else ""
    return f"Pass {fitting} in the place of {seed}, which keeps its values.{also}"


def _anew(seed: str, name: str) -> str:
    return (
        f"Pass torch.ones_like({name}) in the place of {seed}; or give {seed} an entry for each of "
        f"{name}, in the same order."
    )


def _long(tensor: Tensor) -> list[int]:
    return [size for size in tensor.shape if size != 1]


def _others(frame: Frame, given: Tensor) -> list[int]:
    """The other passes of the failing function that are given a seed of this shape."""
    found = set()
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Call) or failing.name_of(node) != "backward":
            continue
        other = failing.passed(node, 0, "gradient")
        value = named(other, frame) if other is not None else None
        result = named(node.func.value, frame) if isinstance(node.func, ast.Attribute) else None
        if not isinstance(value, Tensor) or value.shape != given.shape:
            continue
        if not isinstance(result, Tensor) or result.shape != value.shape:
            found.add(node.lineno)
    return sorted(found - {frame.line})


def _listed(lines: list[int]) -> str:
    *most, last = map(str, lines)
    return f"{', '.join(most)} and {last}" if most else last
