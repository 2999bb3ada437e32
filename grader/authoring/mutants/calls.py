"""Calls changed: their arguments, what they are called on, names taken for one another."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

ALIKE = {
    "append": ("insert",),
    "backward_pre_hook": ("backward_hook",),
    "buffers": ("parameters",),
    "children": ("modules",),
    "clone": ("detach",),
    "detach": ("clone", "detach_"),
    "enable_grad": ("no_grad",),
    "eval": ("train",),
    "grad_fn": ("grad",),
    "inference_mode": ("no_grad",),
    "is_leaf": ("requires_grad",),
    "max": ("min",),
    "mean": ("sum",),
    "min": ("max",),
    "modules": ("children",),
    "named_buffers": ("named_parameters",),
    "named_children": ("named_modules",),
    "named_modules": ("named_children",),
    "named_parameters": ("named_buffers",),
    "no_grad": ("inference_mode", "enable_grad"),
    "numel": ("dim",),
    "ones_like": ("zeros_like",),
    "parameters": ("buffers",),
    "register_forward_hook": ("register_forward_pre_hook",),
    "register_full_backward_hook": ("register_full_backward_pre_hook",),
    "register_hook": ("register_post_accumulate_grad_hook",),
    "register_post_accumulate_grad_hook": ("register_hook",),
    "requires_grad": ("is_leaf",),
    "reshape": ("view",),
    "std": ("var",),
    "sum": ("mean",),
    "train": ("eval",),
    "untyped_storage": ("storage",),
    "var": ("std",),
    "zeros_like": ("ones_like",),  # what empty_like holds differs from run to run
}
"""Names that are taken for each other, as methods and attributes."""

_WALKS = {"parameters", "named_parameters", "buffers", "named_buffers"}


def arguments(node: ast.Call) -> Iterator[ast.expr]:
    """Two neighbouring arguments exchanged."""
    for swapped in neighbours(node.args):
        yield ast.Call(node.func, swapped, node.keywords)


def keyword(node: ast.Call) -> Iterator[ast.expr]:
    """A keyword argument left out."""
    for i in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, [*node.keywords[:i], *node.keywords[i + 1 :]])


def argument_dropped(node: ast.Call) -> Iterator[ast.expr]:
    """The last argument left out."""
    if len(node.args) > 1:
        yield ast.Call(node.func, node.args[:-1], node.keywords)


def recurse(node: ast.Call) -> Iterator[ast.expr]:
    """A module's own parameters or buffers, without those of its parts."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in _WALKS:
        flag = ast.keyword("recurse", ast.Constant(False))
        yield ast.Call(node.func, node.args, [*node.keywords, flag])


def method(node: ast.Call) -> Iterator[ast.expr]:
    """What a method is called on, in the place of what it gives."""
    if isinstance(node.func, ast.Attribute) and not _is_torch(node.func.value):
        yield node.func.value


def function(node: ast.Call) -> Iterator[ast.expr]:
    """A function's first argument, in the place of what it gives."""
    if node.args and (isinstance(node.func, ast.Name) or _is_torch(node.func)):
        yield node.args[0]


def _is_torch(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("torch", "nn", "F", "functional", "math")


def alike(node: ast.Attribute) -> Iterator[ast.expr]:
    """A name that is taken for this one, and an operation in place that is not."""
    others = ALIKE.get(node.attr, ())
    if node.attr.endswith("_") and not node.attr.endswith("__"):
        others = (node.attr[:-1],)
    for other in others:
        yield ast.Attribute(node.value, other, node.ctx)


def on_the_cpu(node: ast.Call) -> Iterator[ast.expr]:
    """A tensor like another, made from its shape and dtype, and not on its device."""
    if not isinstance(node.func, ast.Attribute) or not node.args:
        return
    name, torch_ = node.func.attr, ast.Name("torch", ast.Load())
    if name.endswith("_like") and _is_torch(node.func):
        like, made = node.args[0], name.removesuffix("_like")
        shape: list[ast.expr] = [ast.Attribute(like, "shape", ast.Load()), *node.args[1:]]
    elif name.startswith("new_"):
        like, made, shape = node.func.value, name.removeprefix("new_"), node.args
    else:
        return
    dtype = ast.keyword("dtype", ast.Attribute(like, "dtype", ast.Load()))
    given = [dtype, *(one for one in node.keywords if one.arg != "dtype")]
    yield ast.Call(ast.Attribute(torch_, made, ast.Load()), shape, given)


def neighbours(items: Sequence[ast.expr]) -> Iterator[list[ast.expr]]:
    """A list with two neighbours exchanged, for each pair of them."""
    for i in range(len(items) - 1):
        yield [*items[:i], items[i + 1], items[i], *items[i + 2 :]]
