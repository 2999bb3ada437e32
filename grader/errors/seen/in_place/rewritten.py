"""An edit in place that torch refuses: what is to stand in the place of the failing line."""

from __future__ import annotations

import ast
from dataclasses import replace

from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.in_place import results
from grader.errors.seen.modules import layers
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, Frames, own_function
from grader.errors.seen.reading.lookup import looked_up

_OF_PARTS = ("one_of_many_views", "view_across_modes")
_BASE = (
    " What it is a view of keeps its values then: to change those, edit that itself, by an index "
    "(y[0] *= 2), a leaf inside no_grad."
)


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The out-of-place form of the failing line, or the layers that work in place below it."""
    if frames.within and "BackwardHookFunction" in message:
        return _of_layers(frames, told)
    edits = results.edits_on(frames.last)
    if frames.within:
        edits = [one for one in edits if "inplace=" in one.written]
    edit = next(iter(edits), None)
    if edit is None:
        return None
    names = list(dict.fromkeys(one.name for one in edits))
    if len(names) > 1 and (whole := results.out_of_place(frames.last)):
        return replace(
            told,
            meaning=f"{told.meaning} Here those are {', '.join(names[:4])}.",
            cure=f"Use the out-of-place operations: {whole}.",
            place=frames.last.place,
        )
    return replace(
        told,
        meaning=f"{told.meaning} Here that is {edit.name}, by {edit.written}.",
        cure=f"{edit.instead}.{_BASE if told.code in _OF_PARTS else ''}",
        place=frames.last.place,
    )


def _of_layers(frames: Frames, told: Explained) -> Explained | None:
    """Layers with inplace=True in a model that has a backward hook."""
    parts = list(layers.parts(frames))
    names = [name for name, part in parts if getattr(part, "inplace", False) is True]
    if not any(part._backward_hooks or part._backward_pre_hooks for _, part in parts) or not names:
        return None
    return replace(
        told,
        meaning="A module with a backward hook wraps what it is given and what it returns, and "
        f"these layers edit that in place: {', '.join(names[:4])}.",
        cure="Set them to work out of place before you register the hook: for m in "
        'model.modules(): if hasattr(m, "inplace"): m.inplace = False. Or register a hook on the '
        "tensor itself, in a forward hook: output.register_hook(f).",
    )


def read_leaf(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A sum that was begun as a leaf, a parameter edited in forward, a view, or an update."""
    if frames.within:
        return _by_library(frames, told)
    frame = frames.last
    told = replace(told, place=frame.place)
    edits = results.edits_on(frame)
    edit = next((one for one in edits if one.augmented), next(iter(edits), None))
    if (filled := _filled(frames, told)) is not None:
        return filled
    value = looked_up(ast.parse(edit.name, mode="eval").body, frame) if edit is not None else None
    if edit is not None and value is None:
        return told if _brings_a_graph(frame) else _of_part(frames, told, edit)
    if edit is None or not isinstance(value, Tensor):
        return told
    if (begun := _begun(frame, edit.name, value)) is not None:
        line, written = begun
        return replace(
            told,
            meaning=f"{edit.name} was begun as a leaf that requires grad, by {written}, and is "
            "added to: recorded, that would make it a result.",
            cure=f"Begin it without the flag, {edit.name} = 0: the terms bring their graphs with "
            "them, and backward finds them all. Under no_grad they would be lost.",
            place=frame.place_of(line),
        )
    if isinstance(value, nn.Parameter) and (forward := _in_forward(frame, told, edit)) is not None:
        return forward
    is_set = isinstance(value, nn.Parameter) and not _is_update(edit)
    if is_set and not _brings_a_graph(frame):
        return _written(frames, told, edit, frames.name_of(value) or edit.name)
    if value._base is not None:
        leaf = frames.name_of(value._base)
        whose = f"{leaf}, a leaf that requires grad" if leaf else "a leaf that requires grad"
        anew = edit.instead[0].lower() + edit.instead[1:]
        if any(one.code_name == "__init__" for one in frames.own):
            return replace(
                told,
                meaning=f"{edit.name} shows the memory of {whose}, and {edit.written} would write "
                "into it.",
                cure="A first value is no part of a graph: write this line inside `with "
                f"torch.no_grad():`{_as_well(frame, edit)}. Only in a forward pass, {anew}.",
            )
        return replace(
            told,
            meaning=f"{edit.name} shows the memory of {whose}, and "
            f"{edit.written} would write into it.",
            cure=f"{edit.instead}. Only to change the leaf itself, between two steps, edit it "
            "inside `with torch.no_grad():`.",
        )
    if _is_update(edit):
        return replace(
            told,
            meaning=f"{edit.name} is a leaf that requires grad, and {edit.written} would be "
            "recorded: that would make it a result, which keeps no gradient.",
            cure=f"Update it where nothing is recorded: with torch.no_grad(): {edit.written}"
            f"{_as_well(frame, edit)}{_others(frame, edit)}.",
        )
    return told


def _of_part(frames: Frames, told: Explained, edit: results.Edit) -> Explained:
    """An edit of an entry or a slice of a leaf: `p[:k].fill_(1)`."""
    whole = ast.parse(edit.name, mode="eval").body
    while isinstance(whole, ast.Subscript):
        whole = whole.value
    leaf = looked_up(whole, frames.last)
    if not isinstance(leaf, Tensor) or not leaf.is_leaf or not leaf.requires_grad:
        return told
    return _written(frames, told, edit, frames.name_of(leaf) or ast.unparse(whole))


