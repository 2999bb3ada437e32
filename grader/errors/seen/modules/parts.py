"""Modules and what they keep: a plain attribute that .to() leaves behind, tensors for settings."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules import empty
from grader.errors.seen.modules.layers import parts
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up


def read_device(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A plain tensor attribute that lies elsewhere than the parameters, or a model on meta."""
    for name, part in parts(frames):
        where = {parameter.device for parameter in part.parameters()}
        for attribute, value in vars(part).items():
            if isinstance(value, Tensor) and where and value.device not in where:
                return replace(
                    told,
                    meaning=f"{name}.{attribute} is a plain tensor attribute on "
                    f"{value.device.type}: .to() moves parameters and buffers, and it is neither.",
                    cure=f'In __init__: self.register_buffer("{attribute}", tensor).',
                )
    return empty.read(frames, told, message)


def read_truth(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A module that was given tensors when it was made, and is to be called with them."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call):
            continue
        kind = looked_up(node.func, frame)
        if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
            continue
        if any(isinstance(looked_up(one, frame), Tensor) for one in node.args):
            made = ast.unparse(node.func)
            given = ", ".join(ast.unparse(one) for one in node.args)
            return replace(
                told,
                meaning=f"{made}(...) makes a module, and takes settings; the tensors were given "
                "to it as settings.",
                cure=f"Make it first and call it with the tensors: {made}()({given}).",
                place=frame.place,
            )
    return None
