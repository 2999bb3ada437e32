"""A call that makes its tensor anew, where the gradient of what it is made of is meant."""

from __future__ import annotations

import ast

from torch import Tensor

from grader.errors.seen.reading.frames import Frame, own_function
from grader.errors.seen.reading.lookup import looked_up

MADE_NOW = (
    "Make that tensor first, compute the result from it, and ask for its gradient; or ask for the "
    "whole tensor's and take the part out."
)


def of_leaf(asked: ast.expr, frame: Frame) -> str | None:
    """The cure where a method without arguments computes of one leaf: ask for that leaf."""
    if not isinstance(asked, ast.Call) or asked.args or asked.keywords:
        return None
    method = asked.func
    owner = looked_up(method.value, frame) if isinstance(method, ast.Attribute) else None
    function = getattr(looked_up(method, frame), "__func__", None)
    code = own_function(function)
    if owner is None or code is None or not isinstance(method, ast.Attribute):
        return None
    names = {
        one.attr
        for one in ast.walk(code[0])
        if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "self"
    }
    leaves = [one for one in sorted(names) if _is_leaf(getattr(owner, one, None))]
    if len(leaves) != 1:
        return None
    leaf, made = f"{ast.unparse(method.value)}.{leaves[0]}", ast.unparse(asked)
    return (
        f"Ask for the gradient of {leaf}, of which {made} is computed and which every call of it "
        f"shares. For that of {made} itself make it once, t = {made}, compute the result from t, "
        "and ask for t."
    )


def _is_leaf(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_leaf and value.requires_grad
