"""The layer of torch that failed, the tensor that it was given, and the call that led there."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.made import Made, like, made, spelled
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up, named

_INPUTS = ("input", "x", "query", "src")
_SHORT = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)
"""Expressions that a method can be written behind."""


class Fed(NamedTuple):
    """A layer and its input, with what the reader's failing line calls them."""

    layer: nn.Module
    x: Tensor
    called: str
    call: str
    """What the failing line calls with it: the layer, or a Sequential that begins with it."""
    name: str
    inside: bool
    """Whether the input comes from another layer of the same Sequential."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the input."""
        return tuple(self.x.shape)

    @property
    def meaning(self) -> str:
        """What was given to what."""
        given = "an input" if self.inside or not self.name else self.name
        return f"{self.called} is given {given} of the shape {self.shape}."

    def instead(self, method: str, module: str = "") -> str:
        """How to change the input: by a method in the call, or by a module in a Sequential."""
        if self.inside and module:
            return f"put {module} in front of {self.called}"
        if self.inside or not self.name:
            return f"give {self.called} x{method} for what it is given now, x"
        return f"write {self.call}({self.name}{method})"


def fed(frames: Frames) -> Fed | None:
    """The innermost layer of torch below the reader's last line, with a tensor for its input."""
    around = [names.get("self") for _, names in frames.within]
    sequences = [one for one in dict.fromkeys(map(_of_torch, around)) if one is not None]
    for _, names in reversed(frames.within):
        layer = names.get("self")
        if not isinstance(layer, nn.Module) or isinstance(layer, nn.Sequential):
            continue
        x = next((names[one] for one in _INPUTS if isinstance(names.get(one), Tensor)), None)
        if x is None:
            continue
        if isinstance(layer, nn.RNNBase) and frames.given("forward").get("is_batched") is False:
            x = x.squeeze(0 if layer.batch_first else 1)
        below = [*sequences[1:], layer]
        inside = any(one[0] is not part for one, part in zip(sequences, below, strict=False))
        call, name = _written(frames)
        return Fed(layer, x, spelled(frames, layer), call, name, inside)
    return None


def _of_torch(value: object) -> nn.Sequential | None:
    """A Sequential that a library's function runs."""
    return value if isinstance(value, nn.Sequential) and len(value) else None


def _written(frames: Frames) -> tuple[str, str]:
    """What the failing line calls, and its one argument."""
    frame = frames.last
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Call) or len(node.args) != 1 or node.lineno != frame.line:
            continue
        one = node.args[0]
        here = (node.col_offset, node.end_col_offset) == frame.columns
        if here and isinstance(one, _SHORT):
            return ast.unparse(node.func), ast.unparse(one)
    return "", ""


def remade(
    frames: Frames,
    told: Explained,
    layer: nn.Module,
    said: str,
    *sizes: tuple[int, str, int | tuple[int, ...]],
) -> Explained:
    """The layer made with the sizes that arrive: position and name of each, and its value."""
    call = made(frames, layer)
    if call is not None and _of_many(call):
        new = ", ".join(f"{name}={size}" for _, name, size in sizes)
        return replace(
            told,
            meaning=f"{said} The line named here makes all layers of a list alike.",
            cure=f"Make each for what arrives at it, this one with {new}: where layers join their "
            "results to their input, it grows from layer to layer.",
            place=call.place,
        )
    if call is None:
        new = ", ".join(f"{name}={size}" for _, name, size in sizes)
        cure = f"If the input is right, make this {type(layer).__name__} with {new}."
        return replace(told, meaning=said, cure=cure)
    for at, name, size in sizes:
        text = like(frames, layer, size, call) if isinstance(size, int) else str(size)
        call = call._replace(call=call.with_size(at, name, text))
    return replace(
        told,
        meaning=f"{said} The line named here makes it.",
        cure=f"If the input is right, write {ast.unparse(call.call)} there.",
        place=call.place,
    )


def _of_many(made_as: Made) -> bool:
    """Whether the call stands in a comprehension, which makes several layers."""
    many = ast.ListComp | ast.GeneratorExp | ast.DictComp
    return any(
        one is made_as.call
        for node in ast.walk(made_as.within)
        if isinstance(node, many)
        for one in ast.walk(node)
    )


def entry(frames: Frames) -> tuple[str, str, Tensor, str] | None:
    """The call outside of all modules that led here: what is called, with which tensor, and where.

    The argument's spelling stands second.
    """
    for frame in reversed(frames.own):
        if isinstance(frame.names.get("self"), nn.Module):
            continue
        for node in failing.on_line(frame):
            if not isinstance(node, ast.Call) or len(node.args) != 1:
                continue
            value = named(node.args[0], frame)
            if isinstance(looked_up(node.func, frame), nn.Module) and isinstance(value, Tensor):
                texts = ast.unparse(node.func), ast.unparse(node.args[0])
                return *texts, value, frame.place
        return None
    return None


def is_flat(shape: tuple[int, ...], size: int) -> bool:
    """Whether each sample of a batch has so many entries in all."""
    return len(shape) > 2 and math.prod(shape[1:]) == size
