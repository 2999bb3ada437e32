"""Gradients that no line of the files empties, and a schedule that moves without a step."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from course.companion.asking import written
from course.companion.finding import Finding, found
from course.companion.places import is_library
from course.companion.record.calls import Event, Record
from course.companion.surroundings import Surroundings, held
from course.companion.training.byhand import zeroed
from grader.errors.seen.reading import failing, source

_EMPTYING = ("zero_grad", ".grad = None", "grad.zero_", "grad.data.zero_", "set_to_none")
_DEPTH = 4
"""Over how many calls a loop may lead to a step."""


def never_emptied(record: Record, around: Surroundings) -> list[Finding]:
    """A lone step of an optimizer in a loop, where no line of the loop empties its gradients.

    Of several watched steps their order says so: `training.order`.
    """
    steps: dict[int, list[Event]] = {}
    for event in record.events_of("step"):
        steps.setdefault(id(event.about.optimizer()), []).append(event)
    lone = [one[0] for one in steps.values() if len(one) == 1 and not one[0].about.bare]
    named = {id(one): name for name, one in around.optimizers.items()} if len(steps) > 1 else {}
    return [told for step in lone if (told := _of_step(step, record, around, named)) is not None]


def _of_step(
    step: Event, record: Record, around: Surroundings, named: dict[int, str]
) -> Finding | None:
    optimizer, file = step.about.optimizer(), step.code.co_filename
    if optimizer is None or isinstance(optimizer, torch.optim.LBFGS):
        return None
    mine = step.about.held()
    if zeroed(record, mine) or any(_concerns(one, mine) for one in record.events):
        return None
    own = source.parsed(file)
    if own is None or is_library(file):
        return None
    others = dict.fromkeys(written.own_files(around))
    others.pop(file, None)
    trees = [own, *filter(None, map(source.parsed, others))]
    for tree, name in zip(trees, (file, *others), strict=False):
        _leave_out(tree, {one.place.line for one in _of_others(record, name)}, around)
    passed = [one.place.line for one in record.events_of("backward") if one.code is step.code]
    there = _taken(own, step.place.line, passed[-1]) if passed else 0
    kind = type(optimizer).__name__
    loops = _around(step, trees, kind)
    if not loops or any(_empties(one, trees) for one in loops):
        return None
    but = f", but for line {there}, which the watched step does not come to" if there else ""
    words = {"optimizer": named.get(id(optimizer), kind), "but": but}
    return found("unemptied", sure=False, place=step.place, **words)


def _concerns(event: Event, mine: set[int]) -> bool:
    """Whether an event empties or fills gradients of these leaves."""
    if event.kind == "zero":
        return bool(mine & event.about.held())
    if event.kind not in ("empty", "filled"):
        return False
    leaf = event.about()
    return leaf is None or id(leaf) in mine


def _of_others(record: Record, file: str) -> list[Event]:
    """The events that emptied something else, by lines of a file."""
    events = record.events_of("zero", "empty", "filled")
    return [one for one in events if one.code.co_filename == file]


def _leave_out(tree: ast.Module, lines: set[int], around: Surroundings) -> None:
    """Take out the statements of these lines that call another optimizer or model by its name.

    A local name is its own too, but for one that a call or a loop gives another value each time.
    """
    known = {name.rpartition(".")[2] for name in (*around.optimizers, *around.models)}
    handed = _handed(tree)
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            row = getattr(node, part, None)
            if isinstance(row, list):
                row[:] = [
                    ast.copy_location(ast.Pass(), one)
                    if one.lineno in lines and _is_its_own(one, known, handed)
                    else one
                    for one in row
                ]


def _handed(tree: ast.Module) -> set[str]:
    """The names of arguments, and those that loops and comprehensions give their values."""
    nodes = list(ast.walk(tree))
    targets = [one.target for one in nodes if isinstance(one, ast.For | ast.comprehension)]
    inside = [node.id for one in targets for node in ast.walk(one) if isinstance(node, ast.Name)]
    return {*inside, *(one.arg for one in nodes if isinstance(one, ast.arg))}


def _is_its_own(statement: ast.stmt, known: set[str], handed: set[str]) -> bool:
    """Whether a statement empties by a name that stands for one object alone."""
    name = _emptied_by(statement)
    call = statement.value if isinstance(statement, ast.Expr) else None
    owner = getattr(getattr(call, "func", None), "value", None)
    return name in known or (isinstance(owner, ast.Name) and name not in handed)


def _emptied_by(statement: ast.stmt) -> str:
    """`optimizer_d` of `self.optimizer_d.zero_grad()`; nothing of any other statement."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return ""
    return source.spelled(call.func.value).rpartition(".")[2]


