"""A gradient asked for inside of a custom Function, where nothing is recorded."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch.autograd.function import BackwardCFunction

from grader.errors.explanation import Explained
from grader.errors.sections import Section
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames

_SWITCHES = ("enable_grad", "set_grad_enabled")


def read(frames: Frames, told: Explained) -> Explained | None:
    """The result that a backward computes and differentiates, without switching recording on."""
    at = next((place for place, one in enumerate(frames.own) if _is_of_function(one)), None)
    if at is None:
        return None
    below = frames.own[at:]
    if any(one.source is None or source.calls(one.source, *_SWITCHES) for one in below):
        return None
    result = _differentiated(frames.last)
    if below[0].code_name == "forward":
        return _in_forward(frames, told, result)
    frame = frames.last if result else below[0]
    name = result or "what it differentiates"
    call = f"`{name} = ...` " if result else "what leads to it "
    return replace(
        told,
        meaning=f"This runs inside of a backward of your own, of a torch.autograd.Function: torch "
        f"switches recording off there, so {name} has no graph, whatever it was computed from.",
        cure=f"Put {call}into a block that records: with torch.enable_grad(). What it is computed "
        "from is made a leaf there, x = x.detach().requires_grad_(), and torch.autograd.grad goes "
        "back through that part alone.",
        place=frame.made(result) if result else frame.place,
        section=Section("08-functions", "Second derivatives"),
    )


def _in_forward(frames: Frames, told: Explained, result: str) -> Explained:
    """A model that differentiates by its input, which a Function's forward calls, as a solver's."""
    frame = frames.last
    name = result or "what is differentiated"
    block = (
        f"`{result} = ...` and the line that differentiates it"
        if result
        else "this line, and what leads to it,"
    )
    asked = [call.args[1] for call in failing.calls(frame, "grad") if len(call.args) > 1]
    by = asked[0].id if len(asked) == 1 and isinstance(asked[0], ast.Name) else "x"
    return replace(
        told,
        meaning="This runs inside of the forward of a torch.autograd.Function: torch switches "
        f"recording off there, so {name} has no graph, whatever it was computed from.",
        cure=f"Put {block} into a block that records: with torch.enable_grad(). Begin that block "
        f"with `if not {by}.requires_grad: {by} = {by}.detach().requires_grad_()`, since what "
        "forward hands on requires no grad.",
        place=frame.made(result) if result else frame.place,
        section=Section("08-functions", "Second derivatives"),
    )


def _is_of_function(frame: Frame) -> bool:
    """Whether autograd runs it: the first argument is the context of a custom Function."""
    first = next(iter(frame.names.values()), None)
    return frame.code_name in ("forward", "backward") and isinstance(first, BackwardCFunction)


def _differentiated(frame: Frame) -> str:
    """The name of what the failing line differentiates, if it has one."""
    for call in failing.calls(frame, "grad", "backward"):
        is_method = call.func.attr == "backward" if isinstance(call.func, ast.Attribute) else False
        whole = call.func.value if is_method else call.args[0] if call.args else None  # type: ignore[attr-defined]
        if isinstance(whole, ast.Name):
            return whole.id
    return ""
