"""A value that is None, since the function or the forward that gave it returns nothing."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace
from typing import Any

from torch import nn
from torch.utils.data import DataLoader

from grader.errors.explanation import Explained
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up


def of_call(frame: Frame, told: Explained, name: str) -> Explained | None:
    """The reader's own function that made a variable, if it has no return."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    before = [one for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
    value = source.value_of(before[-1], name) if before else None
    if not isinstance(value, ast.Call):
        return None
    return _silent(told, looked_up(value.func, frame), ast.unparse(value.func), name)


def of_loader(frame: Frame, told: Explained) -> Explained | None:
    """The collate_fn of the loader that the failing line goes through, if it returns nothing."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.For) or node.lineno != frame.line:
            continue
        for part in ast.walk(node.iter):
            loader = looked_up(part, frame) if isinstance(part, ast.Name | ast.Attribute) else None
            function = loader.collate_fn if isinstance(loader, DataLoader) else None
            if isinstance(part, ast.keyword) and part.arg == "collate_fn":
                function = looked_up(part.value, frame)
            name = getattr(function, "__name__", "")
            if function is not None and (found := _silent(told, function, name, "The batch")):
                return found
    return None


def _silent(told: Explained, called: Any, text: str, name: str) -> Explained | None:
    """What to say of a value that a function without return gave."""
    function = called
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