def _taken(tree: ast.Module, step: int, backward: int) -> int:
    """Leave out the branches that a step did not take, where those hold a whole step too.

    The line that empties gradients in what was left out; 0 if there is none.
    """
    line = 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.If):
            continue
        sides = [node.body, node.orelse]
        mine = [all(_holds(side, one) for one in (step, backward)) for side in sides]
        if sum(mine) != 1 or not source.calls(ast.Module(sides[mine.index(False)], []), "step"):
            continue
        other = sides[mine.index(False)]
        line = next((one.lineno for one in other if _has_words(one)), line)
        other[:] = [ast.copy_location(ast.Pass(), node)]
    return line


def _holds(body: list[ast.stmt], line: int) -> bool:
    return any(one.lineno <= line <= (one.end_lineno or 0) for one in body)


def _has_words(node: ast.AST) -> bool:
    return any(word in ast.unparse(node) for word in _EMPTYING)


def schedule_alone(record: Record, around: Surroundings) -> list[Finding]:
    """A schedule that was moved on, of an optimizer that has never stepped."""
    if record.events_of("step", "scale", "unscale") or not record.events_of("backward"):
        return []
    told = []
    for name, schedule in around.named_schedules():
        optimizer = schedule.optimizer
        if isinstance(schedule, ReduceLROnPlateau) or getattr(optimizer, "_opt_called", False):
            continue
        waiting = (one.grad is not None for one in held(optimizer))
        if schedule.last_epoch < 1 or not any(waiting):
            continue
        place = written.the_one(functools.partial(_steps, name), around)
        kind = type(optimizer).__name__
        told.append(found("schedule_alone", sure=False, schedule=name, optimizer=kind, place=place))
    return told


def _steps(schedule: str, node: ast.AST) -> bool:
    """`scheduler.step()`"""
    called = node.func if isinstance(node, ast.Call) else None
    if not isinstance(called, ast.Attribute) or called.attr != "step":
        return False
    return source.spelled(called.value).rpartition(".")[2] == schedule.rpartition(".")[2]


def _around(step: Event, trees: list[ast.Module], optimizer: str) -> list[source.Loop]:
    """The loops that hold the step, or a call that leads to it, and make no new optimizer.

    The first tree is that of the step's own file.
    """
    names = {step.code.co_name}
    for _ in range(_DEPTH):
        for tree in trees:
            names |= {one.name for one in _functions(tree) if _calls(one, names)}
    loops = [loop for tree in trees for loop in ast.walk(tree) if isinstance(loop, source.Loop)]
    here = source.loop_of(trees[0], step.place.line)
    found = [
        *([here] if here is not None else ()),
        *(loop for loop in loops if _calls(loop, names - {"<module>"})),
    ]
    return [loop for loop in found if not _calls(loop, {optimizer})]


def _empties(loop: source.Loop, trees: list[ast.Module]) -> bool:
    """Whether a loop empties a gradient, or a function of these files that it calls."""
    ahead: list[ast.AST] = [loop]
    seen: set[str] = set()
    for node in ahead:
        if _has_words(node):
            return True
        called = {failing.name_of(one) for one in ast.walk(node) if isinstance(one, ast.Call)}
        new, seen = called - seen, seen | called
        ahead += [one for tree in trees for one in _functions(tree) if one.name in new]
    return False


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    yield from (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))


def _calls(tree: Any, names: set[str]) -> bool:
    return bool(source.calls(tree, *names))
