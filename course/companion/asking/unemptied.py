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
    """A lone step in a loop, where no line of the loop empties a gradient.

    Of several watched steps their order says so: `training.order`.
    """
    steps = record.events_of("step")
    emptied = record.events_of("zero", "empty", "filled") or zeroed(record)
    if len(steps) != 1 or steps[0].about.bare or emptied:
        return []
    step, optimizer = steps[0], steps[0].about.optimizer()
    if optimizer is None or isinstance(optimizer, torch.optim.LBFGS):
        return []
    own = source.parsed(step.code.co_filename)
    if own is None or is_library(step.code.co_filename):
        return []
    others = dict.fromkeys(written.own_files(around))
    others.pop(step.code.co_filename, None)
    trees = [own, *filter(None, map(source.parsed, others))]
    passed = [one.place.line for one in record.events_of("backward") if one.code is step.code]
    there = _taken(own, step.place.line, passed[-1]) if passed else 0
    loops = _around(step, trees, type(optimizer).__name__)
    if not loops or any(_empties(one, trees) for one in loops):
        return []
    but = f", but for line {there}, which the watched step does not come to" if there else ""
    words = {"optimizer": type(optimizer).__name__, "but": but}
    return [found("unemptied", sure=False, place=step.place, **words)]


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
