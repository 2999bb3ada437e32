"""A detach whose result nothing keeps: `h.detach()` as a statement changes no tensor."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from grader.errors.seen.again import kept
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name
from grader.errors.seen.reading.lookup import looked_up

_WORD = re.compile(r"\w+")
_SAID = re.compile(r" (?:comes?|holds?|was|were|is|are) ")
"""What follows the names that a meaning begins with."""


class Discarded(NamedTuple):
    """The statement, what is to stand there, and where it stands."""

    written: str
    cure: str
    place: str


def the_one(frames: Frames, meaning: str) -> Discarded | None:
    """The one statement of the reader's that detaches a tensor and drops the result.

    Only if it is about what `meaning` names, as far as the text tells.
    """
    found: dict[str, Discarded | None] = {}
    for frame in frames.own:
        for call, owner in _detaching(frame.source):
            if not _is_about(frame.source, owner, meaning):
                found[frame.place_of(call.lineno)] = None
                continue
            value = looked_up(owner, frame)
            is_other = value is not None and not isinstance(value, Tensor)
            said = Discarded(source.spelled(call), _cure(frame.source, owner), "")
            found[frame.place_of(call.lineno)] = None if is_other else said
    for tree, file, first in kept.code_of(frames):
        for call, owner in _detaching(tree):
            said = Discarded(source.spelled(call), _cure(tree, owner), "")
            found.setdefault(f"{file_name(file)}, line {first + call.lineno - 1}", said)
    real = [one._replace(place=place) for place, one in found.items() if one is not None]
    return real[0] if len(real) == 1 else None


def _detaching(tree: ast.AST | None) -> Iterator[tuple[ast.Call, ast.expr]]:
    """The statements that call detach() and nothing else, each with what is detached."""
    for one in ast.walk(tree) if tree is not None else ():
        call = one.value if isinstance(one, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr == "detach" and not call.args:
            yield call, call.func.value


def _is_about(tree: ast.AST | None, owner: ast.expr, meaning: str) -> bool:
    """Whether what is said names what is detached, or what the loop goes over that gives it."""
    name = source.spelled(owner)
    loop = source.loop_of(tree, owner.lineno) if tree is not None else None
    over = loop.iter if isinstance(loop, ast.For) and name in source.spelled(loop.target) else owner
    names = {one.id for one in ast.walk(over) if isinstance(one, ast.Name)} - {"self", "range"}
    names |= {one.attr for one in ast.walk(over) if isinstance(one, ast.Attribute)}
    return bool(names & set(_WORD.findall(_SAID.split(meaning)[0])))


def _cure(tree: ast.AST | None, owner: ast.expr) -> str:
    """The statement that cuts: of a loop's own variable in place, of any other by its name."""
    name = source.spelled(owner)
    loop = source.loop_of(tree, owner.lineno) if tree is not None else None
    if isinstance(loop, ast.For) and name in source.spelled(loop.target):
        return (
            f"Write {name}.detach_() there, which cuts the tensor itself. Where that is a view, "
            "which cannot be cut in place, put a detached one where it is kept."
        )
    return f"Write {name} = {name}.detach() there."
