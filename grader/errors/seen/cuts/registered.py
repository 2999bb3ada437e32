"""A parameter or a leaf that an operation turned into a plain result on the line that made it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import replace

from grader.errors.explanation import Explained
from grader.errors.seen.again import kept
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames, file_name


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The lines that compute with a leaf as they make it, and the first of them written right."""
    made = [path.replace("[", ".").rpartition(".")[2] for path, _ in kept.opened(frames)]
    made += [name for name, one in frames.tensors() if one.grad_fn is not None]
    found = [
        one
        for one in _turned(frames)
        if one[0].rpartition(".")[2] in made
        and (told.code == "non_leaf_parameter" or "Parameter(" in one[1])
    ]
    if not found:
        return None
    target, written, right, place = found[0]
    others = [one[0] for one in found[1:]]
    same = f" The same goes for {' and '.join(others[:2])}." if others else ""
    what = "a parameter" if "Parameter(" in written else "a leaf"
    lost = " A model does not register it." if "Parameter(" in written else ""
    return replace(
        told,
        meaning=f"{target} is the result of an operation on {what}, and none itself: {target} = "
        f"{written}.{lost}{same}",
        cure=f"Compute the values first, and set the flag last: {target} = {right}.",
        place=place,
    )


def read_called(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one function that the failing line calls and that returns what it computed of a leaf."""
    nodes = failing.on_line(frames.last)
    names = {failing.name_of(one) for one in nodes if isinstance(one, ast.Call)}
    return _of_functions(frames, told, lambda name: name in names)


def read_function(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The one function of this code that does so."""
    return _of_functions(frames, told, lambda name: True)


def _of_functions(
    frames: Frames, told: Explained, is_meant: Callable[[str], bool]
) -> Explained | None:
    found = {
        (f"{file_name(file)}, line {one.lineno}", ast.unparse(one.value), right, node.name)
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and is_meant(node.name)
        for one in ast.walk(node)
        if isinstance(one, ast.Return) and one.value is not None
        if (right := _of_parameter(one.value) or _of_leaf(one.value)) is not None
    }
    if len(found) != 1:
        return None
    ((place, written, right, name),) = found
    return replace(
        told,
        meaning=f"{name}() returns the result of an operation on a leaf, and none itself: "
        f"{written}.",
        cure=f"Compute the values first, and set the flag last: return {right}.",
        place=place,
        sure=False,
    )


def _turned(frames: Frames) -> Iterator[tuple[str, str, str, str]]:
    seen: set[str] = set()
    for tree, file, first in kept.code_of(frames):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign):
                continue
            right = _of_parameter(node.value) or _of_leaf(node.value)
            place = f"{file_name(file)}, line {first + node.lineno - 1}"
            if right is not None and place not in seen:
                seen.add(place)
                yield ast.unparse(node.targets[0]), ast.unparse(node.value), right, place


def _of_parameter(value: ast.expr) -> str | None:
    """`nn.Parameter(t).double()`, written `nn.Parameter(t.double())`; and so for a product."""
    if isinstance(value, ast.BinOp):
        return _of_operation(value)
    methods: list[ast.Call] = []
    inner: ast.expr = value
    while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        if inner.func.attr == "Parameter":
            break
        methods.append(inner)
        inner = inner.func.value
    made = isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith("Parameter")
    if not made or not methods or not isinstance(inner, ast.Call) or not inner.args:
        return None
    if any(
        one.func.attr == "requires_grad_" for one in methods if isinstance(one.func, ast.Attribute)
    ):
        return None
    chain = ast.unparse(value).removeprefix(ast.unparse(inner))
    return f"{ast.unparse(inner.func)}({source.in_brackets(inner.args[0])}{chain})"


def _of_operation(value: ast.BinOp) -> str | None:
    """`nn.Parameter(t) * 0.1`, written `nn.Parameter(t * 0.1)`."""
    plain = copy.deepcopy(value)
    holders = [one for one in ast.walk(plain) if isinstance(one, ast.BinOp)]
    sides = [(one, key) for one in holders for key in ("left", "right")]
    found = [(one, key, call) for one, key in sides if _makes_one(call := getattr(one, key))]
    if len(found) != 1 or ast.unparse(plain).count("Parameter(") != 1:
        return None
    one, key, call = found[0]
    setattr(one, key, call.args[0])
    return f"{ast.unparse(call.func)}({ast.unparse(plain)})"


def _makes_one(node: ast.expr) -> bool:
    made = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Parameter")
    return made and isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords


def _of_leaf(value: ast.expr) -> str | None:
    """`torch.randn(3, requires_grad=True) * 0.1`, written with the flag at the end."""
    if isinstance(value, ast.Call) and any(one.arg == "requires_grad" for one in value.keywords):
        return None
    calls = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)
    if not isinstance(value, ast.BinOp) and not calls:
        return None
    plain = copy.deepcopy(value)
    flagged = [
        one
        for one in ast.walk(plain)
        if isinstance(one, ast.Call)
        and ast.unparse(one.func).startswith("torch.")
        and any(
            key.arg == "requires_grad" and ast.unparse(key.value) == "True" for key in one.keywords
        )
    ]
    if len(flagged) != 1:
        return None
    flagged[0].keywords = [one for one in flagged[0].keywords if one.arg != "requires_grad"]
    return f"{source.in_brackets(plain)}.requires_grad_()"