def _written(frames: Frames, told: Explained, edit: results.Edit, leaf: str) -> Explained:
    """A line that gives a leaf, or a part of it, values."""
    return replace(
        told,
        meaning=f"{edit.written} would write into {leaf}, a leaf that requires grad, and be "
        "recorded: that would make it a result.",
        cure="A value that it is to have, at the beginning or between two steps, is no part of a "
        f"graph: write the line inside `with torch.no_grad():`{_as_well(frames.last, edit)}. Only "
        f"in a forward pass, edit a copy and compute with that: new = {leaf}.clone().",
    )


def _as_well(frame: Frame, edit: results.Edit) -> str:
    """Words on the later lines that edit the same name: each would raise in its turn."""
    every = results.edits_of(frame.source, edit.name) if frame.source is not None else []
    lines = sorted({one.line for one in every if one.line > edit.line})
    listed = " and ".join(map(str, lines))
    return f", and line{'s' * (len(lines) > 1)} {listed} too" if lines else ""


def _others(frame: Frame, edit: results.Edit) -> str:
    """Words on later lines that update other leaves: each would raise in its turn."""
    tree = frame.source
    found = {
        one.line: one.written
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.AugAssign) and node.lineno > edit.line
        for one in results.edits_of(node, ast.unparse(node.target))
        if one.name != edit.name and _is_update(one) and _is_leaf(node.target, frame)
    }
    lines = ", ".join(f"{written} (line {line})" for line, written in sorted(found.items()))
    return f", and inside of it too: {lines}" if lines else ""


def _is_leaf(target: ast.expr, frame: Frame) -> bool:
    value = looked_up(target, frame)
    return isinstance(value, Tensor) and value.is_leaf and value.requires_grad


def _is_update(edit: results.Edit) -> bool:
    """`w -= lr * w.grad`"""
    return f"{edit.name}.grad" in edit.written


def _filled(frames: Frames, told: Explained) -> Explained | None:
    """Entries of a parameter that are given values which have no graph: its first values."""
    frame = frames.last
    if frame.code_name == "forward":
        return None
    for node in ast.walk(frame.source) if frame.source is not None else ():
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not isinstance(node, ast.Assign) or not isinstance(target, ast.Subscript):
            continue
        value = looked_up(target.value, frame)
        if not _is_at(node, frame.line) or not isinstance(value, nn.Parameter):
            continue
        if _brings_a_graph(frame):
            return None
        name, known = ast.unparse(target.value), frames.name_of(value)
        which = f"{name} is {known}, a" if known and known != name else f"{name} is a"
        same = [
            f"`{ast.unparse(one)}`"
            for one in ast.walk(frame.source or node)
            if isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Subscript)
            and ast.unparse(one.targets[0].value) == name
        ]
        return replace(
            told,
            meaning=f"{which} parameter: a leaf that requires grad. {ast.unparse(node)} writes "
            "into it, and recorded that would make it a result.",
            cure=f"What it is filled with is no part of a graph: write {' and '.join(same[:3])} "
            "inside `with torch.no_grad():`.",
            place=frame.place,
        )
    return None


def _brings_a_graph(frame: Frame) -> bool:
    """Whether what a frame's line writes into something may have a graph, and belong to it."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.stmt) or not _is_at(node, frame.line):
            continue
        given: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.AugAssign):
            given = [node.value]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            given = node.value.args
        inside = (one for value in given for one in ast.walk(value))
        if any(_may_learn(looked_up(one, frame)) for one in inside):
            return True
    return False


def _is_at(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _may_learn(value: object) -> bool:
    """Whether what is computed with it may have a graph: a tensor, a model, an own function."""
    if isinstance(value, Tensor):
        return value.requires_grad
    return isinstance(value, nn.Module) or own_function(value) is not None


def _by_library(frames: Frames, told: Explained) -> Explained | None:
    """A layer or a function with inplace=True that was given a leaf."""
    frame = frames.last
    for edit in results.edits_on(frame):
        if "inplace=" in edit.written:
            return replace(
                told,
                meaning=f"{edit.written} writes its result into {edit.name}, a leaf that requires "
                "grad.",
                cure=f"{edit.instead}.",
                place=frame.place,
            )
    owners = [names.get("self") for _, names in frames.within]
    layer = next((one for one in reversed(owners) if isinstance(one, nn.Module)), None)
    if layer is None or getattr(layer, "inplace", False) is not True:
        return None
    name = next((name for name, one in layers.parts(frames) if one is layer), "")
    kind = type(layer).__name__
    given = next((names.get("input") for _, names in reversed(frames.within)), None)
    leaf = frames.name_of(given) if isinstance(given, Tensor) else ""
    return replace(
        told,
        meaning=f"{name or 'A layer'} is {kind}(inplace=True), which writes its result into what "
        f"it is given; and that is {leaf or 'a tensor'}, a leaf that requires grad.",
        cure=f"Make {name or 'that layer'} without inplace=True: nn.{kind}(...) with its other "
        "arguments.",
        place=frame.place,
    )


def _begun(frame: Frame, name: str, value: Tensor) -> tuple[int, str] | None:
    """The statement that made one number with requires_grad, which is then added to."""
    made = source.assigned(frame.source, name) if frame.source is not None else []
    for one in made:
        text = ast.unparse(one)
        if isinstance(one, ast.Assign) and "requires_grad" in text and value.numel() == 1:
            return one.lineno, text
    return None


def _in_forward(frame: Frame, told: Explained, edit: results.Edit) -> Explained | None:
    """A parameter that a module's own forward is to compute with, and not to change."""
    if frame.code_name != "forward" or not edit.name.startswith("self."):
        return None
    last = edit.name.rpartition(".")[2]
    value = edit.instead.partition(f"{edit.name} = ")[2]
    return replace(
        told,
        meaning=f"{edit.name} is a parameter, and {edit.written} would change it in each forward.",
        cure=f"Compute a new tensor and go on with that: {last} = {value}, and {last} in the place "
        f"of {edit.name} below.",
    )
