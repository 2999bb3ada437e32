"""A view that does not hold its tensor's entries, or lies across them: what would fit."""

from __future__ import annotations

import ast
import copy
import math
from dataclasses import replace
from typing import NamedTuple

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.sized import number, shape_of


class _View(NamedTuple):
    """A call of view or reshape: the tensor's text and shape, and the sizes that are asked."""

    call: ast.Call
    name: str
    shape: tuple[int, ...]
    sizes: tuple[ast.expr, ...]
    asked: tuple[int, ...]


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """Which sizes hold another number of entries, and those that hold as many."""
    frame = frames.last
    found = _view(frame)
    if found is None:
        return None
    whole = math.prod(found.shape)
    said = f"{found.name} has the shape {found.shape}, {whole} numbers."
    place = frame.place
    for rule in (_undivided, _other_batch, _other_size, _other_row):
        if (one := rule(frame, found)) is not None:
            return replace(told, meaning=f"{said} {one[0]}", cure=one[1], place=place)
    held = math.prod(found.asked)
    if -1 not in found.asked:
        return replace(told, meaning=f"{said} {found.asked} holds {held}.", place=place)
    if held == whole == 0:
        return replace(told, meaning=f"{said} Of nothing, -1 could be any length.", place=place)
    return replace(
        told,
        meaning=f"{said} That is no multiple of {-held}, of which {found.asked} is made.",
        place=place,
    )


def read_stride(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The view of the failing line, as a reshape."""
    for call in failing.calls(frames.last, "view"):
        if isinstance(call.func, ast.Attribute):
            other = copy.deepcopy(call)
            other.func = ast.Attribute(call.func.value, "reshape", ast.Load())
            return replace(
                told,
                meaning=f"{told.meaning} That is {ast.unparse(call.func.value)} here.",
                cure=f"Write {ast.unparse(other)}: reshape copies where it must. An edit in "
                "place of a copy would not reach the tensor.",
                place=frames.last.place,
            )
    return None


def _view(frame: Frame) -> _View | None:
    for call in failing.calls(frame, "view", "reshape"):
        owner, *sizes = failing.arguments(call)
        if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
            sizes = sizes[0].elts
        shape, asked = shape_of(owner, frame), [number(one, frame) for one in sizes]
        if shape is not None and None not in asked:
            numbers = tuple(one for one in asked if one is not None)
            return _View(call, source.in_brackets(owner), shape, tuple(sizes), numbers)
    return None


def _written(found: _View, at: int, text: str) -> str:
    sizes = [ast.unparse(one) for one in found.sizes]
    sizes[at] = text
    return f"{found.name}.{failing.name_of(found.call)}({', '.join(sizes)})"


def _undivided(frame: Frame, found: _View) -> tuple[str, str] | None:
    """The last dimension cut into parts by a division that leaves a rest."""
    if len(found.asked) < 3:
        return None
    features, (parts, size) = found.shape[-1], found.asked[-2:]
    for count, one in ((parts, found.sizes[-2]), (size, found.sizes[-1])):
        if count > 0 and parts * size == features - features % count and features % count:
            fitting = [n for n in range(1, features + 1) if features % n == 0]
            near = sorted(fitting, key=lambda n: abs(n - count))[:2]
            name = ast.unparse(one)
            return (
                f"Its last dimension, {features}, is cut into {parts} parts of {size}, which makes "
                f"{parts * size}: {features} // {count} leaves a rest.",
                f"Choose {name} so that it divides {features}, such as "
                f"{' or '.join(map(str, sorted(near)))}; or another number of features, such as "
                f"{features - features % count}.",
            )
    return None


def _other_batch(frame: Frame, found: _View) -> tuple[str, str] | None:
    """A batch size that is written, beside a batch of another size."""
    first, *rest = found.asked
    if not found.shape or first in (-1, found.shape[0]) or not rest:
        return None
    each = math.prod(found.shape[1:])
    if (-1 not in rest and math.prod(rest) == each) or (
        -1 in rest and each % -math.prod(rest) == 0
    ):
        text = ast.unparse(found.sizes[0])
        return (
            f"There are {found.shape[0]} samples, and {text} says {first}: a last batch is "
            "smaller, for one.",
            f"Take the size from the tensor: {_written(found, 0, f'len({found.name})')}.",
        )
    return None


def _other_size(frame: Frame, found: _View) -> tuple[str, str] | None:
    """One size of a sample that is another one than arrives."""
    first, *rest = found.asked
    if len(rest) < 2 or -1 in rest or first not in (-1, found.shape[0]):
        return None
    each, held = math.prod(found.shape[1:]), math.prod(rest)
    for at, size in enumerate(rest, 1):
        others = held // size if size else 0
        if others and each % others == 0 and each != held:
            return (
                f"Each sample has {each}, and {tuple(rest)} holds {held}.",
                f"If {found.name} is right, write {_written(found, at, str(each // others))}.",
            )
    return None


def _other_row(frame: Frame, found: _View) -> tuple[str, str] | None:
    """Rows of another length than a sample has: view(-1, features)."""
    if len(found.asked) != 2 or found.asked[0] != -1 or len(found.shape) < 2:
        return None
    each = math.prod(found.shape[1:])
    if each == found.asked[1]:
        return None
    return (
        f"Each sample has {each}, and rows of {found.asked[1]} are asked for.",
        f"Write {found.name}.flatten(1), which keeps the batch, and make the Linear behind it for "
        f"{each} features.",
    )


def read_kind(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The size that is a float, and the division that made it one."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        value, name = looked_up(node, frame), ast.unparse(node)
        if type(value) is not float:
            continue
        made = source.assigned(frame.source, name) if frame.source is not None else []
        before = [one for one in made if one.lineno < frame.line]  # type: ignore[attr-defined]
        given = source.value_of(before[-1], name) if before else None
        if given is None:
            continue
        whole = whole_division(given)
        if not value.is_integer() or ast.unparse(whole) == ast.unparse(given):
            continue
        return replace(
            told,
            meaning=f"{name} is {value}, a float, and a size is a whole number. The division "
            f"{ast.unparse(given)} gives a float even where it divides evenly.",
            cure=f"Write {ast.unparse(whole)} there.",
            place=frame.place_of(before[-1].lineno),  # type: ignore[attr-defined]
        )
    return None


def whole_division(node: ast.expr) -> ast.expr:
    """The same with // in the place of /."""
    found = _Whole().visit(copy.deepcopy(node))
    assert isinstance(found, ast.expr)
    return found


class _Whole(ast.NodeTransformer):
    """Puts // in the place of /."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return (
            ast.BinOp(node.left, ast.FloorDiv(), node.right)
            if isinstance(node.op, ast.Div)
            else node
        )
