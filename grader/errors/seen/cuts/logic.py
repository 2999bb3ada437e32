"""Truth values in a loss: `logical_and` of masks, which has no gradient, and what stands for it."""

from __future__ import annotations

import ast

from grader.errors.seen.again import kept
from grader.errors.seen.reading.frames import Frames, file_name

WORDS = {
    "logical_and": "a * b",
    "logical_or": "a + b - a * b",
    "logical_xor": "a + b - 2 * a * b",
    "logical_not": "1 - a",
}
"""What gives truth values, and the same of probabilities."""
WHY = "truth values have no gradient"


def instead(frames: Frames, lines: set[str]) -> str:
    """What is to stand in the place of each in the functions that these lines are part of."""
    found: dict[str, str] = {}
    for tree, file, first in kept.code_of(frames):
        nodes = [one for one in ast.walk(tree) if hasattr(one, "lineno")]
        places = {f"{file_name(file)}, line {first + one.lineno - 1}" for one in nodes}
        if not places & lines:
            continue
        for node in nodes:
            name = node.func.attr if _is_method(node) else ""  # type: ignore[attr-defined]
            if name in WORDS:
                found[name] = f"{WORDS[name]} for {name} (line {first + node.lineno - 1})"
    told = list(found.values())
    if not told:
        return ""
    return f" Write {', and '.join(told)}: these give truth values, which have no gradient either."


def _is_method(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
