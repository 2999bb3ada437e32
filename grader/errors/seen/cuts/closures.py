"""A closure of an optimizer that returns nothing: where it is defined."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace
from typing import Any

import torch

from grader.errors.explanation import Explained
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The closure that was given to the step which failed."""
    for node in ast.walk(frames.last.source) if frames.last.source is not None else ():
        reaches = getattr(node, "lineno", 0) <= frames.last.line <= getattr(node, "end_lineno", 0)
        closure = _closure(node, frames.last) if isinstance(node, ast.Call) and reaches else None
        if closure is not None and (found := _silent(closure)) is not None:
            return _told(told, *found)
    return None


def of_result(frame: Frame, told: Explained, name: str) -> Explained | None:
    """Of a variable that is None: whether step gave it, since its closure returned nothing."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    made = [one for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
    value = source.value_of(made[-1], name) if made else None
    closure = _closure(value, frame) if isinstance(value, ast.Call) else None
    found = _silent(closure) if closure is not None else None
    return None if found is None else _told(told, *found, name)


def _closure(call: ast.Call, frame: Frame) -> Any:
    """What an optimizer's step is given."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "step":
        return None
    given = [*call.args, *(one.value for one in call.keywords if one.arg == "closure")]
    is_one = isinstance(looked_up(call.func.value, frame), torch.optim.Optimizer)
    return looked_up(given[0], frame) if given and is_one else None


def _silent(closure: Any) -> tuple[str, str, str] | None:
    """Name, place and loss of a function that has no return with a value."""
    closure = closure.__func__ if inspect.ismethod(closure) else closure
    if (code := own_function(closure)) is None:
        return None
    tree, file, first = code
    returns = [one for one in ast.walk(tree) if isinstance(one, ast.Return)]
    if any(one.value is not None for one in returns):
        return None
    losses = {
        source.spelled(one.func.value)
        for one in ast.walk(tree)
        if isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and one.func.attr == "backward"
        and isinstance(one.func.value, ast.Name)
    }
    loss = losses.pop() if len(losses) == 1 else "loss"
    return closure.__name__, f"{file_name(file)}, line {first}", loss


def _told(told: Explained, closure: str, place: str, loss: str, result: str = "") -> Explained:
    of_step = f"{result} is None: step returns what {closure} returns. " if result else ""
    return replace(
        told,
        meaning=f"{of_step}{closure} has no return, so it gives the optimizer None in the place of "
        "the loss.",
        cure=f"End {closure} with return {loss}.",
        place=place,
    )
