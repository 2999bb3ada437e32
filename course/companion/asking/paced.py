"""A schedule whose length counts epochs, and that is moved on in every batch."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from course.companion.asking import statements, written
from course.companion.finding import Finding, found
from course.companion.places import Place
from course.companion.record.calls import Record
from course.companion.surroundings import Surroundings
from grader.errors.seen.reading import failing, source

_DEPTH = 4
"""Over how many calls a batch may lead to the line that moves a schedule on."""
_NUMBERS = {"int", "round", "max", "min"}


def by_batch(record: Record, around: Surroundings) -> list[Finding]:
    """Schedules that are given the number of epochs, or a part of it, and stepped batch by batch.

    Both stand in the reader's files: the length is computed from the name that bounds the loop
    over epochs, and the line that moves the schedule on is reached in a loop inside of that.
    """
    moved = [
        (name, one)
        for name, one in around.named_schedules()
        if not isinstance(one, ReduceLROnPlateau) and one.last_epoch > 0
    ]
    if not moved or not record.events_of("step"):
        return []
    files = {file: tree for file in written.own_files(around) if (tree := written.tree_of(file))}
    told: dict[str, tuple[list[str], Place]] = {}
    for name, schedule in moved:
        for epochs in sorted(_lengths(name, schedule, list(files.values()))):
            if (place := _stepped(name, epochs, files)) is not None:
                told.setdefault(epochs, ([], place))[0].append(name)
    return [
        found(
            "schedule_by_batch",
            sure=False,
            place=place,
            schedule=" and ".join(names),
            epochs=epochs,
        )
        for epochs, (names, place) in told.items()
    ]


def _lengths(name: str, schedule: LRScheduler, trees: Sequence[ast.Module]) -> set[str]:
    """The names that a schedule's length is computed from, each by itself: `EPOCHS // 2`."""
    kind = type(schedule).__name__
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            value = getattr(node, "value", None)
            if statements.makes(name, kind, node) and isinstance(value, ast.Call):
                given = [*value.args[1:], *(one.value for one in value.keywords)]
                found |= {one for part in given if (one := _only_name(part))}
    return found


def _only_name(node: ast.expr) -> str:
    """The one name in an expression of numbers; nothing where others are multiplied with it."""
    names, ahead = set(), [node]
    while ahead:
        one = ahead.pop()
        if isinstance(one, ast.Name | ast.Attribute):
            names.add(source.spelled(one))
        elif isinstance(one, ast.Call) and failing.name_of(one) in _NUMBERS and not one.keywords:
            ahead += one.args
        elif isinstance(one, ast.BinOp):
            ahead += [one.left, one.right]
        elif isinstance(one, ast.List | ast.Tuple):
            ahead += one.elts
        elif not isinstance(one, ast.Constant):
            return ""
    return names.pop() if len(names) == 1 else ""


def _stepped(name: str, epochs: str, files: dict[str, ast.Module]) -> Place | None:
    """The one line that moves a schedule on, if every batch of an epoch comes to it."""
    short = statements.name_of(ast.parse(name, mode="eval").body)
    lines = {
        (file, node.lineno)
        for file, tree in files.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _moves(node, short)
    }
    if len(lines) != 1:
        return None
    ((file, line),) = lines
    for tree in files.values():
        for loop in ast.walk(tree):
            if isinstance(loop, ast.For) and _counts(loop, epochs):
                inner = [one for part in loop.body for one in _loops(part)]
                if any(_reaches(one, short, list(files.values()), _DEPTH) for one in inner):
                    return Place(file, line)
    return None


def _counts(loop: ast.For, epochs: str) -> bool:
    """`for epoch in range(EPOCHS)`, also with a start or a bar of progress around it."""
    ranges = (one for one in ast.walk(loop.iter) if isinstance(one, ast.Call))
    return any(
        failing.name_of(one) == "range"
        and epochs.rpartition(".")[2]
        in {statements.name_of(part) for given in one.args for part in ast.walk(given)}
        for one in ranges
    )


def _loops(node: ast.AST) -> Iterator[ast.For]:
    yield from (one for one in ast.walk(node) if isinstance(one, ast.For))


def _moves(node: ast.Call, short: str) -> bool:
    """`scheduler.step()`"""
    called = node.func
    is_step = isinstance(called, ast.Attribute) and called.attr == "step"
    return is_step and statements.name_of(called.value) == short  # type: ignore[attr-defined]


def _reaches(body: ast.AST, short: str, trees: Sequence[ast.Module], depth: int) -> bool:
    """Whether a loop's body, or a function that it calls, moves a schedule on without asking."""
    calls = list(_unasked(body, short))
    if any(_moves(one, short) for one in calls):
        return True
    names = {failing.name_of(one) for one in calls} if depth else set()
    functions = (
        one for tree in trees for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)
    )
    return any(_reaches(one, short, trees, depth - 1) for one in functions if one.name in names)


def _unasked(body: ast.AST, short: str) -> Iterator[ast.Call]:
    """The calls in a piece of code that no question stands in front of, but one for the name."""
    ahead = list(ast.iter_child_nodes(body))
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.If):
            asked = {statements.name_of(one) for one in ast.walk(node.test)} - {"", "self"}
            ahead += node.body if asked <= {short} else []
            continue
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            ahead += ast.iter_child_nodes(node)
