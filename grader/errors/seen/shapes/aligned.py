"""Two shapes that do not meet entry by entry: what brings the one to the other."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, file_name, own_class
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.sized import number, shape_of

Said = tuple[str, str]
"""The cure, and the place of what is to change where that is not the failing line."""


class Operand(NamedTuple):
    """A side of an operation: its text, its shape, and the variable that has this shape."""

    text: str
    shape: tuple[int, ...]
    name: str


def cure(frame: Frame, one: Operand, other: Operand) -> Said | None:
    """What to change of two operands, by the first rule that fits."""
    for rule in _RULES:
        if (said := rule(frame, one, other) or rule(frame, other, one)) is not None:
            return said
    return None


def _turned(frame: Frame, one: Operand, other: Operand) -> Said | None:
    """The same sizes in another order: channels last beside channels first, or a transpose."""
    a, b = one.shape, other.shape
    if len(a) != len(b) or a == b:
        return None
    if len(b) == 4 and b == (a[0], a[2], a[3], a[1]):
        return f"{other.name} has its channels last: {other.name}.permute(0, 3, 1, 2).", ""
    if len(b) == 3 and b == (a[0], a[2], a[1]):
        return (
            f"They have the same sizes in another order: turn the one that is wrong, "
            f"{other.name}.transpose(1, 2) or {one.name}.transpose(1, 2).",
            "",
        )
    if len(b) == 2 and b == (a[1], a[0]):
        return (
            f"They have the same sizes in another order: turn the one that is wrong, "
            f"{other.name}.T or {one.name}.T.",
            "",
        )
    return None


def _short(frame: Frame, one: Operand, other: Operand) -> Said | None:
    """A slice that asks for more rows than there are: a table of positions that is too short."""
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Subscript) or ast.unparse(node) != one.text:
            continue
        cut = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        whole = shape_of(node.value, frame)
        for at, part in enumerate(cut):
            end = number(part.upper, frame) if isinstance(part, ast.Slice) else None
            if whole is not None and end is not None and end > whole[at]:
                name = ast.unparse(node.value)
                return (
                    f"{name} has {whole[at]} entries in dimension {at}, and {end} are asked for: "
                    f"make it for {end} or more, or give at most {whole[at]} of what it is added "
                    "to.",
                    _made_in_class(frame, name),
                )
    return None


def _larger(frame: Frame, one: Operand, other: Operand) -> Said | None:
    """A mask or a table of the longest sequence, beside a shorter one: its part."""
    a, b = one.shape, other.shape
    if not one.name.startswith("self.") or not 0 < len(a) <= len(b):
        return None
    pairs = list(zip(a, b[len(b) - len(a) :], strict=True))
    if not all(size in (1, wanted) or size > wanted > 1 for size, wanted in pairs):
        return None
    ends = [
        f":{other.name}.shape[{at - len(a)}]" if size not in (1, wanted) else ":"
        for at, (size, wanted) in enumerate(pairs)
    ]
    while ends[-1] == ":":
        ends.pop()
    return (
        f"{one.name} was made for the longest: take the part for this one, "
        f"{one.name}[{', '.join(ends)}].",
        "",
    )


def _in_rows(frame: Frame, one: Operand, other: Operand) -> Said | None:
    """Samples that lie in rows, beside the same ones in their own form."""
    rows, whole = one.shape, other.shape
    if not rows or len(whole) <= len(rows) or len(rows) > 2 or math.prod(rows) != math.prod(whole):
        return None
    if len(rows) == 2 and rows[0] != whole[0]:
        return None
    flat = ".flatten(1)" if len(rows) == 2 else ".flatten()"
    each = "each sample in one row" if len(rows) == 2 else "all of them in one row"
    return (
        f"They have the same number of entries, and {one.name} has {each}: write "
        f"{other.name}{flat} in the place of {other.name}. Or give {one.name} that form, "
        f"{one.name}.view_as({other.name}).",
        "",
    )


def _table(frame: Frame, one: Operand, other: Operand) -> Said | None:
    """A parameter or a buffer of a module that has too few entries in one dimension."""
    a, b = one.shape, other.shape
    held = looked_up(ast.parse(one.name, mode="eval").body, frame) if one.name else None
    if not one.name.startswith("self.") or not isinstance(held, Tensor) or not 0 < len(a) <= len(b):
        return None
    pairs = list(zip(a, b[len(b) - len(a) :], strict=True))
    short = [at for at, (size, wanted) in enumerate(pairs) if size not in (1, wanted)]
    if len(short) != 1 or pairs[short[0]][0] > pairs[short[0]][1]:
        return None
    (at,) = short
    size, wanted = pairs[at]
    more = " A class token in front is one position more." if wanted - size == 1 else ""
    return (
        f"Make {one.name} with {wanted} entries in dimension {at}, in the place of {size}.{more}",
        _made_in_class(frame, one.name),
    )


def _skipped(frame: Frame, one: Operand, other: Operand) -> Said | None:
    """What brings images on to the size and channels that layers have made of them."""
    small, large = sorted((one, other), key=lambda side: side.shape[-1:])
    if len(small.shape) != 4 or len(large.shape) != 4 or small.shape[0] != large.shape[0]:
        return None
    if small.shape[1] == large.shape[1] and abs(small.shape[2] - large.shape[2]) < 3:
        resized = (
            f"Bring one to the other's size: F.interpolate({small.name}, size={large.name}"
            ".shape[2:]), or pad the layers between them so that they keep the size."
        )
        return resized, ""
    steps = {-(-big // less) for big, less in zip(large.shape[2:], small.shape[2:], strict=True)}
    if len(steps) != 1 or min(large.shape[2], small.shape[2]) == 0:
        return None
    (step,) = steps
    stride = f", stride={step}" if step > 1 else ""
    through = (
        f"If {large.name} goes around layers that give {small.name}, let it go through one too: "
        f"self.skip = nn.Conv2d({large.shape[1]}, {small.shape[1]}, 1{stride}) in __init__, and "
        f"self.skip({large.name}) in the place of {large.name} here."
    )
    return through, ""


def _made_in_class(frame: Frame, name: str) -> str:
    """The one line of the class that gives `self.name` its value, or registers it."""
    code = own_class(type(frame.names.get("self")))
    if code is None:
        return ""
    attribute = name.removeprefix("self.")
    lines = [one.lineno for one in source.assigned(code[0], name)]  # type: ignore[attr-defined]
    for node in ast.walk(code[0]):
        if isinstance(node, ast.Call) and failing.name_of(node).startswith("register_"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and first.value == attribute:
                lines.append(node.lineno)
    return f"{file_name(code[1])}, line {lines[0]}" if len(lines) == 1 else ""


Rule = Callable[[Frame, Operand, Operand], Said | None]
_RULES: tuple[Rule, ...] = (_turned, _in_rows, _short, _larger, _table, _skipped)
