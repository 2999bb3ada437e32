"""A value that is None, since the function or the forward that gave it returns nothing."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen import source
from grader.errors.seen.frames import Frame, file_name, own_function
from grader.errors.seen.lookup import looked_up


def of_call(frame: Frame, told: Explained, name: str) -> Explained | None:
    """The reader's own function that made a variable, if it has no return."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    before = [one for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
    value = source.value_of(before[-1], name) if before else None
    if not isinstance(value, ast.Call):
        return None
    called = looked_up(value.func, frame)
    text, function = ast.unparse(value.func), called
    if isinstance(called, nn.Module):
        function, text = type(called).forward, f"forward of {type(called).__name__}"
    function = function.__func__ if inspect.ismethod(function) else function
    if (code := own_function(function)) is None:
        return None
    tree, file, first = code
    body = next((one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)), None)
    if body is None or any(isinstance(one, ast.Return | ast.Yield) for one in ast.walk(body)):
        return None
    last = body.body[-1]
    kept = ast.unparse(last.targets[0]) if isinstance(last, ast.Assign) else "its result"
    return replace(
        told,
        meaning=f"{name} is None: {text} ends without return, so a call of it gives None.",
        cure=f"End it with return {kept}.",
        place=f"{file_name(file)}, line {first + last.lineno - 1}",
    )
