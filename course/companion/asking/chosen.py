"""An optimizer that was made of the last part of a model alone, as a line says."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from torch import nn

from course.companion.asking import statements
from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.surroundings import Surroundings, held

Making = Callable[[str, str], list[tuple[str, ast.AST]]]


def part(one: Finding, around: Surroundings, making: Making) -> Finding:
    """The same, or a remark: the one line that makes the optimizer names the part that it holds.

    Only of a part behind all that is not held: a head that is trained on what a net gives.
    """
    if one.code != "not_in_optimizer" or len(around.optimizers) != 1:
        return one
    ((name, optimizer),) = around.optimizers.items()
    lines = making(name, type(optimizer).__name__)
    owner = _owner(lines[0][1]) if len(lines) == 1 else None
    mine = {id(tensor) for tensor in held(optimizer)}
    models = [(key, model) for key, model in around.models.items() if _ends_with(model, mine)]
    if owner is None or len(models) != 1:
        return one
    key, model = models[0]
    named = [path for path, inner in model.named_modules() if _ids(inner) == mine and path]
    if not any(_is_spelled(owner, path) for path in named):
        return one
    file, node = lines[0]
    place = Place(file, getattr(node, "lineno", 0))
    words: dict[str, Any] = {"optimizer": name, "part": ast.unparse(owner), "model": key}
    return found("part_alone", tensor=one.tensor, place=place, **words)


def _owner(node: ast.AST) -> ast.Attribute | ast.Subscript | None:
    """`model.head` of `opt = SGD(model.head.parameters(), ...)`."""
    value = getattr(node, "value", None)
    given = value.args[0] if isinstance(value, ast.Call) and value.args else None
    called = given.func if isinstance(given, ast.Call) else None
    if statements.name_of(called) != "parameters" or not isinstance(called, ast.Attribute):
        return None
    is_part = isinstance(called.value, ast.Attribute | ast.Subscript)
    return called.value if is_part else None  # type: ignore[return-value]


def _is_spelled(owner: ast.Attribute | ast.Subscript, path: str) -> bool:
    """Whether an expression may be a part of this path: its last name, or any index."""
    last = path.rpartition(".")[2]
    return last.isdigit() if isinstance(owner, ast.Subscript) else owner.attr == last


def _ends_with(model: nn.Module, mine: set[int]) -> bool:
    """Whether these are the last parameters of a model, and not all of them."""
    order = [id(one) in mine for one in model.parameters() if one.requires_grad]
    return any(order) and not all(order) and order == sorted(order)


def _ids(module: nn.Module) -> set[int]:
    return {id(one) for one in module.parameters()}
