"""A custom Function without its forward or its backward: which, and where that went."""

from __future__ import annotations

import ast
import difflib
from dataclasses import replace
from typing import Any

import torch

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames, file_name
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The method that stands inside of another one, or has another name."""
    lacks = "forward" if "the forward" in message else "backward"
    kinds = {one.__name__ for one in _functions(frames, lacks) if _inherits(one, lacks)}
    classes = [
        (node, file)
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name in kinds
    ]
    if len(classes) != 1:
        return None
    ((kind, file),) = classes
    methods = [one for one in kind.body if isinstance(one, ast.FunctionDef)]
    for method in methods:
        for inner in ast.walk(method):
            if inner is not method and isinstance(inner, ast.FunctionDef) and inner.name == lacks:
                return replace(
                    told,
                    meaning=f"{kind.name} has no {lacks}: its {lacks} is indented into "
                    f"{method.name}, whose local function it is.",
                    cure=f"Indent it, with its @staticmethod, as far as {method.name} itself: a "
                    f"method of {kind.name}.",
                    place=f"{file_name(file)}, line {inner.lineno}",
                )
    near = difflib.get_close_matches(lacks, [one.name for one in methods], 1, 0.75)
    line = next((one.lineno for one in methods if one.name in near), kind.lineno)
    named = f"; {near[0]} is another name" if near else ""
    cure = f"Call it {lacks}." if near else told.cure
    return replace(
        told,
        meaning=f"{kind.name} has no {lacks}{named}.",
        cure=cure,
        place=f"{file_name(file)}, line {line}",
    )


def _functions(frames: Frames, lacks: str) -> list[Any]:
    """The custom Functions of the graph that was differentiated, or that a line applies."""
    if lacks == "forward":
        return [
            looked_up(call.func.value, frames.last)
            for call in failing.calls(frames.last, "apply")
            if isinstance(call.func, ast.Attribute)
        ]
    roots = frames.given("_engine_run_backward").get("t_outputs", ())
    nodes = [node for one in roots if one.grad_fn is not None for node in graph.nodes(one.grad_fn)]
    return [
        getattr(type(node), "_forward_cls", None)
        for node in nodes
        if isinstance(node, torch.autograd.function.BackwardCFunction)
    ]


def _inherits(kind: Any, lacks: str) -> bool:
    """Whether a Function has no method of that name but the one that only raises."""
    return isinstance(kind, type) and getattr(kind, lacks) is getattr(
        torch.autograd.Function, lacks
    )
