"""Indices and masks of another shape or dtype than what they choose from."""

from __future__ import annotations

import ast
import math
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.modules.fed import fed
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up, named
from grader.errors.seen.reading.sized import number, shape_of

_SAME = (
    *("unsqueeze", "squeeze", "view", "reshape", "flatten", "expand", "contiguous", "to"),
    *("cpu", "cuda", "detach", "clone", "transpose", "permute", "repeat", "t"),
)
_ALONG = ("gather", "scatter", "scatter_", "scatter_add", "scatter_add_", "take_along_dim")


def read_dims(frames: Frames, told: Explained, message: str) -> Explained | None:
    """An index of gather or scatter that lacks the dimension it goes along."""
    frame = frames.last
    for call in failing.calls(frame, *_ALONG):
        whole, at, index = (failing.arguments(call) + [None] * 3)[:3]
        if whole is None or index is None:
            continue
        shape, given, dim = shape_of(whole, frame), shape_of(index, frame), number(at, frame)
        if given is None or dim is None:
            continue
        w, i, shown = ast.unparse(whole), source.in_brackets(index), "more dimensions than that"
        if shape is not None:
            dim, shown = dim % len(shape), f"the shape {shape}"
            if (*shape[:dim], *shape[dim + 1 :]) != given:
                continue
        elif dim != len(given):
            continue
        plain = ast.unparse(index)
        written = ast.unparse(call).replace(f", {plain}", f", {i}.unsqueeze({dim})", 1)
        back = f".squeeze({dim})" if "scatter" not in failing.name_of(call) else ""
        chosen = (*given[:dim], 1, *given[dim:])
        near = [tuple(value.shape) for value in _floating(frame)]
        drops = f", where .squeeze({dim}) takes that dimension out again" if back else ""
        if back and chosen in near:
            back = ""
            drops = (
                f", which has the shape {chosen}. What this code computes with it has that shape "
                "too, so leave the dimension in: beside (n, 1) a result of (n,) becomes (n, n)"
                if given not in near
                else f", which has the shape {chosen}; add .squeeze({dim}) where what it meets is "
                f"{given}"
            )
        return replace(
            told,
            meaning=f"{i}, the index, has the shape {given}, and {w} {shown}: the index lacks "
            f"dimension {dim}, along which it chooses.",
            cure=f"Write {written}{back}{drops}.",
            place=frame.place,
        )
    return None


def _floating(frame: Frame) -> list[Tensor]:
    """The floating tensors among the variables of a function."""
    values = frame.names.values()
    return [one for one in values if isinstance(one, Tensor) and one.is_floating_point()]


