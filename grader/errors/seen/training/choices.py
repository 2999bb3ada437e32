"""A tensor's value that chooses the way where it cannot: under vmap, and in compiled code."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frame, Frames, file_name, is_library
from grader.errors.seen.reading.lookup import looked_up

_TRACED = re.compile(r'File "([^"\n]+)", line (\d+), in ')
_NUMBERS = {"item", "tolist", "float", "int", "bool", "numpy"}


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The line of the function under vmap: an if, a while or an assert, or a call for a number."""
    frame = frames.last
    if (found := _test(frame)) is not None:
        test, numbers = found
        without = f", without {numbers[0]}()" if numbers else ""
        return replace(
            told,
            meaning=f"{test} asks for one truth, and under vmap a tensor stands for those of all "
            "samples: each has its own.",
            cure=f"Compute both ways and choose entry by entry, with the same condition{without}: "
            "torch.where(condition, a, b) in the place of if condition: a, else: b.",
            place=frame.place,
        )
    if (call := _number(frame)) is not None:
        return replace(
            told,
            meaning=f"{call} asks for one number, and under vmap a tensor stands for those of all "
            "samples: each has its own.",
            cure="Keep the tensor in the place of the number, and compute with it by torch's "
            f"functions: write {_inside(call)} in the place of {call}.",
            place=frame.place,
        )
    return None


def read_compiled(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The last line of the reader's own code that the compiler was reading."""
    _, _, traced = message.partition("from user code:")
    own = [found for found in _TRACED.findall(traced) if not is_library(found[0])]
    return replace(told, place=f"{file_name(own[-1][0])}, line {own[-1][1]}") if own else None


def _inside(call: str) -> str:
    """`x[0]` of `float(x[0])` and of `x[0].item()`."""
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    owner = node.func.value if isinstance(node.func, ast.Attribute) else node.args[0]
    return ast.unparse(owner)


def _test(frame: Frame) -> tuple[str, list[str]] | None:
    """The condition that stands on the failing line, and the calls for a number in it."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if not isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            continue
        names = [one for one in ast.walk(node.test) if isinstance(one, ast.Name)]
        plain = [isinstance(looked_up(one, frame), bool | int | float | str) for one in names]
        if plain and all(plain):
            continue  # a flag or a setting: its truth is known
        if node.test.lineno <= frame.line <= (node.test.end_lineno or node.test.lineno):
            word = {ast.While: "while", ast.Assert: "assert"}.get(type(node), "if")
            calls = [_called(one) for one in ast.walk(node.test) if isinstance(one, ast.Call)]
            numbers = [one for one in calls if one in _NUMBERS]
            return f"{word} {ast.unparse(node.test)}", numbers
    return None


def _number(frame: Frame) -> str | None:
    """The one call of the failing line that takes a number out of a tensor."""
    found = {
        ast.unparse(node)
        for node in failing.on_line(frame)
        if isinstance(node, ast.Call) and _called(node) in _NUMBERS
    }
    return found.pop() if len(found) == 1 else None


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))
