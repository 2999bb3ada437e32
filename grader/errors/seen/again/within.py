"""A second backward within one step: of a state of the pass before it, of a sum that went on."""

from __future__ import annotations

import ast
from typing import NamedTuple

from torch import Tensor

from grader.errors.seen.again import second, starts
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame
from grader.errors.seen.reading.lookup import looked_up


class State(NamedTuple):
    """What is said of a state that a backward of this very step freed."""

    meaning: str
    cure: str
    is_it: bool
    """Whether it is the state by which the two passes hang together."""


def state(frame: Frame, root: Tensor, names: str, words: tuple[str, str]) -> State | None:
    """A carried state whose graph an earlier backward of the same step freed; None if none did.

    A state that is older than that backward's loss was made by the one forward pass of both: it
    is beside the matter.
    """
    scope = starts.around(frame)
    shared = next(starts.sharing(scope, frame, root), None) if scope is not None else None
    values = [_first(name, frame) for name in names.split(", ")]
    if shared is None or any(one is None for one in values):
        return None
    start = shared[0]
    newer = all(_number(one) > _number(start.value) for one in values if one is not None)
    comes, its, them = ("come", "their", "them") if len(values) > 1 else ("comes", "its", "it")
    them = "its parts" if words is second.CARRIED_PARTS else them
    return State(
        f"{second.spoken(names)} {comes} from the forward pass before this one: {start.call} "
        f"({frame.place_of(start.at[0])}) freed {its} graph, and this loss still hangs on it.",
        f"Detach {them} behind every backward, in front of the next forward pass: "
        f"{second.detaching(words, names)}. With retain_graph=True the graph would grow with "
        "every pass.",
        newer,
    )


def _first(name: str, frame: Frame) -> Tensor | None:
    """The tensor of a name, or the first one of a tuple's."""
    value = looked_up(ast.parse(name, mode="eval").body, frame)
    parts = value if isinstance(value, list | tuple) else [value]
    return next((one for one in parts if isinstance(one, Tensor) and one.grad_fn), None)


def _number(value: Tensor) -> int:
    return int(value.grad_fn._sequence_nr()) if value.grad_fn is not None else 0


def given_anew(scope: ast.AST, first: starts.Start, line: int) -> list[ast.stmt]:
    """The statements between two backward calls that give their loss's name another value."""
    return [
        one
        for one in source.assigned(scope, first.name)
        if isinstance(one, ast.stmt) and first.at[0] < one.lineno < line
    ]


def summed(
    scope: ast.AST, frame: Frame, first: starts.Start, given: list[ast.stmt]
) -> tuple[str, str, str]:
    """Of a sum to which more was added behind its backward: meaning, cure and place."""
    name = first.name
    added = next(one for one in given if source.reads(one, name))
    at = _outermost(scope, added, first.at[0])
    return (
        f"{name} still holds what {first.call} ({frame.place_of(first.at[0])}) went back through: "
        "more was added to the same sum behind it, and that backward freed the older part's graph.",
        f"Begin a new sum there: write {name} = 0 in front of line {at}. Only if one backward is "
        f"to train on both parts, leave out the first.",
        frame.place_of(added.lineno),
    )


def _outermost(scope: ast.AST, inside: ast.stmt, behind: int) -> int:
    """The line of the outermost block behind a line that a statement lies in, or its own."""
    blocks = [
        one.lineno
        for one in ast.walk(scope)
        if isinstance(one, ast.stmt)
        and behind < one.lineno <= inside.lineno <= (one.end_lineno or one.lineno)
    ]
    return min(blocks)
