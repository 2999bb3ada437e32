"""A wrapped model: which attribute lies inside, and which parameters got no gradient."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from grader.errors.explanation import Explained
from grader.errors.seen.modules import made as make
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.reading import source
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
    meaning = (
        "DistributedDataParallel waits for a gradient of every parameter, and the pass before "
        f"gave none to {named}: they took no part in its loss, or it did not ask for them."
    )
    paths = {trained[one].rpartition(".")[0] for one in numbers}
    if len(paths) != 1 or (layer := _never_used(frames, wrapper.module, paths.pop())) is None:
        return replace(told, meaning=meaning)
    name, place = layer
    return replace(
        told,
        meaning=f"{meaning} No method but __init__ names {name}, which this line makes.",
        cure=f"Take {name} out, or use it in forward. To keep it as it is, freeze it before the "
        f"model is wrapped: {name}.requires_grad_(False).",
        place=place,
    )


def _never_used(frames: Frames, model: nn.Module, path: str) -> tuple[str, str] | None:
    """A layer that its class makes in __init__ and names nowhere else, and the line that does."""
    owner, _, name = path.rpartition(".")
    kind = type(model.get_submodule(owner))
    made = make.made(frames, model.get_submodule(path))
    methods = source.methods(kind)
    text = f"self.{name}"
    if made is None or not methods or not name.isidentifier():
        return None
    used = any(
        method.name != "__init__"
        and any(isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(method))
        for method, _ in methods
    )
    return None if used else (text, made.place)
