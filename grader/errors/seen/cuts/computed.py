"""A result that an optimizer is given: what computed it, and how it becomes a leaf there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_class
from grader.errors.seen.reading.lookup import looked_up


def read_attribute(frames: Frames, told: Explained) -> Explained | None:
    """The same of what an object keeps: `self.prompt`, which another method computed."""
    return _of([one for one in _results(frames.last) if "." in one[0]], frames, told)


def read(frames: Frames, told: Explained) -> Explained | None:
    """The one statement that computed what the failing line hands to the optimizer."""
    return _of(list(_results(frames.last)), frames, told)


def _of(results: list[tuple[str, Tensor]], frames: Frames, told: Explained) -> Explained | None:
    frame = frames.last
    for name, value in results:
        made = list(_made(frames, frame, name))
        if len(made) != 1 or value.grad_fn is None:
            continue
        ((statement, place),) = made
        given = source.value_of(statement, name)
        if given is None or not isinstance(statement, ast.Assign):
            continue
        trained = _leaf_in(given, frame)
        if trained is not None and isinstance(given, ast.Subscript):
            return _of_part(told, name, given, trained, place)
        if trained is not None:
            return replace(
                told,
                meaning=f"{name} is the result of an operation on {trained}, and no leaf: {name} = "
                f"{ast.unparse(given)}.",
                cure=f"Give the optimizer {trained} in its place, and compute {name} from it anew "
                "in every step.",
                place=place,
            )
        leaf = f"{source.in_brackets(given)}.detach().clone().requires_grad_()"
        return replace(
            told,
            meaning=f"{name} is the result of an operation, and no leaf, whatever its flag says: "
            f"{name} = {ast.unparse(given)}.",
            cure=f"Let the value be the leaf: {name} = {leaf}, and compute the loss from {name}. "
            "If what it was computed from is to be trained, give the optimizer that in its place.",
            place=place,
        )
    return None


def _of_part(told: Explained, name: str, given: ast.Subscript, whole: str, place: str) -> Explained:
    """A part of a leaf: it alone is to be trained, or all of the leaf."""
    return replace(
        told,
        meaning=f"{name} is a part of {whole}, and no leaf: {name} = {ast.unparse(given)}.",
        cure=f"To train that part alone, make it a leaf of its own: {name} = {ast.unparse(given)}"
        f".detach().clone().requires_grad_(), and compute from {name} what is to learn. To train "
        f"all of {whole}, give the optimizer that, and take the part anew in every step.",
        place=place,
    )


def _leaf_in(given: ast.expr, frame: Frame) -> str | None:
    """The leaf that an expression computes from, by its name."""
    for node in ast.walk(given):
        if isinstance(node, ast.Name | ast.Attribute):
            value = looked_up(node, frame)
            if isinstance(value, Tensor) and value.is_leaf and value.requires_grad:
                return ast.unparse(node)
    return None


def _results(frame: Frame) -> Iterator[tuple[str, Tensor]]:
    """The names and attributes of the failing line that hold recorded results."""
    seen: set[str] = set()
    for call in failing.on_line(frame):
        for node in ast.walk(call) if isinstance(call, ast.Call) else ():
            if not isinstance(node, ast.Name | ast.Attribute) or ast.unparse(node) in seen:
                continue
            seen.add(ast.unparse(node))
            value = looked_up(node, frame)
            if isinstance(value, Tensor) and value.grad_fn is not None:
                yield ast.unparse(node), value


def _made(frames: Frames, frame: Frame, name: str) -> Iterator[tuple[ast.AST, str]]:
    """Statements that give a name its value: of a frame, or of an attribute in any method."""
    if "." not in name:
        for one in source.assigned(frame.source, name) if frame.source is not None else ():
            if one.lineno < frame.line:  # type: ignore[attr-defined]
                yield one, frame.place_of(one.lineno)  # type: ignore[attr-defined]
        return
    own = own_class(type(frame.names.get("self"))) if name.startswith("self.") else None
    for tree, file in [own] if own is not None else frames.files():
        for one in source.assigned(tree, name):
            yield one, f"{file_name(file)}, line {one.lineno}"  # type: ignore[attr-defined]
