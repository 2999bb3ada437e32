"""Channels or features that do not divide into groups or heads: the numbers that do."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up

_PAIRS = (
    ("embed_dim", "num_heads"),
    ("num_channels", "num_groups"),
    ("in_channels", "groups"),
    ("out_channels", "groups"),
)
_PLACES = {"num_heads": 1, "num_groups": 0, "groups": 6}


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The two numbers that the failing line gave, and the parts that the first has."""
    names = frames.given("__init__")
    frame = frames.last
    for whole, parts in _PAIRS:
        size, count = names.get(whole), names.get(parts)
        if type(size) is not int or type(count) is not int or count < 1 or size % count == 0:
            continue
        fitting = [n for n in range(1, size + 1) if size % n == 0]
        below = max(n for n in fitting if n <= count)
        above = min((n for n in fitting if n >= count), default=below)
        near = " or ".join(map(str, sorted({below, above})))
        text = _text(frames, parts)
        return replace(
            told,
            meaning=f"{whole} is {size} and {parts} {count}: {size} divided by {count} leaves "
            f"{size % count}.",
            cure=f"Choose {text} so that it divides {size}: {near}. Or change {size} to a multiple "
            f"of {count}, such as {size + count - size % count}.",
            place=frame.place,
        )
    return None


def _text(frames: Frames, parts: str) -> str:
    """How the failing line spells the number of parts."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.Call) or not isinstance(looked_up(node.func, frame), type):
            continue
        words = [one.value for one in node.keywords if one.arg == parts]
        at = _PLACES[parts]
        found = node.args[at] if len(node.args) > at else next(iter(words), None)
        if found is not None and not isinstance(found, ast.Constant):
            return ast.unparse(found)
    return parts
