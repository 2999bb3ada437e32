"""Two losses that one function returned together: the result in it that both are made of."""

from __future__ import annotations

import ast
import copy
from typing import Any, NamedTuple

import torch
from torch import nn

from grader.errors.seen.again.apart import Detached, Turns
from grader.errors.seen.reading import source
from grader.errors.seen.reading.frames import Frame, file_name, held, own_function
from grader.errors.seen.reading.lookup import looked_up
from grader.errors.seen.reading.scope import behind


class Said(NamedTuple):
    """The shared result, what to do, and the line that makes it."""

    name: str
    cure: str
    place: str


class _Text(NamedTuple):
    """The function's text, and what its names stand for where it was called."""

    body: ast.FunctionDef
    known: dict[str, Any]

    def value(self, node: ast.AST) -> Any:
        """What a name or an attribute stands for."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if isinstance(node, ast.Attribute):
            return getattr(self.value(node.value), node.attr, None)
        return None

    def made(self, name: str) -> ast.Assign | None:
        """The one statement that gives a name its value."""
        found = [one for one in ast.walk(self.body) if isinstance(one, ast.Assign)]
        mine = [one for one in found if name in map(source.spelled, one.targets)]
        return mine[0] if len(mine) == 1 else None

    def parameters(self, name: str) -> set[int]:
        """The ids of the parameters of the modules that lead to a name."""
        own = self.made(name)
        behind = self.behind(own.value) if own is not None else set()
        nodes = [own, *map(self.made, behind)]
        called = (
            self.value(node.func)
            for one in nodes
            if one is not None
            for node in ast.walk(one.value)
            if isinstance(node, ast.Call)
        )
        modules = [one for one in called if isinstance(one, nn.Module)]
        return {id(one) for module in modules for one in module.parameters()}

    def behind(self, *ahead: ast.expr) -> set[str]:
        """The names of this text that expressions are computed from."""
        seen: set[str] = set()
        nodes = [*ahead]
        for node in nodes:
            new = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} - seen
            seen |= new
            nodes += [one.value for key in new if (one := self.made(key)) is not None]
        return {one for one in seen if self.made(one) is not None}


def shared(turns: Turns, first: str, failing: str) -> Said | None:
    """What the two losses share, if one call gave both; `first` went backward first."""
    frame, earlier, later = turns.frame, turns.earlier, turns.later
    call = _call(turns.scope, first, failing)
    read = _read(call[0], frame) if call is not None else None
    if call is None or read is None or earlier is None or later is None:
        return None
    text, file, line = read
    ends = _ends(text.body, call[1], first, failing)
    if len(ends) != 2:
        return None
    both = [text.behind(one) for one in ends]
    common = [one for one in both[0] & both[1] if _is_computed(text, one)]
    if not common:
        return None
    name = max(common, key=lambda one: getattr(text.made(one), "lineno", 0))
    made = text.made(name)
    place = f"{file_name(file)}, line {line + made.lineno - 1}" if made is not None else ""
    cure = _cure(text, name, earlier, later)
    return Said(name, cure, place) if cure else None


def _cure(
    text: _Text,
    name: str,
    earlier: tuple[str, torch.optim.Optimizer],
    later: tuple[str, torch.optim.Optimizer],
) -> str:
    """Which loss gets a result of its own, of what its optimizer has no part in."""
    if (own := _own(text, name, later[1])) is not None:
        return (
            f"This loss trains what {later[0]} holds, through {name}: give it one of its own, "
            f"own = {own}, and own in the place of {name} in this loss."
        )
    if (own := _own(text, name, earlier[1])) is not None:
        return (
            f"The first loss trains what {earlier[0]} holds, through {name}: give that loss one of "
            f"its own, own = {own}, and own in the place of {name} there. Compute {name} and this "
            f"loss behind {earlier[0]}.step(), from the updated weights."
        )
    return ""


def _own(text: _Text, name: str, optimizer: torch.optim.Optimizer) -> str | None:
    """The call that made a shared result, with what the optimizer has no part in detached."""
    mine = {id(one) for one in held(optimizer)}
    made = text.made(name)
    if made is None or not isinstance(made.value, ast.Call) or not mine & text.parameters(name):
        return None
    inputs = {one.id for one in ast.walk(made.value) if isinstance(one, ast.Name)}
    inputs = {one for one in inputs if text.parameters(one)}
    if not inputs or any(mine & text.parameters(one) for one in inputs):
        return None
    return ast.unparse(Detached(inputs).visit(copy.deepcopy(made.value)))


def _is_computed(text: _Text, name: str) -> bool:
    made = text.made(name)
    return made is not None and isinstance(made.value, ast.Call) and bool(text.parameters(name))


def _call(scope: ast.AST, first: str, failing: str) -> tuple[ast.Call, list[str]] | None:
    """`a, b = losses(...)`, or `out = losses(...)` for `out["a"]` and `out["b"]`.

    With the names on the left.
    """
    for one in ast.walk(scope):
        if not isinstance(one, ast.Assign) or not isinstance(one.value, ast.Call):
            continue
        target = one.targets[0]
        names = [ast.unparse(part) for part in getattr(target, "elts", [target])]
        alone = len(names) == 1 and all(key.startswith(f"{names[0]}[") for key in (first, failing))
        if alone or {first, failing} <= set(names):
            return one.value, names
    return None


def _ends(body: ast.FunctionDef, names: list[str], *losses: str) -> list[ast.expr]:
    """What the one return of a function gives each of two losses."""
    returned = [one for one in ast.walk(body) if isinstance(one, ast.Return)]
    value = returned[0].value if len(returned) == 1 else None
    if isinstance(value, ast.Tuple) and len(value.elts) == len(names) > 1:
        return [value.elts[names.index(one)] for one in losses]
    if isinstance(value, ast.Dict) and len(names) == 1:
        given = {
            f"{names[0]}[{ast.unparse(key)}]": one
            for key, one in zip(value.keys, value.values, strict=True)
            if key is not None
        }
        return [given[one] for one in losses if one in given]
    return []


def _read(call: ast.Call, frame: Frame) -> tuple[_Text, str, int] | None:
    function, owner = behind(looked_up(call.func, frame))
    code = own_function(function)
    if function is None or code is None:
        return None
    tree, file, first = code
    body = next((one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)), None)
    if body is None:
        return None
    names = [one.arg for one in (*body.args.posonlyargs, *body.args.args)]
    values = [looked_up(one, frame) for one in call.args]
    given = [owner, *values] if owner is not None else values
    known = dict(function.__globals__) | dict(zip(names, given, strict=False))
    known |= {one.arg: looked_up(one.value, frame) for one in call.keywords if one.arg}
    return _Text(body, known), file, first
