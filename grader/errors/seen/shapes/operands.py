"""Two tensors of one operation whose sizes do not meet: which they are, and the view that fits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import named
from grader.errors.seen.reading.sized import shape_of
from grader.errors.seen.shapes import aligned, flattened, headed
from grader.errors.seen.shapes.aligned import Operand

_SIZES = re.compile(
    r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton "
    r"dimension (\d+)"
)
_OF_TWO = {
    *("add", "sub", "mul", "div", "pow", "maximum", "minimum", "lerp", "eq", "ne", "masked_fill"),
}


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The operation of the failing line whose two tensors have the sizes of the text."""
    if (found := _SIZES.search(message)) is None:
        return None
    one, other, dimension = (int(size) for size in found.groups())
    frame = frames.last
    pairs = {
        pair
        for pair in (*_operations(frame), *_compared(frames))
        if _sizes_at(pair, dimension) in ((one, other), (other, one))
        and not _fits(pair[0].shape, pair[1].shape)
    }
    if len({(pair[0].name, pair[1].name) for pair in pairs}) != 1:
        return None
    left, right = min(pairs)
    meaning = (
        f"{left.name} has the shape {left.shape} and {right.name} {right.shape}. Read from the "
        f"right, sizes must be equal or 1, and {one} meets {other}."
    )
    small, large = sorted((left, right), key=lambda side: len(side.shape))
    missing = len(large.shape) - len(small.shape)
    if missing and small.shape and large.shape[: len(small.shape)] == small.shape:
        view = f"[{', '.join([':'] * len(small.shape) + ['None'] * missing)}]"
        sizes = ", ".join(["-1", *map(str, small.shape[1:]), *["1"] * missing])
        return replace(
            told,
            meaning=meaning,
            cure=f"{small.name} has the sizes that {large.name} begins with. If its entries belong "
            f"to those, as one factor of each sample does, give it the others: {small.name}{view}, "
            f"or {small.name}.view({sizes}).",
            place=frame.made(small.name),
        )
    if (of_classes := flattened.of_classes(frame, left, right)) is not None:
        said, cure = of_classes
        return replace(told, meaning=said, cure=cure, place=frame.place)
    values = [named(ast.parse(side.name, mode="eval").body, frame) for side in (left, right)]
    if (head := headed.read(frames, replace(told, meaning=meaning), *values)) is not None:
        return head
    if (brought := aligned.cure(frame, left, right)) is not None:
        cure, place = brought
        return replace(told, meaning=meaning, cure=cure, place=place or frame.place)
    return replace(
        told,
        meaning=meaning,
        cure=f"Look at how {left.name} and {right.name} are made, and at what each dimension "
        "counts: unsqueeze or transpose one of them so that they line up. Where the same dimension "
        "has two lengths, unsqueeze would end the error and pair each entry with every other.",
        place=frame.place,
    )


def _operations(frame: Frame) -> Iterator[tuple[Operand, Operand]]:
    """The operations of the failing line on two tensors whose shapes are known."""
    exact: list[tuple[Operand, Operand]] = []
    every: list[tuple[Operand, Operand]] = []
    for node in failing.on_line(frame):
        sides = _sides(node)
        if sides is None:
            continue
        left, right = (_operand(side, frame) for side in sides)
        if left is not None and right is not None:
            every.append((left, right))
            if (node.col_offset, node.end_col_offset) == frame.columns:  # type: ignore[attr-defined]
                exact.append((left, right))
    yield from exact or every


def _compared(frames: Frames) -> Iterator[tuple[Operand, Operand]]:
    """What the failing line gave to a loss of torch, by the names that it has here."""
    for _, names in frames.within[-2:]:
        given = [names.get("input"), names.get("target")]
        tensors = [one for one in given if isinstance(one, Tensor)]
        known = [frames.name_of(one) for one in tensors]
        if len(tensors) == 2 and all(known):
            left, right = (
                Operand(name, tuple(one.shape), name)
                for name, one in zip(known, tensors, strict=True)
            )
            yield left, right


def _sides(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if isinstance(node, ast.AugAssign):
        return node.target, node.value
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        return node.left, node.comparators[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if ast.unparse(node.func) == "torch.where" and len(node.args) == 3:
            return node.args[0], node.args[1]
        if node.func.attr.rstrip("_") not in _OF_TWO:
            return None
        arguments = [node.func.value, *node.args]
        given = arguments[1:] if ast.unparse(node.func.value) == "torch" else arguments
        return (given[0], given[1]) if len(given) > 1 else None
    return None


def _operand(node: ast.expr, frame: Frame) -> Operand | None:
    """The shape of an expression, and the one variable in it that has this shape too."""
    if (shape := shape_of(node, frame)) is None:
        return None
    text = ast.unparse(node)
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return Operand(text, shape, text)
    inside = {
        ast.unparse(one)
        for one in ast.walk(node)
        if isinstance(one, ast.Name | ast.Attribute)
        and isinstance(value := named(one, frame), Tensor)
        and tuple(value.shape) == shape
    }
    return Operand(text, shape, inside.pop() if len(inside) == 1 else source.in_brackets(node))


def _sizes_at(pair: tuple[Operand, Operand], dimension: int) -> tuple[int, int] | None:
    """The sizes that meet at a dimension of the result."""
    whole = max(len(one.shape) for one in pair)
    sizes = [(1,) * (whole - len(one.shape)) + one.shape for one in pair]
    return (sizes[0][dimension], sizes[1][dimension]) if dimension < whole else None


def _fits(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    pairs = zip(reversed(one), reversed(other), strict=False)
    return all(left == right or 1 in (left, right) for left, right in pairs)
