"""Code that records nothing since a block or a decorator around its call switched recording off."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames

_OFF = ("no_grad", "inference_mode", "set_grad_enabled(False)")
_ON = ("enable_grad", "set_grad_enabled(True)")


def read(frames: Frames, told: Explained) -> Explained | None:
    """A function that computes and differentiates by itself, and that was called in such a block.

    What a block around the failing line itself does not reach may have been recorded before it.
    """
    frame = frames.last
    start = next(iter(failing.calls(frame, "grad", "backward")), None)
    made = _made_here(start, frame) if start is not None else None
    if start is None or made is None or switched(frame) is not None:
        return None
    outer = ((one, switched(one)) for one in reversed(frames.own[:-1]))
    around = next(((one, place) for one, place in outer if place is not None), None)
    if around is None or not around[1]:
        return None
    caller, place = around
    call = _call(caller)
    cure = "Take that call out of what switches recording off."
    if failing.name_of(start) == "grad" and not _is_inference(caller, place):
        cure = (
            f"Record in {frame.code_name} whatever surrounds its call: put `with "
            f"torch.enable_grad():` around its lines from `{made}` to its last gradient. Or take "
            "the call out of what switches recording off, and detach what it gives."
        )
    return replace(
        told,
        meaning=f"{frame.code_name} computes and differentiates by itself, and {call} at "
        f"{caller.place} calls it where recording is switched off ({place}): nothing that it "
        "computes has a graph.",
        cure=cure,
        place=place,
    )


def switched(frame: Frame) -> str | None:
    """The line that had switched recording off for a frame's failing line.

    Empty where one had switched it on, None where none had done either.
    """
    tree, found = frame.source, None
    modes = [(one.lineno, one) for one in getattr(tree, "decorator_list", ())]
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.With | ast.AsyncWith) and (
            node.lineno <= frame.line <= (node.end_lineno or 0)
        ):
            modes += [(node.lineno, item.context_expr) for item in node.items]
    for line, mode in modes:  # the innermost comes last
        if _is_one_of(mode, _OFF):
            found = frame.place_of(line)
        elif _is_one_of(mode, _ON):
            found = ""
    return found


def _made_here(start: ast.Call, frame: Frame) -> str | None:
    """The first statement of the function that made what it differentiates, if that is its own."""
    if frame.source is None:
        return None
    result = failing.passed(start, 0, "outputs")
    if failing.name_of(start) == "backward":
        result = start.func.value if isinstance(start.func, ast.Attribute) else None
    names = [one.id for one in ast.walk(result or start) if isinstance(one, ast.Name)]
    for name in names:
        made = [
            one
            for one in source.assigned(frame.source, name)
            if isinstance(one, ast.Assign) and one.lineno < frame.line
        ]
        if made and isinstance(made[0].value, ast.Call | ast.BinOp):
            return ast.unparse(made[0])
    return None


def _call(frame: Frame) -> str:
    """The call that a frame was in when it failed, as it is written."""
    calls = (one for one in failing.on_line(frame) if isinstance(one, ast.Call))
    return next((f"`{ast.unparse(one)}`" for one in calls), "the line")


def _is_inference(frame: Frame, place: str) -> bool:
    """Whether it is inference mode: inside of it nothing can be recorded."""
    line = int(place.rpartition(" ")[2])
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.With | ast.AsyncWith) and node.lineno == line:
            return any("inference_mode" in ast.unparse(one.context_expr) for one in node.items)
    decorators = getattr(frame.source, "decorator_list", ())
    return any("inference_mode" in ast.unparse(one) for one in decorators)


def _is_one_of(node: ast.expr, modes: tuple[str, ...]) -> bool:
    text = ast.unparse(node).removesuffix("()")
    return text.rpartition(".")[2] in modes
