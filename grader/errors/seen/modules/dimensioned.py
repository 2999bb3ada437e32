"""A convolution for signals, images or volumes that is given another one of the three."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.fed import Fed
from grader.errors.seen.modules.made import made
from grader.errors.seen.reading.frames import Frames

_OF = {
    1: "signals, (batch, channels, length)",
    2: "images, (batch, channels, height, width)",
    3: "volumes, (batch, channels, depth, height, width)",
}


def read(frames: Frames, told: Explained, one: Fed) -> Explained | None:
    """The convolution that fits, where the channels stand in their place and a size is missing."""
    layer, shape = one.layer, one.shape
    assert isinstance(layer, nn.modules.conv._ConvNd)
    takes, gets = len(layer.kernel_size), len(shape) - 2
    if abs(takes - gets) != 1 or gets not in _OF or shape[1] != layer.in_channels:
        return None
    if gets < takes and shape[0] == layer.in_channels:
        return None  # one sample without a batch fits as well
    if gets > takes and shape[2] == layer.in_channels:
        return None  # pictures of a sequence, whose channels stand behind the length
    kind = type(layer).__name__
    fitting = kind.replace(f"{takes}d", f"{gets}d")
    call = made(frames, layer)
    where = "On the line named here write" if call is not None else "Make it"
    written = [*call.call.args, *(one.value for one in call.call.keywords)] if call else []
    each = any(isinstance(one, ast.Tuple) for one in written)
    sizes = f" A size that is written as a tuple has {gets} numbers then." if each else ""
    return replace(
        told,
        meaning=f"{one.meaning} A {kind} takes {_OF[takes]}, and these are {_OF[gets]}.",
        cure=f"{where} {fitting} in the place of {kind}, and so for its norms and pools.{sizes}",
        place=call.place if call is not None else "",
    )
