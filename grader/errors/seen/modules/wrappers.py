"""A wrapped model: which attribute lies inside, and which parameters got no gradient."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from grader.errors.explanation import Explained
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up

_INDICES = re.compile(r"did not receive grad for rank \d+: ([\d ]+)")
_ATTRIBUTE = re.compile(r"has no attribute '(\w+)'")


def read_attribute(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The wrapper by its name, and the way to the attribute of the model inside."""
    frame, wanted = frames.last, _ATTRIBUTE.search(message)
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if wanted is None or not isinstance(node, ast.Attribute) or node.attr != wanted[1]:
            continue
        owner = looked_up(node.value, frame)
        inside = getattr(owner, "module", None)
        if not isinstance(inside, nn.Module) or not hasattr(inside, wanted[1]):
            continue
        name = ast.unparse(node.value)
        return replace(
            told,
            meaning=f"{name} is a {type(owner).__name__} around your model, and has not your "
            "model's attributes.",
            cure=f"Write {name}.module.{wanted[1]}. To train, call the wrapper itself, {name}(x): "
            "what goes past it is not averaged.",
            place=frame.place,
        )
    return None


def read_unused(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The names of the parameters whose indices torch gives."""
    found = _INDICES.search(message)
    wrappers = [
        (name, one) for name, one in parts(frames) if isinstance(one, DistributedDataParallel)
    ]
    if found is None or len(wrappers) != 1:
        return None
    _, wrapper = wrappers[0]
    trained = [key for key, one in wrapper.module.named_parameters() if one.requires_grad]
    numbers = [int(one) for one in found[1].split()]
    if not numbers or max(numbers) >= len(trained):
        return None
    named = ", ".join(trained[one] for one in numbers[:4])
    return replace(
        told,
        meaning=f"DistributedDataParallel waits for a gradient of every parameter, and the pass "
        f"before gave none to {named}: they took no part in its loss, or it did not ask for them.",
    )
