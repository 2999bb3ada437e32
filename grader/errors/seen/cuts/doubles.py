"""A gradient asked for at one tensor, of a result that another one of the same numbers gave."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.again import graph
from grader.errors.seen.cuts.later import whence
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames
from grader.errors.seen.reading.lookup import looked_up

_MOST_NUMBERS, _MOST_NAMES = 10_000_000, 20


def read(frames: Frames, told: Explained) -> Explained | None:
    """The statement that computes the result from the other tensor, and the same of this one."""
    frame = frames.last
    for result, asked, leaf in _asked(frame):
        for outer, name, there in whence(frames, result.id, ast.unparse(asked)):
            for made, given in _statements(outer, name):
                if (double := _double(given, leaf, there, outer)) is None:
                    continue
                what = ast.unparse(made.targets[0])
                return replace(
                    told,
                    meaning=f"{what} is computed from {double}, {what} = {ast.unparse(given)}; and "
                    f"{there} is another tensor of the same numbers: no graph leads from {what} "
                    "to it.",
                    cure=f"Compute it from {there}: {what} = {_with(given, double, there)}.",
                    place=outer.place_of(made.lineno),
                )
    return None


def _statements(frame: Frame, name: str) -> Iterator[tuple[ast.Assign, ast.expr]]:
    """The statement that made a name's value, and those that made what it was computed from."""
    ahead = [name]
    for one in ahead:
        made = source.assigned(frame.source, one) if frame.source is not None else []
        before = [at for at in made if isinstance(at, ast.Assign) and at.lineno <= frame.line]
        given = source.value_of(before[-1], one) if before else None
        if given is None or len(ahead) > _MOST_NAMES:
            continue
        yield before[-1], given
        inside = (node.id for node in ast.walk(given) if isinstance(node, ast.Name))
        ahead += [other for other in inside if other not in ahead]


def _asked(frame: Frame) -> Iterator[tuple[ast.Name, ast.expr, Tensor]]:
    """The results of the failing call, each with a tensor that it does not lead back to."""
    for call in failing.calls(frame, "grad"):
        keywords = {one.arg: one.value for one in call.keywords}
        result = call.args[0] if call.args else keywords.get("outputs")
        asked = call.args[1] if len(call.args) > 1 else keywords.get("inputs")
        whole = looked_up(result, frame) if result is not None else None
        if not isinstance(result, ast.Name) or not isinstance(whole, Tensor):
            continue
        nodes = graph.nodes(whole.grad_fn) if whole.grad_fn is not None else []
        for one in asked.elts if isinstance(asked, ast.List | ast.Tuple) else [asked]:
            leaf = looked_up(one, frame) if one is not None else None
            if one is None or not isinstance(leaf, Tensor) or leaf.grad_fn in nodes:
                continue
            if not any(other is leaf for other in graph.leaves(nodes)):
                yield result, one, leaf


def _double(given: ast.expr, leaf: Tensor, there: str, frame: Frame) -> str | None:
    """The name in an expression of another tensor that holds the numbers of a leaf."""
    for node in ast.walk(given):
        if not isinstance(node, ast.Name) or node.id == there:
            continue
        value = looked_up(node, frame)
        if not isinstance(value, Tensor) or value is leaf or value.numel() > _MOST_NUMBERS:
            continue
        if value.shape == leaf.shape and value.dtype == leaf.dtype and _same(value, leaf):
            return node.id
    return None


def _same(one: Tensor, other: Tensor) -> bool:
    return one.device == other.device and torch.equal(one.detach(), other.detach())


def _with(given: ast.expr, name: str, other: str) -> str:
    """An expression with another tensor in the place of one."""
    written = copy.deepcopy(given)
    for node in ast.walk(written):
        if isinstance(node, ast.Name) and node.id == name:
            node.id = other
    return ast.unparse(written)
