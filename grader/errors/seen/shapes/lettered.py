"""An einsum whose letters do not fit: which letter stands for which size in which tensor."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.sized import shape_of


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The operand with another number of dimensions, or the letter that has two sizes."""
    frame = frames.last
    for call in failing.calls(frame, "einsum"):
        first, *rest = call.args
        if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
            continue
        letters = first.value.replace(" ", "").partition("->")[0].split(",")
        if len(letters) != len(rest) or "." in first.value:
            continue
        sizes: dict[str, tuple[int, str]] = {}
        for word, node in zip(letters, rest, strict=True):
            name, shape = source.in_brackets(node), shape_of(node, frame)
            if shape is None:
                break
            if len(shape) != len(word):
                return replace(
                    told,
                    meaning=f"{name} has the shape {shape}, {len(shape)} dimensions, and {word} "
                    f"names {len(word)}.",
                    cure=_cure(name, shape, word),
                    place=frame.place,
                )
            for letter, size in zip(word, shape, strict=True):
                known, other = sizes.setdefault(letter, (size, name))
                if known != size and 1 not in (known, size):
                    return replace(
                        told,
                        meaning=f"The letter {letter} is {known} in {other} and {size} in {name}, "
                        f"of the shape {shape}.",
                        cure=f"Give the letters of {name} in the order of its dimensions, in the "
                        f"place of {word}, or move its dimensions to that order. If {known} and "
                        f"{size} are meant to differ, give them two letters.",
                        place=frame.place,
                    )
    return None


def _cure(name: str, shape: tuple[int, ...], word: str) -> str:
    if len(shape) == len(word) + 1 and 1 in shape:
        at = shape.index(1)
        return f"Take the dimension of 1 out: {name}.squeeze({at})."
    return f"Give {name} one letter for each of its dimensions, in the place of {word}."
