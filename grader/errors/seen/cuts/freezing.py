"""The lines that freeze a model: in its own classes, by its name, or in a loop over parameters."""

from __future__ import annotations

import ast

from torch import nn

from grader.errors.seen.again import kept
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frame, Frames, file_name, own_class
from grader.errors.seen.reading.lookup import looked_up


def lines(frames: Frames, name: str, model: nn.Module) -> set[str]:
    """Where a model is frozen: the lines that say so of it, or else those that may.

    A loop in another class over its own parameters, or over another model's, does not.
    """
    certain, likely = set(), set()
    parts = {id(one) for one in model.modules()}
    mine = of_classes(model)
    for tree, file, first in kept.code_of(frames):
        frame = next((one for one in frames.own if one.source is tree), None)
        for node in ast.walk(tree):
            if (frozen := _frozen(node, tree)) is None:
                continue
            place = f"{file_name(file)}, line {first + node.lineno - 1}"  # type: ignore[attr-defined]
            owners = [one for one in ast.walk(frozen) if isinstance(one, ast.Name | ast.Attribute)]
            spelled = {source.spelled(one) for one in owners}
            if any(one == "self" for one in spelled):
                if place in mine or (frame is not None and _modules(owners, frame, parts)):
                    certain.add(place)
                continue
            known = _modules(owners, frame, None) if frame is not None else set()
            if known & parts or name in spelled:
                certain.add(place)
            elif not known and "parameters(" in ast.unparse(frozen):
                likely.add(place)
    return certain or likely


def of_classes(model: nn.Module) -> set[str]:
    """Every line of the reader's classes that a model is made of."""
    codes = filter(None, map(own_class, {type(part) for part in model.modules()}))
    return {
        f"{file_name(file)}, line {line}"
        for kind, file in codes
        for line in range(kind.lineno, (kind.end_lineno or kind.lineno) + 1)
    }


def _frozen(node: ast.AST, tree: ast.AST) -> ast.expr | None:
    """What a statement takes the flag off: its owner, or what a loop around it goes through."""
    owner = None
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
        if node.targets[0].attr == "requires_grad" and ast.unparse(node.value) != "True":
            owner = node.targets[0].value
    elif isinstance(node, ast.Call) and failing.name_of(node) == "requires_grad_":
        flag = next(iter([*node.args, *(one.value for one in node.keywords)]), None)
        is_off = isinstance(flag, ast.Constant) and flag.value is False
        owner = node.func.value if is_off and isinstance(node.func, ast.Attribute) else None
    if owner is None:
        return None
    loop = source.loop_of(tree, node.lineno)  # type: ignore[attr-defined]
    if isinstance(loop, ast.For) and source.spelled(owner) in {
        source.spelled(one) for one in ast.walk(loop.target)
    }:
        return loop.iter
    return owner


def _modules(owners: list[ast.Name | ast.Attribute], frame: Frame, of: set[int] | None) -> set[int]:
    """The modules that names stand for in a frame, all of them or some alone."""
    values = [looked_up(one, frame) for one in owners]
    found = {id(one) for one in values if isinstance(one, nn.Module)}
    return found if of is None else found & of
