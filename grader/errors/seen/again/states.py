"""What a module keeps from call to call: a state that goes in again, or a value computed once."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from grader.errors.seen.again import graph
from grader.errors.seen.cuts import detached
from grader.errors.seen.reading import opening, source
from grader.errors.seen.reading.frames import Frames, file_name, is_library


@dataclass(frozen=True)
class Kept:
    """An attribute that a method reads before it gives it a value."""

    name: str
    value: Any
    cached: str
    """The line that computes it once; empty for a state that each call makes anew."""
    summed: bool = False
    """Whether every call adds to it."""
    begun: str = ""
    """The parameter that it is computed from where it is None; empty for a state of zeros."""


def kept(frames: Frames, hanging: dict[str, Tensor]) -> list[Kept]:
    """The attributes of modules that come from an earlier step with their graph."""
    inner: dict[str, Any] = {
        f"{name}.{path}" if path else name: part
        for name, module in frames.modules()
        for path, part in module.named_modules()
    }
    return _kept(inner, hanging)


def kept_by_objects(frames: Frames, hanging: dict[str, Tensor]) -> list[Kept]:
    """The same of objects that are no modules, such as an agent or a trainer."""
    own: dict[str, Any] = {}
    for name, one in opening.opened(frames.variables(), is_library):
        if opening.is_own(one, is_library) and not isinstance(one, nn.Module):
            own.setdefault(name, one)  # the innermost frame's self comes first
    return _kept(own, hanging)


def _kept(owners: dict[str, Any], hanging: dict[str, Tensor]) -> list[Kept]:
    return [
        Kept(
            f"{name}.{attribute}",
            value,
            _cached_at(type(one), attribute),
            isinstance(value, Tensor) and value.numel() == 1 and _is_sum(type(one), attribute),
            f"{name}.{begun}" if (begun := _begun(one, attribute)) else "",
        )
        for name, one in owners.items()
        for attribute, value in (vars(one) | getattr(one, "_buffers", {})).items()
        if _has_graph(value, hanging) and _is_state(type(one), attribute)
    ]


def _begun(owner: Any, attribute: str) -> str:
    """The parameter that a method computes an attribute from where there is none yet."""
    name = f"self.{attribute}"
    trained = {
        key
        for key, one in (owner.named_parameters() if isinstance(owner, nn.Module) else ())
        if one.requires_grad
    }
    for method, _ in source.methods(type(owner)):
        for test in ast.walk(method):
            if not isinstance(test, ast.If) or not _asks_for(test.test, name):
                continue
            for made in (one for part in test.body for one in source.assigned(part, name)):
                found = [key for key in trained if source.reads(made, f"self.{key}")]
                if len(found) == 1:
                    return found[0]
    return ""


def is_cached(body: list[ast.stmt], name: str) -> ast.stmt | None:
    """The first statement that computes a value, if it does so only where there is none yet."""
    given = {id(one): one for statement in body for one in source.assigned(statement, name)}
    guarded = {
        id(one): one
        for statement in body
        for test in ast.walk(statement)
        if isinstance(test, ast.If) and _asks_for(test.test, name)
        for part in test.body
        for one in source.assigned(part, name)
    }
    made = [one for one in given.values() if not _is_constant(one)]
    if not made or any(id(one) not in guarded or source.reads(one, name) for one in made):
        return None
    return made[0] if isinstance(made[0], ast.stmt) else None


def trained(frames: Frames, value: Tensor) -> str:
    """The names of the parameters that a value was computed from, two at most; or nothing."""
    leaves = graph.leaves(graph.nodes(value.grad_fn)) if value.grad_fn is not None else []
    names = [name for name in map(frames.name_of, leaves) if name]
    return " and ".join(names) if 0 < len(names) < 3 else ""


def _is_sum(kind: type, attribute: str) -> bool:
    name = f"self.{attribute}"
    return any(
        is_added_to(source.assigned(method, name), name)
        for method, _ in source.methods(kind)
        if method.name != "__init__"
    )


def is_added_to(statements: list[ast.AST], name: str) -> bool:
    """Whether a statement adds to a name: `total += loss`, `total = total + loss`."""
    return any(
        (isinstance(one, ast.AugAssign) and isinstance(one.op, ast.Add))
        or (isinstance(one, ast.Assign) and name in _terms(one.value))
        for one in statements
    )


def _terms(node: ast.expr) -> list[str]:
    """The terms of a sum; of what is no sum, none."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)):
        return []
    sides = (node.left, node.right)
    return [one for side in sides for one in (_terms(side) or [source.spelled(side)])]


def _is_constant(statement: ast.AST) -> bool:
    return isinstance(getattr(statement, "value", None), ast.Constant)


def _asks_for(test: ast.expr, name: str) -> bool:
    """`self.table is None`, `not hasattr(self, "table")`."""
    owner, _, attribute = name.rpartition(".")
    wanted = (f"{name} is None", f"not hasattr({owner}, {attribute!r})")
    return source.spelled(test) in wanted


def _has_graph(value: Any, hanging: dict[str, Tensor]) -> bool:
    parts = list(value) if isinstance(value, tuple | list) else [value]
    return any(one is other for one in parts for other in hanging.values()) or any(
        isinstance(one, Tensor) and one.grad_fn is not None for one in parts
    )


def _is_state(kind: type, attribute: str) -> bool:
    """Whether a method reads an attribute with its graph before it gives it a value."""
    name = f"self.{attribute}"
    return any(
        method.name != "__init__"
        and source.assigned(method, name)
        and source.is_read_first(method.body, name)
        and not detached.is_detached(method.body, name)
        for method, _ in source.methods(kind)
    )


def _cached_at(kind: type[nn.Module], attribute: str) -> str:
    found = ""
    for method, first in source.methods(kind):
        name = f"self.{attribute}"
        if method.name == "__init__":
            continue
        made = [one for one in source.assigned(method, name) if not _is_constant(one)]
        if not made:
            continue
        if (statement := is_cached(method.body, name)) is None:
            return ""
        file = file_name(source.file_of(kind))
        found = found or f"{file}, line {first + statement.lineno - 1}"
    return found
