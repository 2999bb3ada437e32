"""One call of a function as its text: which names carry a graph, and what they stand for."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from torch import Tensor, nn

from grader.errors.seen.reading.frames import Frame, file_name, is_library


class Cut(NamedTuple):
    """A line that took a graph away, and how."""

    place: str
    why: str


class Value(NamedTuple):
    """Whether a value carries a graph; if not, what cut it off."""

    graph: bool = False
    cuts: tuple[Cut, ...] = ()


_PLAIN = (type(None), bool, int, float, str)
NOTHING, GRAPH = Value(), Value(True)


def joined(values: list[Value]) -> Value:
    """What is computed of several values: one graph is enough."""
    if any(one.graph for one in values):
        return GRAPH
    return Value(False, tuple(dict.fromkeys(cut for one in values for cut in one.cuts)))


def renamed(names: Mapping[str, Value], owner: str, other: str) -> dict[str, Value]:
    """The attributes of an object, by another name of it: `agent.memory` as `self.memory`."""
    if not owner or not other:
        return {}
    return {
        other + text.removeprefix(owner): value
        for text, value in names.items()
        if text.startswith(f"{owner}.")
    }


def without_frozen(found: tuple[Cut, ...]) -> tuple[Cut, ...]:
    """A frozen model beside the one that was cut off is meant to be frozen."""
    return tuple(one for one in found if "no parameter of" not in one.why) or found


@dataclass
class Scope:
    """One call of a function: what its names are, where its text stands, what it can look up."""

    names: dict[str, Value]
    frame: Frame | None
    file: str
    first: int
    above: Any
    known: dict[str, Any] = field(default_factory=dict)
    """Objects that a name stands for, such as self."""
    off: Cut | None = None
    returned: list[Value] = field(default_factory=list)

    def cut(self, node: ast.AST, why: str) -> Cut:
        """A cut at a node of this text."""
        line = self.first + node.lineno - 1  # type: ignore[attr-defined]
        return Cut(f"{file_name(self.file)}, line {line}", why)

    def looked_up(self, node: ast.AST) -> tuple[bool, Any]:
        """Whether it is known what an expression of names and attributes stands for, and what."""
        if isinstance(node, ast.Attribute):
            is_known, owner = self.looked_up(node.value)
            return (is_known and hasattr(owner, node.attr), getattr(owner, node.attr, None))
        if isinstance(node, ast.Name):
            held = self.frame.names if self.frame is not None else {}
            is_known = node.id in self.known or node.id in held
            return is_known, self.object(node)
        return isinstance(node, ast.Constant), self.object(node)

    def object(self, node: ast.AST) -> Any:
        """What an expression of names and attributes stands for, or None."""
        if isinstance(node, ast.Name):
            if node.id in self.known:
                return self.known[node.id]
            if self.frame is not None and node.id in self.frame.names:
                return self.frame.names[node.id]
            return None if node.id in self.names else self.above.get(node.id)
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Attribute):
            owner = self.object(node.value)
            return getattr(owner, node.attr, None) if owner is not None else None
        return None

    def truth(self, test: ast.expr) -> bool | None:
        """Which way a condition goes, where it is a flag that is known."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            found = self.truth(test.operand)
            return None if found is None else not found
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is | ast.IsNot):
            (is_known, one), (_, other) = map(self.looked_up, (test.left, test.comparators[0]))
            if not is_known or other is not None:
                return None
            return (one is None) == isinstance(test.ops[0], ast.Is)
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq | ast.NotEq):
            sides = [self.looked_up(side) for side in (test.left, test.comparators[0])]
            if not all(is_known and isinstance(side, _PLAIN) for is_known, side in sides):
                return None
            same = bool(sides[0][1] == sides[1][1])
            return same == isinstance(test.ops[0], ast.Eq)
        is_known, value = self.looked_up(test)
        return bool(value) if is_known and isinstance(value, _PLAIN) else None


def holds_graph(value: Any) -> bool:
    """Whether one of the tensors in a list requires grad."""
    inside = list(value)[:64] if isinstance(value, list | tuple) else ()
    return any(isinstance(one, Tensor) and one.requires_grad for one in inside)


def is_own(value: Any) -> bool:
    """Whether the reader wrote a function."""
    code = getattr(inspect.unwrap(value) if callable(value) else value, "__code__", None)
    return code is not None and not is_library(code.co_filename)


def behind(value: Any) -> tuple[FunctionType | None, Any]:
    """The function that a call of this value runs, with the object that it is a method of."""
    if isinstance(value, MethodType):
        return (
            (value.__func__, value.__self__)
            if isinstance(value.__func__, FunctionType)
            else (None, None)
        )
    if isinstance(value, FunctionType):
        return value, None
    if value is None or isinstance(value, type | ModuleType | Tensor):
        return None, None
    method = getattr(type(value), "forward" if isinstance(value, nn.Module) else "__call__", None)
    return (method, value) if isinstance(method, FunctionType) else (None, None)


def of_new(node: ast.Call, scope: Scope) -> tuple[FunctionType | None, Any]:
    """The forward that `Dice()(p, t)` runs, whose object has no name: its class stands for it."""
    kind = scope.object(node.func.func) if isinstance(node.func, ast.Call) else None
    if not isinstance(kind, type) or not issubclass(kind, nn.Module):
        return None, None
    method = kind.forward
    return (method, kind) if isinstance(method, FunctionType) and is_own(method) else (None, None)


def is_made_to_learn(node: ast.Call, name: str, kind: Any) -> bool:
    """A parameter, a leaf that requires grad, or a module that holds some."""
    flags = [one.value for one in node.keywords if one.arg == "requires_grad"]
    flagged = any(isinstance(one, ast.Constant) and one.value is True for one in flags)
    is_module = isinstance(kind, type) and issubclass(kind, nn.Module)
    return flagged or is_module or name in ("Parameter", "requires_grad_")


def defaults(function: FunctionType) -> dict[str, Any]:
    """The numbers, flags and texts that a function takes where it is given none."""
    parameters = inspect.signature(function).parameters.items()
    return {name: one.default for name, one in parameters if isinstance(one.default, _PLAIN)}
