"""Numbers of parts that were joined into one: the line that counts where each part begins."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frames, file_name, own_function


def counted_wrongly(frames: Frames) -> tuple[str, str, str, str] | None:
    """The one line `offset += edges.size(1)` beside `edges + offset`: the texts, and the place.

    The third text is what is to stand there.

    An offset that grows by the size of what it is added to counts numbers, and not what they
    number.
    """
    found = {
        (summed, counted, right, f"{file_name(file)}, line {first + line - 1}")
        for tree, file, first in _code(frames)
        for summed, counted, right, line in _counted(tree)
    }
    return found.pop() if len(found) == 1 else None


def _code(frames: Frames) -> Iterator[tuple[ast.AST, str, int]]:
    """The files of the frames, and the functions that their loaders join samples with."""
    seen = set()
    for tree, file in frames.files():
        seen.add(file)
        yield tree, file, 1
    for name, one in frames.variables():
        if (code := own_function(one)) is not None and code[1] not in seen and name:
            yield code


def _counted(tree: ast.AST) -> Iterator[tuple[str, str, str, int]]:
    for loop in (node for node in ast.walk(tree) if isinstance(node, source.Loop)):
        for step in ast.walk(loop):
            if not isinstance(step, ast.AugAssign) or not isinstance(step.op, ast.Add):
                continue
            offset, grows = ast.unparse(step.target), step.value
            for node in ast.walk(loop):
                if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
                    continue
                sides = [ast.unparse(node.left), ast.unparse(node.right)]
                if offset in sides:
                    sides.remove(offset)
                    if _is_size_of(grows, sides[0]):
                        right = f"{offset} += {_other_size(loop, sides[0])}"
                        yield ast.unparse(node), ast.unparse(step), right, step.lineno


def _other_size(loop: source.Loop, name: str) -> str:
    """The one other number of rows that the loop asks for, or a name for it."""
    asked = {
        ast.unparse(node)
        for node in ast.walk(loop)
        if isinstance(node, ast.Call | ast.Subscript)
        and not _is_size_of(node, name)
        and re.fullmatch(r"len\(\w+\)|\w+\.size\(0\)|\w+\.shape\[0\]", ast.unparse(node))
    }
    return asked.pop() if len(asked) == 1 else "len(nodes)"


def _is_size_of(node: ast.expr, name: str) -> bool:
    """Whether it is `name.size(1)`, `name.shape[1]` or `len(name)`."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
        return node.value.attr == "shape" and ast.unparse(node.value.value) == name
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute):
        return node.func.attr in ("size", "numel") and ast.unparse(node.func.value) == name
    return ast.unparse(node.func) == "len" and any(ast.unparse(one) == name for one in node.args)
