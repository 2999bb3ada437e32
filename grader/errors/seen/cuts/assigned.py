"""A computed tensor in the place of a parameter: whether it has a graph decides the cure."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.cuts import tied
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What was to be assigned: a result with its graph, or values alone."""
    names = frames.given("__setattr__")
    module, attribute, value = names.get("self"), names.get("name"), names.get("value")
    if not isinstance(module, nn.Module) or not isinstance(value, Tensor):
        return None
    name = f"{_called(frames, module)}.{attribute}"
    spelled = frames.name_of(value) or "values"
    if value.grad_fn is None:
        return replace(
            told,
            meaning=f"{name} is a parameter, and can be given to another nn.Parameter only. The "
            "tensor has no graph: it is values.",
            cure=f"Write them into it: with torch.no_grad(): {name}.copy_({spelled}). {_LATER}",
        )
    if (local := _in_forward(frames.last, str(attribute))) is not None:
        return replace(
            told,
            meaning=f"{name} is a parameter, and this line puts a result computed from it in its "
            "place, in every call.",
            cure=f"Give the result a name of its own: {local}, and {attribute} in the place of "
            f"self.{attribute} below. The parameter stays what it is.",
            place=frames.last.place,
        )
    if (shared := tied.read(frames, told, str(attribute), value)) is not None:
        return shared
    return replace(
        told,
        meaning=f"{name} is a parameter, and the tensor that it is given is a result with a graph "
        f"({value.grad_fn.name()}), as a step of an inner loop or another net computes it.",
        cure="Leave the parameters as they are, and run the model with other weights: "
        f'torch.func.functional_call(model, {{"{_path(frames, module, str(attribute))}": t}}, '
        "(x,)), where t is the computed tensor; for a whole inner loop keep a dict: weights = "
        "dict(model.named_parameters()), weights = {name: p - lr * g for (name, p), g in "
        "zip(weights.items(), grads)}, and call functional_call(model, weights, (x,)). In a layer "
        f"of your own use {_function(module)}. copy_() and nn.Parameter(t) would run, and cut the "
        "way back to what computed it.",
    )


def _in_forward(frame: Frame, attribute: str) -> str | None:
    """`w = softmax(self.w)` of a method's `self.w = softmax(self.w)`."""
    name = f"self.{attribute}"
    for one in source.assigned(frame.source, name) if frame.source is not None else ():
        if isinstance(one, ast.Assign) and one.lineno == frame.line:
            reads = source.reads(one.value, name)
            return f"{attribute} = {ast.unparse(one.value)}" if reads else None
    return None


_LATER = (
    "nn.Parameter(t) is for __init__: an optimizer that was made before does not hold a new one."
)


def _called(frames: Frames, module: nn.Module) -> str:
    for name, model in frames.modules():
        for path, part in model.named_modules():
            if part is module:
                return f"{name}.{path}" if path else name
    return "layer"


def _path(frames: Frames, module: nn.Module, attribute: str) -> str:
    """The parameter's name in its model's state_dict."""
    for _, model in frames.modules():
        for path, part in model.named_modules():
            if part is module:
                return f"{path}.{attribute}" if path else attribute
    return attribute


def _function(module: nn.Module) -> str:
    if isinstance(module, nn.Linear):
        return "F.linear(x, t, layer.bias)"
    for dimensions in (1, 2, 3):
        if isinstance(module, getattr(nn, f"Conv{dimensions}d")):
            return f"F.conv{dimensions}d(x, t, layer.bias)"
    return "the tensor itself in forward"
