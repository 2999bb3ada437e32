"""A batch that is taken apart into fewer names than a sample of its dataset has parts."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch.utils.data import DataLoader

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What `__getitem__` returns beside the names of the failing line."""
    frame = frames.last
    found = _taken(frame)
    if found is None:
        return None
    target, loader = found
    dataset = getattr(loader.dataset, "dataset", loader.dataset)
    code = own_function(getattr(type(dataset), "__getitem__", None))
    returns = [one for one in ast.walk(code[0]) if isinstance(one, ast.Return)] if code else []
    if code is None or len(returns) != 1 or returns[0].value is None:
        return None
    value, kind = returns[0].value, type(dataset).__name__
    place = f"{file_name(code[1])}, line {code[2] + returns[0].lineno - 1}"
    if isinstance(value, ast.Dict):
        keys = [ast.unparse(key) for key in value.keys if key is not None]
        return replace(
            told,
            meaning=f"A sample of {kind} is a dict, and so is a batch: gone through, it gives its "
            "keys.",
            cure=f"Take the batch as one, for batch in loader, and its entries by name: "
            f"{', '.join(f'batch[{key}]' for key in keys[:3])}.",
            place=place,
        )
    if not isinstance(value, ast.Tuple) or len(value.elts) <= len(target.elts):
        return None
    more = len(value.elts) - len(target.elts)
    names = ", ".join([*(ast.unparse(one) for one in target.elts), *["_"] * more])
    return replace(
        told,
        meaning=f"A sample of {kind} has {len(value.elts)} parts, {ast.unparse(value)}, and a "
        f"batch as many. The failing line has {len(target.elts)} names for them.",
        cure=f"Name every part: {names}. _ is for what you do not need.",
        place=frame.place,
    )


def read_text(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A name of a dict's entry that a loop over a DataLoader gave in the place of the entry."""
    frame = frames.last
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.For) or not isinstance(node.target, ast.Tuple):
            continue
        names = [ast.unparse(one) for one in node.target.elts]
        held = [frame.variables.get(name) for name in names]
        if not held or not all(isinstance(one, str) for one in held):
            continue
        taken = [f"{name} = batch[{key!r}]" for name, key in zip(names, held, strict=True)]
        return replace(
            told,
            meaning=f"{', '.join(names)} are the texts {', '.join(map(repr, held))}: the batch is "
            "a dict, and a dict that is taken apart gives its names.",
            cure=f"Take the batch as one: for batch in {ast.unparse(node.iter)}, with "
            f"{', '.join(taken)}.",
            place=frame.place_of(node.lineno),
        )
    return None


def _taken(frame: Frame) -> tuple[ast.Tuple, DataLoader[object]] | None:
    """The names of a loop over a DataLoader, or of a line that takes its next batch."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.For) and node.lineno == frame.line:
            target, value = node.target, node.iter
        elif isinstance(node, ast.Assign) and node.lineno == frame.line:
            target, value = node.targets[0], node.value
        else:
            continue
        if isinstance(target, ast.Tuple) and isinstance(target.elts[-1], ast.Tuple):
            target = target.elts[-1]
        while isinstance(value, ast.Call) and value.args:
            value = value.args[0]
        loader = looked_up(value, frame)
        if isinstance(target, ast.Tuple) and isinstance(loader, DataLoader):
            return target, loader
    return None
