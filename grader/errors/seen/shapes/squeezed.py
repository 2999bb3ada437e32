"""A squeeze without a dimension that takes a batch of one away as well."""

from __future__ import annotations

import ast
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.reading.frames import Frames, file_name


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one squeeze() of the reader's files that names no dimension."""
    found = [
        (node, f"{file_name(file)}, line {node.lineno}")
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "squeeze"
        and not node.keywords
        and len(node.args) == (1 if ast.unparse(node.func.value) == "torch" else 0)
    ]
    if len(found) != 1:
        return None
    (node, place) = found[0]
    text = ast.unparse(node)
    named = f"{text[:-1]}, -1)" if node.args else f"{text[:-1]}-1)"
    return replace(
        told,
        meaning=f"{told.meaning} {text} on the line named here takes away every dimension of 1, "
        "that of a batch of one too, such as a last one.",
        cure=f"Name the dimension that it is to take: {named}. Then a batch of one keeps the "
        "shape (1,).",
        place=place,
        sure=False,
    )
