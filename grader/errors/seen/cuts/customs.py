"""A custom Function that torch.func, or a second derivative, does not take: which, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

import torch

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.again.passes import start_of
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames, file_name
from grader.errors.seen.reading.lookup import looked_up


def read_setup(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The forward of the Function that the failing line applies, written in two methods."""
    kinds = [
        kind
        for call in failing.calls(frames.last, "apply")
        if isinstance(call.func, ast.Attribute)
        and isinstance(kind := looked_up(call.func.value, frames.last), type)
    ]
    found = _method(frames, kinds[0].__name__, "forward") if len(kinds) == 1 else None
    if found is None:
        return None
    forward, file = found
    names = [one.arg for one in forward.args.args]
    if not names:
        return None
    ctx, *given = names
    inputs = f"{', '.join(given)}{',' if len(given) == 1 else ''} = inputs"
    rule = ""
    if "vmap" in {name for frame in frames.own for name in _calls(frame.source)}:
        rule = (
            " For vmap also say how it takes a batch: generate_vmap_rule = True in the class, if "
            "its methods use torch's operations alone."
        )
    return replace(
        told,
        meaning=f"{told.meaning[:-1]}: {kinds[0].__name__}.forward({', '.join(names)}).",
        cure=f"Split it: forward({', '.join(given)}) computes and returns, and a second static "
        f"method, setup_context({ctx}, inputs, output), begins with {inputs} and does what "
        f"forward did with {ctx}.{rule}",
        place=f"{file_name(file)}, line {forward.lineno}",
    )


def read_once(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The backward that is marked, of a Function in the graph that was differentiated."""
    _, root = start_of(frames)
    nodes = graph.nodes(root.grad_fn) if root is not None and root.grad_fn is not None else []
    used = {
        getattr(type(node), "_forward_cls", type(None)).__name__
        for node in nodes
        if isinstance(node, torch.autograd.function.BackwardCFunction)
    }
    marked = {
        kind.name: f"{file_name(file)}, line {mark.lineno}"
        for kind, method, file in _methods(frames)
        for mark in method.decorator_list
        if ast.unparse(mark).endswith("once_differentiable")
    }
    mine = [name for name in marked if name in used] or list(marked)
    if len(mine) != 1:
        return None
    return replace(
        told,
        meaning=f"The backward of {mine[0]} is marked @once_differentiable: it is not recorded, so "
        "its gradient has no gradient.",
        place=marked[mine[0]],
    )


def _method(frames: Frames, kind: str, name: str) -> tuple[ast.FunctionDef, str] | None:
    found = [
        (method, file)
        for one, method, file in _methods(frames)
        if (one.name, method.name) == (kind, name)
    ]
    return found[0] if len(found) == 1 else None


def _methods(frames: Frames) -> Iterator[tuple[ast.ClassDef, ast.FunctionDef, str]]:
    for tree, file in frames.files():
        for kind in ast.walk(tree):
            for method in kind.body if isinstance(kind, ast.ClassDef) else ():
                if isinstance(kind, ast.ClassDef) and isinstance(method, ast.FunctionDef):
                    yield kind, method, file


def _calls(tree: ast.AST | None) -> Iterator[str]:
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call):
            yield failing.name_of(node)
