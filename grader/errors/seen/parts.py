"""Tensors that a module keeps as plain attributes: left behind by .to(), or holding a graph."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.frames import Frames


def read_device(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A plain tensor attribute that lies elsewhere than its module's parameters."""
    for name, part in _parts(frames):
        where = {parameter.device for parameter in part.parameters()}
        for attribute, value in vars(part).items():
            if isinstance(value, Tensor) and where and value.device not in where:
                return replace(
                    told,
                    meaning=f"{name}.{attribute} is a plain tensor attribute on "
                    f"{value.device.type}: .to() moves parameters and buffers, and it is neither.",
                    cure=f'In __init__: self.register_buffer("{attribute}", tensor).',
                )
    return None


def read_deepcopy(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The attribute of a model that holds a computed tensor."""
    for name, part in _parts(frames):
        for attribute, value in vars(part).items():
            values = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(one, Tensor) and not one.is_leaf for one in values):
                return replace(
                    told,
                    meaning=f"{name}.{attribute} keeps a computed tensor with its graph, which "
                    "cannot be copied.",
                    cure=f"Keep {attribute} detached (self.{attribute} = x.detach()), or set it "
                    "to None before you copy.",
                )
    return None


def _parts(frames: Frames):  # type: ignore[no-untyped-def]
    for name, module in frames.modules():
        for path, part in module.named_modules():
            yield (f"{name}.{path}" if path else name), part
