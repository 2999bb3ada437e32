"""Images that have become smaller than a window: which layer it is, and what its input has left."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.fed import Fed, entry, fed
from grader.errors.seen.modules.made import made
from grader.errors.seen.reading.frames import Frames

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The layer whose window is larger than what it is given."""
    one = fed(frames)
    size = getattr(one.layer, "kernel_size", None) if one is not None else None
    if one is None or size is None:
        return None
    many = size if isinstance(size, Sequence) else (size,) * (one.x.dim() - 2)
    left = one.shape[-len(many) :]
    if not left or 0 in left:
        return None
    said = f"{one.meaning} Its window is {tuple(many)}, and {left} is what is left of the image."
    call = made(frames, one.layer)
    cure = (
        _convolution(one, call.call if call else None, left)
        if isinstance(one.layer, _CONVOLUTIONS)
        else f"Take {one.called} out."
    )
    return replace(
        told,
        meaning=said,
        cure=f"{cure}{_larger(frames, one, many, left)}",
        place=call.place if call is not None else frames.last.place,
    )


def _convolution(one: Fed, call: ast.Call | None, left: tuple[int, ...]) -> str:
    """A window that covers what is left: the size behind it is 1."""
    if call is None or len(set(left)) != 1 or any(getattr(one.layer, "padding", ())):
        return f"Make {one.called} with a smaller window, or padding."
    made_as = [ast.unparse(argument) for argument in call.args[:2]]
    return (
        f"Give {one.called} a window of what is left: {ast.unparse(call.func)}"
        f"({', '.join((*made_as, str(left[0])))})."
    )


def _larger(frames: Frames, one: Fed, window: Sequence[int], left: tuple[int, ...]) -> str:
    """The size of images that is large enough, from the one that the model was given."""
    called = entry(frames)
    if called is None or called[2].dim() != one.x.dim():
        return " Or give larger images."
    _, name, image, _ = called
    factor = max(math.ceil(a / b) for a, b in zip(window, left, strict=True))
    size = tuple(side * factor for side in image.shape[2:])
    return (
        f" Or give larger images: {name} is {tuple(image.shape)} here, and "
        f"F.interpolate({name}, size={size}) is large enough for this layer."
    )
