"""A hook on a tensor that was computed while nothing was recorded: which tensor, and where."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.cuts import flow, modes
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.scope import Cut


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The tensor of the failing line, if it was made of what learns and recording was off there."""
    frame = frames.last
    switches = (modes.switched(one) for one in reversed(frames.own))
    off = next((place for place in switches if place is not None), "")
    if (call := _call(frame)) is None:
        return None
    name = source.in_brackets(call.func.value)  # type: ignore[attr-defined]
    if not off and (cuts := flow.cuts(frames)):
        return _of_cut(frame, told, name, cuts)
    if not off:
        return _of_data(frames, frame, told, name, call)
    if not _would_record(name, frame):
        return None
    return replace(
        told,
        meaning=f"{name} does not require grad here: this forward ran without recording "
        f"({off}), so no gradient ever arrives at {name}.",
        cure="If this gradient is wanted, as by a saliency map, run the forward with recording: "
        f"take the call of the model, and the backward that follows, out of what {off} switches "
        "off. If this forward is not to be differentiated, ask first, so that both kinds run: "
        f"if {name}.requires_grad: {ast.unparse(call)}",
        place=frame.place,
    )


def _of_cut(frame: Frame, told: Explained, name: str, cuts: Sequence[Cut]) -> Explained:
    """A result that a function of the reader's made while nothing was recorded, or detached."""
    listed = "; ".join(f"{one.place}: {one.why}" for one in cuts[:3])
    return replace(
        told,
        meaning=f"{name} was made without its graph, so no gradient ever arrives at it. Cuts on "
        f"the way to it: {listed}.",
        cure=f"Compute it with recording, and hook that result. Where {name} is found without "
        "recording on purpose, such as a fixed point, take one more step from it that is recorded, "
        f"{name} = f({name}, x), and put the hook on the {name} that it gives.",
        place=cuts[0].place if len(cuts) == 1 else frame.place,
        sure=False,
    )


def _of_data(
    frames: Frames, frame: Frame, told: Explained, name: str, call: ast.Call
) -> Explained | None:
    """A leaf without the flag that was handed in, as a batch is."""
    value = looked_up(call.func.value, frame)  # type: ignore[attr-defined]
    if isinstance(value, nn.Parameter):
        return _of_frozen(frames, told, name, value, call)
    made = source.assigned(frame.source, name) if frame.source is not None else []
    if made or not isinstance(value, Tensor) or not torch.is_grad_enabled():
        return None
    frozen = [one for one in frame.names.values() if isinstance(one, nn.Module) and _is_frozen(one)]
    if frozen and _is_given(name, frame):
        return replace(
            told,
            meaning=f"{name} is what a frozen layer ({type(frozen[0]).__name__}) gave, and its "
            "input does not require grad either: nothing on the way to it is recorded, and no "
            f"gradient ever arrives at {name}.",
            cure="Call requires_grad_() on the model's input before the model runs: then the "
            "frozen layers are recorded, as the way to the input, and the gradient of "
            f"{name} comes. Where no gradient is wanted: if {name}.requires_grad: "
            f"{ast.unparse(call)}",
            place=frame.place,
        )
    handed = " was handed in here and" if name in _arguments(frame) else ""
    return replace(
        told,
        meaning=f"{name}{handed} does not require grad: it is data, or was made without "
        "recording. No gradient ever arrives at it.",
        cure=f"Leave such tensors out, if {name}.requires_grad: {ast.unparse(call)}. For the "
        "gradient of the data itself call requires_grad_() on it before the model runs.",
        place=frame.place,
    )


def _of_frozen(
    frames: Frames, told: Explained, name: str, value: nn.Parameter, call: ast.Call
) -> Explained:
    """A parameter that is frozen, as some of those are that a loop goes over."""
    frame = frames.last
    known = frames.name_of(value)
    which = f"{name} is {known}, which" if known and known != name else name
    statement = next(
        (
            one
            for one in ast.walk(frame.source or ast.Pass())
            if isinstance(one, ast.Assign | ast.Expr)
            and ast.unparse(one.value) == ast.unparse(call)
        ),
        call,
    )
    return replace(
        told,
        meaning=f"{which} is frozen: it does not require grad, so no gradient ever arrives at it.",
        cure=f"Hook those alone that are trained: if {name}.requires_grad: "
        f"{ast.unparse(statement)}. If {name} is to be trained, call {name}.requires_grad_() "
        "first.",
        place=frame.place,
    )


def _call(frame: Frame) -> ast.Call | None:
    """The call on the failing line that asks a tensor without grad for its gradient."""
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr not in ("register_hook", "retain_grad"):
            continue
        value = looked_up(node.func.value, frame)
        if isinstance(value, Tensor) and not value.requires_grad:
            return node
    return None


def _would_record(name: str, frame: Frame, below: frozenset[str] = frozenset()) -> bool:
    """Whether a name was computed in this frame of something that requires grad, and not cut.

    What a forward hook is given was computed by the module beside it.
    """
    if frame.source is None or name in below:
        return False
    statements = source.assigned(frame.source, name)
    if not statements and name in frame.names:
        return any(isinstance(one, nn.Module) and _learns(one) for one in frame.names.values())
    for statement in statements:
        value = source.value_of(statement, name)
        if value is None or source.calls(statement, "detach", "detach_"):
            return False
        for node in ast.walk(value):
            if _learns(looked_up(node, frame)):
                return True
            if isinstance(node, ast.Name) and _would_record(node.id, frame, below | {name}):
                return True
    return False


def _is_frozen(module: nn.Module) -> bool:
    parameters = list(module.parameters())
    return bool(parameters) and not any(one.requires_grad for one in parameters)


def _is_given(name: str, frame: Frame) -> bool:
    """Whether a name is the last argument of a function, as a forward hook's output is."""
    arguments = _arguments(frame)
    return len(arguments) > 2 and arguments[-1] == name


def _arguments(frame: Frame) -> list[str]:
    """The names of a function's arguments; none of what is no function."""
    return [one.arg for one in getattr(getattr(frame.source, "args", None), "args", [])]


def _learns(value: object) -> bool:
    if isinstance(value, nn.Module):
        return any(one.requires_grad for one in value.parameters())
    return isinstance(value, Tensor) and value.requires_grad
