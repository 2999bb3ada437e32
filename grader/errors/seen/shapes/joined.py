"""Tensors that cannot be joined: which of them has which shape, and what brings them together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.sized import number, shape_of

_CATS = ("cat", "concat", "concatenate", "hstack", "vstack")
Named = list[tuple[str, tuple[int, ...]]]
"""Texts of tensors, with their shapes."""


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The tensors of a cat, and the dimension in which they differ."""
    frame = frames.last
    call, parts = next(_joined(frame, *_CATS), (None, []))
    if call is None or len(parts) < 2:
        return None
    name, shape = parts[0]
    other, differs = next(((one, two) for one, two in parts if len(two) != len(shape)), ("", ()))
    said = f"{name} has the shape {shape}"
    if differs:
        said = f"{said}, and {other} {differs}: cat joins tensors of as many dimensions."
        small, large = sorted(((name, shape), (other, differs)), key=lambda one: len(one[1]))
        cure = _spread(small, large)
        return replace(told, meaning=said, cure=cure or told.cure, place=frame.place)
    at = number(failing.argument(call, 1, "dim") or ast.Constant(0), frame)
    if at is None:
        return None
    at %= len(shape)
    for other, two in parts[1:]:
        apart = [n for n, (a, b) in enumerate(zip(shape, two, strict=True)) if a != b and n != at]
        if not apart:
            continue
        said = (
            f"{said}, and {other} {two}. Joined along dimension {at}, they have to agree in all "
            f"others, and dimension {apart[0]} is {shape[apart[0]]} and {two[apart[0]]}."
        )
        return replace(
            told, meaning=said, cure=_brought(name, shape, other, two, at, apart), place=frame.place
        )
    return None


def _brought(
    name: str, shape: tuple[int, ...], other: str, two: tuple[int, ...], at: int, apart: list[int]
) -> str:
    if len(shape) in (3, 4) and min(apart) > 1 and at == 1:
        mode = 'mode="bilinear"' if len(shape) == 4 else 'mode="linear"'
        small, large = (other, name) if "(" in other and "(" not in name else (name, other)
        return (
            f"Bring one to the other's size: F.interpolate({small}, size={large}.shape[2:], "
            f"{mode}) in the place of {small}. Halving an odd size loses a row, and doubling gives "
            "an even one: an input whose sides can be halved as often as the net does it needs "
            "nothing."
        )
    if len(apart) == 1 and shape[at] == two[at]:
        return f"They differ in dimension {apart[0]} alone: join them along that, dim={apart[0]}."
    return (
        f"Bring {other} to the size of {name} in dimension {apart[0]} first, or look at the line "
        "that makes it."
    )


def _spread(small: tuple[str, tuple[int, ...]], large: tuple[str, tuple[int, ...]]) -> str:
    """A vector for each sample beside images or sequences of them."""
    (name, one), (other, whole) = small, large
    if len(one) == 2 and len(whole) == 4 and one[0] == whole[0]:
        return (
            f"If {other} is to become one vector for each sample too: {other}.mean((2, 3)). If "
            f"{name} belongs to every place of the image: {name}[:, :, None, None].expand(-1, -1, "
            f"{whole[2]}, {whole[3]})."
        )
    if len(one) == 2 and len(whole) == 3 and one[0] == whole[0] and whole[1] == 1:
        return f"{other} has a dimension of 1 more: {other}.squeeze(1)."
    if len(one) == 2 and len(whole) == 3 and one[0] == whole[0]:
        return (
            f"If {name} belongs to every position: {name}[:, None].expand(-1, {whole[1]}, -1), "
            f"joined along dim=-1. If {other} is to become one vector for each sample: "
            f"{other}.mean(1)."
        )
    missing = [at for at in range(len(whole)) if (*whole[:at], *whole[at + 1 :]) == one]
    if len(one) + 1 == len(whole) and missing:
        return f"{name} lacks dimension {missing[0]}: {name}.unsqueeze({missing[0]})."
    return ""


def read_stack(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The tensors of a stack, and in what they differ."""
    frame = frames.last
    for call, parts in _joined(frame, "stack", "vstack", "pad_sequence"):
        shapes = [shape for _, shape in parts]
        if len({len(one) for one in shapes}) != 1 or len(set(shapes)) < 2:
            continue
        text = ast.unparse(call.args[0])
        one, two = list(dict.fromkeys(shapes))[:2]
        said = f"{text} holds tensors of the shapes {one} and {two}."
        if len({shape[1:] for shape in shapes}) == 1:
            return replace(
                told,
                meaning=f"{said} They differ in length alone.",
                cure=f"Pad them: pad_sequence({text}, batch_first=True), from "
                "torch.nn.utils.rnn, and keep the lengths, to leave the padding out of means. "
                f"To put one behind the other: torch.cat({text}).",
                place=frame.place,
            )
        return replace(told, meaning=said, cure=_images(one) or told.cure, place=frame.place)
    return None


def _images(shape: tuple[int, ...]) -> str:
    """How images (C, H, W) are brought to one size."""
    if len(shape) != 3 or shape[0] not in (1, 3, 4):
        return ""
    return (
        "Bring them to one size first: F.interpolate(image[None], size=(224, 224), "
        'mode="bilinear")[0] of each.'
    )


def _joined(frame: Frame, *names: str) -> Iterator[tuple[ast.Call, Named]]:
    """The calls of the failing line that join a list, with what of it is known."""
    for call in failing.calls(frame, *names):
        if not call.args:
            continue
        given = call.args[0]
        if isinstance(given, ast.List | ast.Tuple):
            known = [(source.in_brackets(one), shape_of(one, frame)) for one in given.elts]
        else:
            value, text = looked_up(given, frame), ast.unparse(given)
            entries = value if isinstance(value, list | tuple) else []
            known = [
                (f"{text}[{n}]", tuple(one.shape) if isinstance(one, Tensor) else None)
                for n, one in enumerate(entries)
            ]
        found = [(name, shape) for name, shape in known if shape is not None]
        if len(found) == len(known):
            yield call, found
