"""A comparison of two tensors in a loss, and the slope that stands for the step that it makes."""

from __future__ import annotations

import ast

from grader.errors.seen.again import kept
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name

_SIGNS = {ast.Gt: (0, 1), ast.GtE: (0, 1), ast.Lt: (1, 0), ast.LtE: (1, 0)}
"""Which side is taken away from which, so that the sigmoid is near 1 where the sign holds."""


def instead(frames: Frames, lines: set[str]) -> str | None:
    """The cure of such comparisons on these lines; None where one side is a plain number."""
    found: dict[str, str] = {}
    numbers = _numbers(frames)
    whole = ((tree, file, 1) for tree, file in frames.files())
    for tree, file, first in (*whole, *kept.code_of(frames)):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Compare):
                continue
            if f"{file_name(file)}, line {first + node.lineno - 1}" not in lines:
                continue
            sides = [node.left, *node.comparators]
            pair = _SIGNS.get(type(node.ops[0]))
            if pair is None or len(sides) != 2 or any(_is_number(one, numbers) for one in sides):
                return None
            more, less = (source.in_brackets(sides[at]) for at in pair)
            found[ast.unparse(node)] = f"torch.sigmoid(({more} - {less}) / t)"
    if not found:
        return None
    told = ", ".join(f"{text} for {was}" for was, text in list(found.items())[:3])
    return (
        f"A comparison is a step, and has no gradient. Write a slope in its place: {told}; where "
        "two hold together, & becomes *. t is how wide the slope is, in the unit of what is "
        "compared: take it wide enough that a few values lie on it, such as 0.1 of their range."
    )


def _numbers(frames: Frames) -> set[str]:
    """The names that stand for plain numbers somewhere: variables, attributes, arguments."""
    found = {name for name, value in frames.variables() if isinstance(value, int | float)}
    for _, model in frames.modules():
        for part in model.modules():
            found |= {name for name, one in vars(part).items() if isinstance(one, int | float)}
    for tree, _ in frames.files():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg and _is_constant(node.value):
                found.add(node.arg)
            if isinstance(node, ast.arguments):
                given = node.args[-len(node.defaults) :] if node.defaults else []
                pairs = [*zip(given, node.defaults, strict=False)]
                found |= {one.arg for one, value in pairs if _is_constant(value)}
    return found


def _is_constant(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant)


def _is_number(node: ast.expr, numbers: set[str]) -> bool:
    name = getattr(node, "attr", getattr(node, "id", ""))
    return _is_constant(node) or name in numbers
