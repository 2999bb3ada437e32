"""Whose .grad the failing line asks for and finds empty."""

from __future__ import annotations

import ast

from torch import Tensor

from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame
from grader.errors.seen.reading.lookup import looked_up


def without_gradient(frame: Frame) -> tuple[str, Tensor] | None:
    """The `x.grad` of the failing line that is None, with x's spelling."""
    for node in failing.on_line(frame):
        if isinstance(node, ast.GeneratorExp | ast.ListComp) and (
            one := _gone_through(node, frame)
        ):
            return one
        if isinstance(node, ast.Attribute) and node.attr == "grad":
            value = looked_up(node.value, frame)
            if isinstance(value, Tensor) and (not value.is_leaf or value.grad is None):
                return source.spelled(node.value), value
    return None


def _gone_through(node: ast.GeneratorExp | ast.ListComp, frame: Frame) -> tuple[str, Tensor] | None:
    """Of `p.grad for p in group`: the first of the group without a gradient."""
    elements, over = ast.unparse(node.elt), node.generators[0]
    values = looked_up(over.iter, frame)
    if f"{ast.unparse(over.target)}.grad" not in elements or not isinstance(values, list | tuple):
        return None
    name = ast.unparse(over.iter)
    bare = [
        (i, one) for i, one in enumerate(values) if isinstance(one, Tensor) and one.grad is None
    ]
    return (f"{name}[{bare[0][0]}]", bare[0][1]) if bare else None