def read_dtype(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The index that holds floats, or integers of another length: its name, where it is made."""
    frame, one = frames.last, fed(frames)
    found = [(one.name, one.x)] if one is not None and one.name else list(_unfit(frame))
    names = {name for name, value in found if _is_unfit(value)}
    if len(names) != 1:
        return None
    (name,) = names
    value = next(value for known, value in found if known == name)
    text = str(value.dtype).removeprefix("torch.")
    if not value.is_floating_point():
        return replace(
            told,
            meaning=f"{name} is the index here, and it is {text}: an index is int64.",
            cure=f"Convert it where it is made, or here: {name}.long(). Of what comes from NumPy, "
            "make the array with dtype=np.int64.",
            place=frame.made(name),
        )
    return replace(
        told,
        meaning=f"{name} is the index here, and it is {text}.",
        cure=f"If it is a mask, {name}.bool() chooses where it is 1; {name}.long() would choose "
        f"rows 0 and 1 again and again. If it holds numbers of rows, {name}.long() is right."
        if _may_be_mask(frame, name, value)
        else f"Convert it where it is used: {name}.long(). Better, keep such numbers apart from "
        "measured ones where they are read, as torch.long.",
        place=frame.made(name),
    )


def _may_be_mask(frame: Frame, name: str, value: Tensor) -> bool:
    """Whether it holds 0 and 1 alone, in the shape of what it stands in brackets behind."""
    if not value.dim() or not bool(((value == 0) | (value == 1)).all()):
        return False
    wholes = [
        shape_of(node.value, frame)
        for node in failing.on_line(frame)
        if isinstance(node, ast.Subscript) and ast.unparse(node.slice) == name
    ]
    return any(one is not None and one[: value.dim()] == tuple(value.shape) for one in wholes)


def _is_unfit(value: Tensor) -> bool:
    return value.is_floating_point() or value.dtype in (torch.int16, torch.int8)


def _unfit(frame: Frame) -> list[tuple[str, Tensor]]:
    """The tensors that index something on the failing line, and whose dtype does not."""
    nodes: list[ast.expr | None] = []
    for node in failing.on_line(frame):
        if isinstance(node, ast.Subscript):
            nodes += node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        elif isinstance(node, ast.Call) and failing.name_of(node) in (*_ALONG, "index_select"):
            nodes.append(failing.argument(node, 2, "index"))
        elif isinstance(node, ast.Call) and failing.name_of(node) in ("one_hot", "embedding"):
            nodes.append(failing.argument(node, 0, "input"))
    wholes = [_unshaped(one) for one in nodes if one is not None]
    pairs = [(ast.unparse(one), named(one, frame)) for one in wholes]
    return [(name, one) for name, one in pairs if isinstance(one, Tensor) and _is_unfit(one)]


def _unshaped(node: ast.expr) -> ast.expr:
    """`a` of `a.unsqueeze(1)`, `a.view(-1, 1)`, `a[:, None]`."""
    while True:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in _SAME:
                return node
            node = node.func.value
        elif isinstance(node, ast.Subscript) and "None" in ast.unparse(node.slice):
            node = node.value
        else:
            return node


def read_mask(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A mask with a dimension of 1 more than what it chooses from has there."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Subscript):
            continue
        shape, mask = shape_of(node.value, frame), looked_up(node.slice, frame)
        if shape is None or not isinstance(mask, Tensor) or mask.dtype != torch.bool:
            continue
        given, name, whole = tuple(mask.shape), ast.unparse(node.slice), ast.unparse(node.value)
        if shape[: len(given)] == given:
            continue
        said = f"{whole} has the shape {shape}, and the mask {name} {given}."
        cure = told.cure
        if given[-1:] == (1,) and shape[: len(given) - 1] == given[:-1]:
            cure = (
                f"Take its last dimension out where it is made: {name} = {name}.squeeze(-1). It "
                "then chooses rows."
            )
        elif len(given) == len(shape) and _fits(given, shape):
            cure = f"Repeat it to the whole shape: {whole}[{name}.expand_as({whole})]."
        elif math.prod(given) == math.prod(shape):
            said = f"{said} Both have {math.prod(shape)} entries, in another form."
            cure = _in_form(frame, whole, name, given)
            return replace(told, meaning=said, cure=cure, place=frame.place)
        return replace(told, meaning=said, cure=cure, place=frame.made(name))
    return None


def _in_form(frame: Frame, whole: str, mask: str, given: tuple[int, ...]) -> str:
    """What gives a tensor the mask's form: a line that comes too late, or one of its own."""
    for one in source.assigned(frame.source, whole) if frame.source is not None else ():
        value = source.value_of(one, whole)
        late = one.lineno > frame.line and value is not None  # type: ignore[attr-defined]
        if late and value is not None and shape_of(value, frame) == given:
            return f"Write `{ast.unparse(one)}` in front of this line, and not behind it."
    return (
        f"If their entries come in the same order, write {whole} = {whole}.view_as({mask}) in "
        "front of this line."
    )


def read_list(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A list that is asked for several entries by a tensor."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Subscript):
            continue
        held, index = looked_up(node.value, frame), looked_up(node.slice, frame)
        if not isinstance(held, list | tuple) or not isinstance(index, Tensor) or index.dim() != 1:
            continue
        name, i = ast.unparse(node.value), ast.unparse(node.slice)
        return replace(
            told,
            meaning=f"{name} is a {type(held).__name__}, which gives one entry for one number, "
            f"and {i} holds {len(index)}.",
            cure=f"Take them one by one: [{name}[n] for n in {i}].",
            place=frame.place,
        )
    return None


def read_slice(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The end of a slice that is a float."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Slice):
            continue
        for end in (node.slice.lower, node.slice.upper, node.slice.step):
            value = named(end, frame) if end is not None else None
            if end is None or not isinstance(value, float):
                continue
            name = ast.unparse(end)
            return replace(
                told,
                meaning=f"{name} is {value}, a float, and a slice counts in whole numbers.",
                cure=f"Convert it: int({name}).",
                place=frame.made(name),
            )
    return None


def read_written(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What is written into masked places, of the shape of a row or of the whole."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Subscript):
            continue
        target = node.targets[0]
        shape, mask = shape_of(target.value, frame), looked_up(target.slice, frame)
        given = shape_of(node.value, frame)
        if (
            shape is None
            or given is None
            or not isinstance(mask, Tensor)
            or mask.dtype != torch.bool
        ):
            continue
        x, m, v = (ast.unparse(one) for one in (target.value, target.slice, node.value))
        count = int(mask.sum())
        said = f"{m} chooses {count} places of {x}, and {v} has the shape {given}."
        if tuple(mask.shape) == shape and _fits(given, shape):
            return replace(
                told,
                meaning=said,
                cure=f"To give each place the value that stands there in {v}: {x} = "
                f"torch.where({m}, {v}, {x}).",
                place=frame.place,
            )
        return replace(told, meaning=said, place=frame.place)
    return None


def _fits(one: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    pairs = zip(reversed(one), reversed(whole), strict=False)
    return len(one) <= len(whole) and all(left in (1, right) for left, right in pairs)
