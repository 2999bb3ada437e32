"""expand, permute and assigned parts whose dimensions do not fit: the call that would."""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.modules.made import made
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.sized import number, shape_of

_CONVOLUTIONS = nn.Conv1d | nn.Conv2d | nn.Conv3d


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """An expand that lacks a dimension of 1, or a part that is given too many entries."""
    frame = frames.last
    for call in failing.calls(frame, "expand"):
        owner, *given = failing.arguments(call)
        if len(given) == 1 and isinstance(given[0], ast.Tuple):
            given = given[0].elts
        shape, sizes = shape_of(owner, frame), [number(one, frame) for one in given]
        if shape is None or None in sizes or len(shape) + 1 != len(sizes):
            continue
        fitting = [
            at
            for at in range(len(sizes))
            if all(
                size in (-1, one) or one == 1
                for size, one in zip(sizes, (*shape[:at], 1, *shape[at:]), strict=True)
            )
        ]
        if len(fitting) != 1:
            continue
        text, other = ast.unparse(owner), copy.deepcopy(call)
        written = f"{text}.unsqueeze({fitting[0]})"
        other.func = ast.Attribute(ast.parse(written, mode="eval").body, "expand", ast.Load())
        return replace(
            told,
            meaning=f"{text} has the shape {shape}, and {tuple(sizes)} is asked for. expand "
            f"repeats dimensions of size 1 alone, and {text} has none in dimension {fitting[0]}.",
            cure=f"Give it one there: {ast.unparse(other)}.",
            place=frame.place,
        )
    return _assigned(frames, told)


def _assigned(frames: Frames, told: Explained) -> Explained | None:
    """A part of a tensor that is given a tensor with another size."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Subscript):
            continue
        part, value = node.targets[0], node.value
        wanted, given = shape_of(part, frame), shape_of(value, frame)
        if wanted is None or given is None:
            continue
        to, text = ast.unparse(part), ast.unparse(value)
        said = f"{to} has the shape {wanted}, and {text}, which is written into it, {given}."
        pairs = list(zip(given, wanted, strict=False))
        apart = [at for at, (one, other) in enumerate(pairs) if one != other]
        if (
            len(given) == len(wanted)
            and len(apart) == 1
            and pairs[apart[0]][0] > pairs[apart[0]][1]
        ):
            (at,) = apart
            cut = ", ".join([":"] * at + [f":{wanted[at]}"])
            odd = " The whole has an odd size there." if pairs[at][0] - pairs[at][1] == 1 else ""
            return replace(
                told,
                meaning=f"{said}{odd}",
                cure=f"Write the part that fits: {to} = ({text})[{cut}].",
                place=frame.place,
            )
        return replace(told, meaning=said, place=frame.place)
    return None


def read_split(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Sizes of parts that add up to something else than the dimension."""
    frame = frames.last
    for call in failing.calls(frame, "split", "split_with_sizes"):
        owner, *given = failing.arguments(call)
        if not given or not isinstance(given[0], ast.List | ast.Tuple):
            continue
        sizes = [number(one, frame) for one in given[0].elts]
        wanted = sum(one for one in sizes if one is not None)
        found = re.search(r"exactly to (\d+)", message)
        if None in sizes or found is None:
            continue
        size, text = int(found[1]), ast.unparse(owner)
        said = f"The parts of {text} add up to {wanted}, and the dimension has {size}."
        layer = looked_up(owner.func, frame) if isinstance(owner, ast.Call) else None
        call_of = made(frames, layer) if isinstance(layer, nn.Linear | _CONVOLUTIONS) else None
        if isinstance(layer, nn.Module) and call_of is not None:
            name = "out_features" if isinstance(layer, nn.Linear) else "out_channels"
            new = ast.unparse(call_of.with_size(1, name, str(wanted)))
            return replace(
                told,
                meaning=f"{said} The line named here makes the layer that gives it.",
                cure=f"If the parts are right, write {new} there.",
                place=call_of.place,
            )
        return replace(told, meaning=said, place=frame.place)
    return None


def read_permute(frames: Frames, told: Explained, message: str) -> Explained | None:
    """A permute that was written with a batch dimension, and an image without, or vice versa."""
    frame = frames.last
    for call in failing.calls(frame, "permute"):
        owner, *given = failing.arguments(call)
        if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List):
            given = given[0].elts
        shape, dims = shape_of(owner, frame), [number(one, frame) for one in given]
        numbers = [one for one in dims if one is not None]
        if shape is None or len(numbers) != len(dims):
            continue
        text, said = source.in_brackets(owner), ""
        if len(dims) == len(shape) + 1 and numbers[0] == 0:
            said, new = "there is no batch in front", [one - 1 for one in numbers[1:]]
        elif len(dims) + 1 == len(shape):
            said, new = "a batch stands in front", [0, *(one + 1 for one in numbers)]
        if said:
            return replace(
                told,
                meaning=f"{text} has the shape {shape}, {len(shape)} dimensions, and permute "
                f"names {len(dims)}: {said}.",
                cure=f"Write {text}.permute({', '.join(map(str, new))}).",
                place=frame.place,
            )
    return None
