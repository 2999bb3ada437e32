"""A loss that is still the 0 that its sum began with: nothing was added to it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, file_name, own_function
from grader.errors.seen.reading.lookup import looked_up

NUMBERS = ("item", "float", "tolist")
"""The calls that make a Python number of a tensor."""


def read(frame: Frame, owner: ast.AST, told: Explained, message: str) -> Explained | None:
    """The line that began a sum at 0, where what the failing line uses is still that number.

    It is sure where the number is seen, and the line too.
    """
    tree = frame.source
    value = looked_up(owner, frame)
    known = isinstance(owner, ast.Name | ast.Attribute)
    is_zero = type(value) in (int, float) and value == 0 if known else "'int'" in message
    if tree is None or not is_zero:
        return None
    name = source.spelled(owner)
    statements = source.assigned(tree, name) if known else [owner]
    numbers = [line for one in statements for line, _ in source.calls(one, *NUMBERS)]
    if numbers and not _is_begun_whole(tree, name, value):
        return None  # the term that item() made may be 0
    places = {frame.place_of(line) for line in _begun(tree, name)} if known else set()
    for statement in statements:
        places |= {frame.place_of(line) for line in _sums(statement)}
        places |= {place for call in _calls(statement) for place in _in_called(call, frame)}
    if not places and not known:
        return None
    is_sure = known and bool(places)
    beside = (
        f" item() in line {numbers[0]} would make a number of it too: leave that out."
        if numbers
        else ""
    )
    began = "still the 0 that its sum began with" if places else "the Python number 0"
    return replace(
        told,
        meaning=f"{name} is {began}: no term was added to it in this pass, so it is no tensor.",
        cure=f"Leave out the step where nothing was added: if torch.is_tensor({_short(name)}): in "
        "front of backward() and step(). Or begin the sum with a zero that the model made, "
        "(out * 0).sum() in the place of 0, where out is a result of the model: backward() then "
        f"gives gradients of zero.{beside}",
        place=places.pop() if len(places) == 1 else "",
        sure=is_sure,
    )


def _is_begun_whole(tree: ast.AST, name: str, value: object) -> bool:
    """Whether a sum began with the integer 0 and is it still: what item() adds makes it a float."""
    return type(value) is int and bool(list(_begun(tree, name)))


def _short(name: str) -> str:
    return name if name.replace(".", "").isidentifier() else "loss"


def _begun(tree: ast.AST, name: str) -> Iterator[int]:
    """The lines that give a name the number 0."""
    for node in source.assigned(tree, name):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs: list[tuple[ast.expr, ast.expr]] = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for one, value in pairs:
                if source.spelled(one) == name and _is_zero(value):
                    yield node.lineno


def _is_zero(node: ast.expr) -> bool:
    constant = node.value if isinstance(node, ast.Constant) else None
    return type(constant) in (int, float) and not constant


def _sums(node: ast.AST) -> Iterator[int]:
    """Calls of Python's sum that are given nothing to begin with."""
    for call in _calls(node):
        if isinstance(call.func, ast.Name) and call.func.id == "sum" and len(call.args) == 1:
            yield call.lineno


def _calls(node: ast.AST) -> list[ast.Call]:
    return [one for one in ast.walk(node) if isinstance(one, ast.Call)]


def _in_called(call: ast.Call, frame: Frame) -> Iterator[str]:
    """Where a function or module of the reader's own begins at 0 the sum that it returns."""
    value = looked_up(call.func, frame)
    value = value.forward if isinstance(value, nn.Module) else value
    value = value.__func__ if inspect.ismethod(value) else value
    if (code := own_function(value)) is None:
        return
    tree, file, first = code
    returned = [
        one.value
        for one in ast.walk(tree)
        if isinstance(one, ast.Return) and one.value and not source.calls(one, *NUMBERS)
    ]
    lines = {line for one in returned for line in _sums(one)}
    for name in {
        source.spelled(one)
        for value in returned
        for one in ast.walk(value)
        if isinstance(one, ast.Name)
    }:
        statements = source.assigned(tree, name)
        if not any(source.calls(one, *NUMBERS) for one in statements):
            lines |= set(_begun(tree, name)) | {n for one in statements for n in _sums(one)}
    for line in lines:
        yield f"{file_name(file)}, line {first + line - 1}"
