"""A result that a freed graph is only a part of: the value that brings that part in, by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from grader.errors.seen.again import graph
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames


def freed(frames: Frames, results: list[Tensor]) -> tuple[str, str, str] | None:
    """Meaning, cure and line, where one variable brings all that is freed into kept results.

    The failing pass has freed a part itself, of those that it came to. One that it did not come to
    tells which leaves lie behind what an earlier pass freed, and which do not.
    """
    apart = next((found for one in results if (found := _leaves_apart(one)) is not None), None)
    if apart is None:
        return None
    for _, name, value in sorted(_variables(frames), key=lambda one: -one[0]):
        for result in reversed(results):
            every = graph.nodes(result.grad_fn)
            if value.grad_fn is result.grad_fn or value.grad_fn not in every:
                continue
            mine = _ids(graph.nodes(value.grad_fn))
            rest = _ids(graph.nodes(result.grad_fn, value.grad_fn))
            if not rest or rest & apart or not mine <= apart:
                continue
            code, line = _detached(frames, name, value)
            return (
                f"{name} brings a graph along that an earlier backward went through and freed, and "
                "this loss still hangs on it. What the loss is to train lies elsewhere.",
                f"{code} It is a number to this loss then, and what it was computed from is "
                "trained by the earlier backward alone.",
                line,
            )
    return None


def _leaves_apart(result: Tensor) -> set[int] | None:
    """The leaves behind the freed part of a graph, where the other part is whole and has some."""
    every = graph.nodes(result.grad_fn)
    gone = [one for one in every if graph.is_freed(one)]
    behind = _ids([below for one in gone for below in graph.nodes(one)])
    return behind if gone and _ids(every) - behind else None


def _ids(nodes: list[Any]) -> set[int]:
    return {id(one) for one in graph.leaves(nodes)}


def _variables(frames: Frames) -> Iterator[tuple[int, str, Tensor]]:
    """The tensors with a graph that the frames name, each with the number of its node."""
    for frame in reversed(frames.own):
        for name, value in frame.variables.items():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                yield value.grad_fn._sequence_nr(), name, value


def _detached(frames: Frames, name: str, value: Tensor) -> tuple[str, str]:
    """The cure, and the line that makes a name's value: there, where one statement reads it.

    Where several do, one of them leads to the earlier backward, which needs its graph.
    """
    for frame in reversed(frames.own):
        tree = frame.source if frame.variables.get(name) is value else None
        for one in reversed(source.assigned(tree, name)) if tree is not None else ():
            if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == name:
                reading = [node for node in _simple(tree) if source.reads(node, name)]
                code = f"{name} = {source.in_brackets(one.value)}.detach()"
                place = frame.place_of(one.lineno)
                if len(reading) == 1:
                    return f"Detach it where it is made: {code}.", place
                break
    return f"Compute what is kept with {name}.detach() in the place of {name}.", ""


def _simple(tree: ast.AST | None) -> list[ast.stmt]:
    kinds = ast.Assign | ast.AugAssign | ast.Expr | ast.Return
    return [one for one in ast.walk(tree) if isinstance(one, kinds)] if tree is not None else []
