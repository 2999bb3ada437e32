"""A result that its own operation saved, and that a later line of the same function edits."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.in_place import buffers
from grader.errors.seen.reading import ran, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name
from grader.errors.seen.reading.lookup import looked_up

_MAKER = re.compile(r"which is output \d+ of (\w+?)(?:Backward\d*)?, is at version")
_OPERATORS: dict[type[ast.operator], tuple[str, ...]] = {
    ast.Add: ("add",),
    ast.Sub: ("sub", "rsub"),
    ast.Mult: ("mul",),
    ast.Div: ("div",),
    ast.Pow: ("pow",),
    ast.MatMult: ("mm", "mv", "bmm", "dot"),
}
_OUT, _CLONE = "Use the out-of-place operation:", "Edit a clone:"
_IN_PLACE = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)


class Edit(NamedTuple):
    """A line that edits a name in place, its text, and what is to stand there instead."""

    name: str
    line: int
    written: str
    instead: str
    of_tensor: bool
    """Whether only a tensor can be edited so."""
    operation: frozenset[str] = frozenset()
    """What a node of this edit is called."""
    augmented: bool = False
    """Whether it is written `x += y`."""


def read(frames: Frames, told: Explained, message: str, node: str) -> Explained | None:
    """The one line that edits what the operation of the message made; None unless it is one."""
    maker = _MAKER.search(message)
    if maker is None:
        return None
    found = {}
    for tree, file, first in buffers.code_of(frames):
        for edit, statement in _edited(tree, maker[1].lower()):
            place = f"{file_name(file)}, line {first + edit.line - 1}"
            known = edit.of_tensor or _is_tensor(frames, edit.name, place)
            if not known and not _is_computed(getattr(statement, "value", None)):
                continue
            if _may_have_run(frames, tree, edit.line):
                found[place] = edit, first + statement.lineno - 1, known
    if len(found) != 1:
        return None
    ((place, (edit, made, known)),) = found.items()
    return replace(
        told,
        meaning=f"{node} saved a tensor for its backward: {edit.name}, which line {made} made. "
        f"{edit.written} edited it in place afterwards.",
        cure=f"{edit.instead}.",
        place=place,
        sure=known,
    )


def _is_computed(value: ast.AST | None) -> bool:
    """A call, or a product of matrices: what is no number."""
    product = isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult)
    return product or isinstance(value, ast.Call)


def edits_on(frame: Frame) -> list[Edit]:
    """The edits of the failing line."""
    found = _edits(frame.source) if frame.source is not None else ()
    return [one for one in found if one.line == frame.line]


def edits_of(tree: ast.AST, name: str) -> list[Edit]:
    """The edits of one name, but for its gradient."""
    return [one for one in _edits(tree) if one.name == name]


def edits_in(code: ast.AST) -> list[Edit]:
    """The edits that a statement or a function holds."""
    return list(_edits(code))


def _may_have_run(frames: Frames, tree: ast.AST, line: int) -> bool:
    """Whether an edit ran: of a function that has returned it is not known, and taken for so."""
    mine = [number for number, one in enumerate(frames.own) if _is_same(one.source, tree)]
    return all(ran.when(frames, number, line) != ran.NEVER for number in mine)


def _is_tensor(frames: Frames, name: str, place: str) -> bool:
    """Whether the frame that a place lies in knows a tensor of this name."""
    file = place.rpartition(", line ")[0]
    node = ast.parse(name, mode="eval").body
    mine = [one for one in frames.own if file_name(one.file) == file]
    return any(isinstance(looked_up(node, one), Tensor) for one in mine)


def _is_same(one: ast.AST | None, other: ast.AST) -> bool:
    return one is not None and ast.dump(one) == ast.dump(other)


def _edited(tree: ast.AST, maker: str) -> Iterator[tuple[Edit, ast.stmt]]:
    """Edits of a name that an operation of this kind gave its value, with its statement.

    A message may also name the operation that edited, which made what the name holds now; a part
    of a tensor that is written to goes by the name of its view.
    """
    for edit in _edits(tree):
        before = [
            one
            for one in source.assigned(tree, edit.name)
            if one.lineno < edit.line and not isinstance(one, ast.AugAssign)  # type: ignore[attr-defined]
        ]
        made = _operation(getattr(before[-1], "value", None)) if before else set()
        edited = edit.operation & _named(maker) and not any(_reaches(one) for one in before)
        if before and (made & _named(maker) or edited):
            yield edit, before[-1]  # type: ignore[misc]


def _reaches(statement: ast.AST) -> bool:
    """Whether it makes a tensor of its own that no graph leads to, as zeros and clone do."""
    value = getattr(statement, "value", None)
    name = getattr(value.func, "attr", "") if isinstance(value, ast.Call) else ""
    return name in ("zeros", "ones", "empty", "clone", "zeros_like", "ones_like", "empty_like")


def _named(maker: str) -> set[str]:
    return {maker, maker.removeprefix("unsafe"), maker.removeprefix("linalg")}


def _operation(value: ast.AST | None) -> set[str]:
    """The operation that an expression ends with, as a node of the graph may be called."""
    if isinstance(value, ast.BinOp):
        return set(_OPERATORS.get(type(value.op), ()))
    name = getattr(value.func, "attr", "") if isinstance(value, ast.Call) else ""
    if isinstance(value, ast.Call) and ast.unparse(value.func).startswith(("math.", "np.")):
        return set()
    return {name.replace("_", "").lower()} - {""}


def _edits(tree: ast.AST) -> Iterator[Edit]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name | ast.Attribute):
            name = ast.unparse(node.target)
            instead = f"{_OUT} {name} = {_not_in_place(node)}"
            if isinstance(node.op, _IN_PLACE):
                kinds = frozenset(_OPERATORS[type(node.op)])
                yield Edit(name, node.lineno, ast.unparse(node), instead, False, kinds, True)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
            instead = (
                f"Make the part anew, part = {_not_in_place(node)}, and compute with that; "
                "torch.cat puts parts together again"
            )
            name = ast.unparse(node.target.value)
            yield Edit(name, node.lineno, ast.unparse(node), instead, False, _VIEWS)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            name = ast.unparse(node.targets[0].value)
            instead = f"{_CLONE} {name} = {name}.clone() in front of {ast.unparse(node)}"
            yield Edit(name, node.lineno, ast.unparse(node), instead, False)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method, name = node.func.attr, ast.unparse(node.func.value)
            if name in _FUNCTIONS:
                yield from _of_function(node)
            elif method.endswith("_") and not method.endswith("__"):
                instead = _out_of_place(node, name)
                kinds = frozenset({method.replace("_", "").lower()})
                yield Edit(name, node.lineno, ast.unparse(node), instead, True, kinds)


def _not_in_place(node: ast.AugAssign) -> str:
    """`y * (a + b)` for `y *= a + b`: with the brackets that it then needs."""
    return ast.unparse(ast.BinOp(node.target, node.op, node.value))


_FUNCTIONS = ("torch", "F", "functional", "nn.functional", "torch.nn.functional")
"""What holds functions that are given the tensor which they edit."""


def _of_function(node: ast.Call) -> Iterator[Edit]:
    """`torch.sigmoid_(x)`, or `F.relu(x, inplace=True)`."""
    plain, function = copy.deepcopy(node), node.func
    flagged = [one for one in node.keywords if one.arg == "inplace"]
    is_set = any(isinstance(one.value, ast.Constant) and one.value.value for one in flagged)
    if not isinstance(function, ast.Attribute) or not isinstance(plain.func, ast.Attribute):
        return
    method = function.attr
    if not node.args or not (is_set or (method.endswith("_") and not method.endswith("__"))):
        return
    plain.keywords = [one for one in plain.keywords if one.arg != "inplace"]
    plain.func.attr = method.removesuffix("_")
    name, named = ast.unparse(node.args[0]), isinstance(node.args[0], ast.Name | ast.Attribute)
    instead = f"{_OUT} {f'{name} = ' if named else ''}{ast.unparse(plain)}"
    kinds = frozenset({method.replace("_", "").lower()})
    yield Edit(name, node.lineno, ast.unparse(node), instead, True, kinds)


class _OutOfPlace(ast.NodeTransformer):
    """Writes functions and methods that edit as those that make a new tensor."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Attribute) and re.fullmatch(r"\w*[a-z0-9]_", function.attr):
            plain = function.attr.removesuffix("_")
            function.attr = plain if hasattr(Tensor, plain) else function.attr
        return node


def out_of_place(frame: Frame) -> str:
    """The failing statement with new tensors in the place of edits, if it names what it gets."""
    for node in ast.walk(frame.source) if frame.source is not None else ():
        if isinstance(node, ast.Assign) and node.lineno <= frame.line <= (node.end_lineno or 0):
            return ast.unparse(_OutOfPlace().visit(copy.deepcopy(node)))
    return ""


_VIEWS = frozenset({"asstrided", "copyslices", "slice", "select"})


def _out_of_place(node: ast.Call, name: str) -> str:
    """`x = x.mul(2)` for `x.mul_(2)`; of a method that has no such twin, on a clone.

    Where no name can be given anew, as of a call or an entry of a tuple, the result has its own.
    """
    assert isinstance(node.func, ast.Attribute)
    named = isinstance(node.func.value, ast.Name | ast.Attribute)
    result = name if named else "part"
    method = node.func.attr.removesuffix("_")
    given = ", ".join([*map(ast.unparse, node.args), *map(ast.unparse, node.keywords)])
    if hasattr(Tensor, method):
        return f"{_OUT} {result} = {name}.{method}({given})"
    return f"{_CLONE} {result} = {name}.clone().{node.func.attr}({given})"
