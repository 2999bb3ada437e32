"""Tensors that a module keeps as plain attributes: left behind by .to(), or holding a graph."""

from __future__ import annotations

import ast
from dataclasses import replace

import torch
from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.sections import Section
from grader.errors.seen.frames import Frames
from grader.errors.seen.layers import parts
from grader.errors.seen.passes import looked_up


def read_device(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A plain tensor attribute that lies elsewhere than its module's parameters."""
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
    return None


def read_dtype(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A float64 tensor that is given to a model of float32 parameters."""
    if "for `end`" in message and (held := frames.optimizers()):
        return replace(
            told,
            meaning=f"{held[0][0]} keeps running averages in the dtype that the parameters had in "
            "its first steps, and the model was cast since.",
            cure="Cast and move the model first, and make the optimizer after that.",
            section=Section("10-modules", "The optimizer made before the move"),
        )
    if "double" not in message.lower():
        return None
    for model, module in frames.modules():
        if {parameter.dtype for parameter in module.parameters()} != {torch.float32}:
            continue
        for name, value in frames.tensors():
            if value.dtype == torch.float64 and name.isidentifier():
                return replace(
                    told,
                    meaning=f"{name} holds float64, and the parameters of {model} are float32. "
                    "NumPy's numbers are float64, and torch.from_numpy keeps that.",
                    cure=f"Convert the data once: {name} = {name}.float().",
                )
    return None


def read_deepcopy(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The attribute of a model that holds a non-leaf."""
    for name, part in parts(frames):
        for attribute, value in vars(part).items():
            values = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(one, Tensor) and not one.is_leaf for one in values):
                return replace(
                    told,
                    meaning=f"{name}.{attribute} keeps a non-leaf with its graph, which "
                    "cannot be copied.",
                    cure="Let forward go on with the tensor itself, say h, and keep a detached "
                    f"one beside it: self.{attribute} = h.detach(). Or set it to None before you "
                    "copy.",
                )
    return None


def read_truth(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A module that was given tensors when it was made, and is to be called with them."""
    frame = frames.last
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.Call) or not node.lineno <= frame.line <= _end(node):
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


def _end(node: ast.expr) -> int:
    return node.end_lineno or node.lineno
