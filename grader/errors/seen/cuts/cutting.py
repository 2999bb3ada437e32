"""Lines of code that may cut a gradient's way, told from the text, with reasons."""

from __future__ import annotations

import ast

from torch import Tensor

from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame
from grader.errors.seen.reading.lookup import looked_up

_CUTS = {
    "item": "item() makes a number",
    "tolist": "tolist() makes numbers",
    "numpy": "numpy() leaves torch",
    "detach": "detach() cuts",
    "argmax": "argmax gives integers",
    "no_grad": "nothing is recorded under no_grad",
    "inference_mode": "nothing is recorded in inference mode",
    "tensor": "torch.tensor copies values alone",
    "from_numpy": "NumPy's arrays have no graph",
    "round": "",
    "long": "integers have no gradient",
    "int": "integers have no gradient",
    "bool": "truth values have no gradient",
    "float": "",
}


_NUMBERS = ("float", "double", "half", "int", "long", "to", "type")
"""What makes numbers of truth values."""


def _is_compared(node: ast.AST) -> bool:
    """Whether numbers are made of a comparison: `(p > 0.5).float()`, `torch.ge(p, 0.5)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr in ("gt", "ge", "lt", "le"):
        return True
    compared = node.func.value
    return node.func.attr in _NUMBERS and isinstance(compared, ast.Compare) and _is_held(compared)


def _is_held(compared: ast.Compare) -> bool:
    """Whether something is compared that has a name: numbers that are drawn there have no graph."""
    names = {one.id for one in ast.walk(compared) if isinstance(one, ast.Name)}
    return bool(names - {"torch", "np", "numpy"})


def _is_written_out(node: ast.expr) -> bool:
    """Whether it is a number, or a list of numbers, as it stands in the text."""
    if isinstance(node, ast.List | ast.Tuple):
        return all(_is_written_out(one) for one in node.elts)
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def _of_plain_numbers(tree: ast.AST, frame: Frame | None) -> set[int]:
    """Lines on which a variable that holds no tensor is made another number of: no graph is lost.

    That is what torch.tensor is given, and Python's own int and bool.
    """
    lines = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        of_python = isinstance(node.func, ast.Name) and node.func.id in ("int", "bool")
        if not of_python and getattr(node.func, "attr", "") != "tensor":
            continue
        if node.args and _is_written_out(node.args[0]):
            lines.add(node.lineno)
        value = looked_up(node.args[0], frame) if node.args and frame is not None else None
        inside = value if isinstance(value, list | tuple) else [value]
        if value is not None and not any(isinstance(one, Tensor) for one in inside):
            lines.add(node.lineno)
    return lines


def cuts(tree: ast.AST, frame: Frame | None = None) -> list[tuple[int, str]]:
    """Lines that may cut, with reasons; of a frame without those that its variables rule out."""
    found = [(line, _CUTS[name]) for line, name in source.calls(tree, *_CUTS) if _CUTS[name]]
    plain = _of_plain_numbers(tree, frame)
    found = [(line, why) for line, why in found if line not in plain]
    for node in ast.walk(tree):
        if _is_compared(node):
            found.append((node.lineno, "a comparison has no gradient"))  # type: ignore[attr-defined]
        if not isinstance(node, ast.Attribute) or node.attr != "data":
            continue
        if not isinstance(node.ctx, ast.Store):
            found.append((node.lineno, ".data has no graph"))
    return sorted(set(found))
