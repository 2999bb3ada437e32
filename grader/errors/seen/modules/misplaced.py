"""Modules, classes and tensors that stand where something else belongs, by the name they have."""

from __future__ import annotations

import ast
import copy
from dataclasses import replace

import numpy as np
from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up


def read_module(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A variable that is a module, since nn.ReLU(x) made one: the line that gave it that."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Name) or not isinstance(looked_up(node, frame), nn.Module):
            continue
        made = source.assigned(frame.source, node.id) if frame.source is not None else []
        before = [one for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
        value = source.value_of(before[-1], node.id) if before else None
        if not isinstance(value, ast.Call) or not value.args:
            continue
        kind = looked_up(value.func, frame)
        if not isinstance(kind, type) or not issubclass(kind, nn.Module):
            continue
        text, given = ast.unparse(value.func), ", ".join(map(ast.unparse, value.args))
        return replace(
            told,
            meaning=f"{node.id} is a module and no tensor: {ast.unparse(value)} makes one, and "
            f"takes {given} for a setting.",
            cure=f"Make it first and call it then: {node.id} = {text}()({given}).",
            place=frame.place_of(value.lineno),
        )
    return None


def read_class(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A name in the failing function that is a class of modules, and was not called."""
    frame = frames.last
    for name, value in frame.names.items():
        if not isinstance(value, type) or not issubclass(value, nn.Module):
            continue
        if value.__name__ not in message.partition(" is not")[0]:
            continue
        used = [
            node.lineno
            for node in ast.walk(frame.source or ast.Module([], []))
            if isinstance(node, ast.Name)
            and node.id == name
            and isinstance(node.ctx, ast.Load)
            and not _is_called(frame.source, node)
        ]
        if used:
            return replace(
                told,
                meaning=f"{name} is the class {value.__name__}, and a Sequential holds modules, "
                "which a class makes when it is called.",
                cure=f"Call it, {name}(), where the line named here puts it among the layers.",
                place=frame.place_of(used[0]),
            )
    return None


def read_dict(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The dict of the failing line, with the names of its tensors."""
    frame = frames.last
    for node in failing.on_line(frame):
        value = looked_up(node, frame) if isinstance(node, ast.Name | ast.Attribute) else None
        if not isinstance(value, dict) or not value:
            continue
        name = ast.unparse(node)
        tensors = [f"{name}[{key!r}]" for key, one in value.items() if isinstance(one, Tensor)]
        if not tensors:
            continue
        if ".to(" in ast.unparse(frame.source or node) and message.endswith("'to'"):
            return replace(
                told,
                meaning=f"{name} is a dict, which has no method to; its tensors are "
                f"{', '.join(tensors[:5])}.",
                cure=f"Move each: {name} = {{key: one.to(device) for key, one in {name}.items()}}.",
                place=frame.place,
            )
        return replace(
            told,
            meaning=f"{name} is a dict, and its tensors are {', '.join(tensors[:5])}.",
            cure=f"Write the one that you mean in the place of {name}, such as {tensors[0]}.",
            place=frame.place,
        )
    return None


def read_pair(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The parts that max, sort or slogdet gave together, by their names, and the line that did."""
    frame = frames.last
    for node in failing.on_line(frame):
        value = looked_up(node, frame) if isinstance(node, ast.Name) else None
        if value is None or type(value).__module__ != "torch.return_types":
            continue
        name = ast.unparse(node)
        made = source.assigned(frame.source, name) if frame.source is not None else []
        before = [one for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
        given = source.value_of(before[-1], name) if before else None
        text = ast.unparse(given) if given is not None else name
        parts = type(value).__match_args__
        such_as = "" if "values" in parts else "such as "
        return replace(
            told,
            meaning=f"{name} is no tensor, but holds several: {' and '.join(parts)}.",
            cure=f"Take the part that you need: {such_as}{text}.{parts[0]}.",
            place=frame.place_of(given.lineno) if given is not None else frame.place,
        )
    return None


def read_array(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The array of the failing line, where the outermost frame that has it names it."""
    arrays = [
        value
        for node in failing.on_line(frames.last)
        if isinstance(node, ast.Name)
        and isinstance(value := looked_up(node, frames.last), np.ndarray)
    ]
    if not arrays or any(one is not arrays[0] for one in arrays):
        return None
    for frame in frames.own:
        held = [name for name, value in frame.names.items() if value is arrays[0]]
        if not held:
            continue
        kind = arrays[0].dtype
        method = ".float()" if kind.kind == "f" else ""
        return replace(
            told,
            meaning=f"{held[0]} is a NumPy array, {kind}, and a tensor is wanted.",
            cure=f"Make a tensor of it on the line named here, or where it is made: "
            f"torch.from_numpy({held[0]}){method} in the place of {held[0]}.",
            place=frame.place,
        )
    return None


def _is_called(tree: ast.AST | None, name: ast.Name) -> bool:
    nodes = ast.walk(tree) if tree is not None else ()
    return any(isinstance(node, ast.Call) and node.func is name for node in nodes)


def read_list(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Tensors that were given to cat or stack one by one, in a list."""
    frame = frames.last
    for call in failing.calls(frame, "cat", "stack", "concat", "hstack", "vstack"):
        tensors: list[ast.expr] = []
        for one in call.args:
            if not isinstance(looked_up(one, frame), Tensor) and tensors:
                break
            tensors.append(one)
        rest = call.args[len(tensors) :]
        other = copy.deepcopy(call)
        other.args = [ast.List(list(tensors), ast.Load()), *rest]
        if len(tensors) > 1:
            return replace(
                told,
                meaning=f"{failing.name_of(call)} takes one list of tensors, and was given "
                f"{len(tensors)} tensors one by one.",
                cure=f"Put them into a list: {ast.unparse(other)}.",
                place=frame.place,
            )
    return None
