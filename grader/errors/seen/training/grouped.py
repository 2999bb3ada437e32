"""What an optimizer was given: lists of generators, groups that overlap, results, another state."""

from __future__ import annotations

import ast
import difflib
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, opening, source
from grader.errors.seen.reading.frames import (
    Frame,
    Frames,
    file_name,
    is_library,
    own_function,
)
from grader.errors.seen.reading.lookup import looked_up

_GIVE = ("parameters", "named_parameters")


def read_generators(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The list whose entries are generators or modules, with a star in front of each."""
    frame = frames.last
    for node in failing.on_line(frame):
        if not isinstance(node, ast.List | ast.Tuple):
            continue
        entries: list[ast.expr] = []
        for one in node.elts:
            if isinstance(one, ast.Call) and failing.name_of(one) in _GIVE:
                entries.append(ast.Starred(one, ast.Load()))
            elif isinstance(looked_up(one, frame), nn.Module):
                given = ast.Call(ast.Attribute(one, "parameters", ast.Load()), [], [])
                entries.append(ast.Starred(given, ast.Load()))
            else:
                entries.append(one)
        if any(isinstance(one, ast.Starred) for one in entries):
            whole = ast.unparse(ast.List(entries, ast.Load()))
            return replace(
                told,
                meaning=f"{ast.unparse(node)} holds no tensors: parameters() gives a generator, "
                "which is one entry of the list.",
                cure=f"A star takes the tensors out: {whole}.",
                place=frame.place,
            )
    return None


def read_keys(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The entries of the group that has no "params", and the one that may be meant."""
    group = frames.given("add_param_group").get("param_group")
    if not isinstance(group, dict):
        return None
    keys = ", ".join(map(repr, group))
    meant = difflib.get_close_matches("params", [key for key in group if isinstance(key, str)], 1)
    if not meant:
        return replace(told, meaning=f"{told.meaning} Its entries are {keys}.")
    lines = [
        f"{file_name(file)}, line {node.lineno}"
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == meant[0]
    ]
    return replace(
        told,
        meaning=f'A group of an optimizer holds its parameters in the entry "params", and this one '
        f"has {keys}.",
        cure=f'Write "params" in the place of "{meant[0]}", in each group.',
        place=lines[0] if lines else frames.last.place,
    )


def read_added(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The sum of the failing line, as one list."""
    for node in failing.on_line(frames.last):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sides = [ast.unparse(one) for one in (node.left, node.right)]
            return replace(
                told,
                cure=f"Put the tensors of both into a list: [*{sides[0]}, *{sides[1]}].",
                place=frames.last.place,
            )
    return None


def read_twice(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The parameters that stand in two groups, and whose they are."""
    names = frames.given("add_param_group")
    optimizer, group = names.get("self"), names.get("param_group")
    if not isinstance(optimizer, torch.optim.Optimizer) or not isinstance(group, dict):
        return None
    before = {id(one) for other in optimizer.param_groups for one in other["params"]}
    both = [one for one in group["params"] if isinstance(one, Tensor) and id(one) in before]
    number = len(optimizer.param_groups)
    known = [frames.name_of(one) for one in both]
    if not both or not all(known):
        return None
    listed = ", ".join(known[:3]) + (" and so on" if len(known) > 3 else "")
    part = known[0].rpartition(".")[0]
    whole = next((name for name, one in frames.modules() if part.startswith(f"{name}.")), "")
    cure = _apart(optimizer, group, {id(one) for one in both})
    module = dict(frames.modules()).get(whole)
    inner = module.get_submodule(part.removeprefix(f"{whole}.")) if module is not None else None
    mine = {id(one) for one in inner.parameters()} if inner is not None else set()
    if mine == {id(one) for one in group["params"]} and len(before) > len(both) == len(mine):
        cure = (
            f"Leave them out of the other group: rest = [p for name, p in "
            f"{whole}.named_parameters() if not name.startswith("
            f'"{part.removeprefix(f"{whole}.")}.")], and {{"params": rest, ...}} in the place of '
            f"{whole}.parameters()."
        )
    return replace(
        told,
        meaning=f"{listed}: group {number} holds what an earlier group has already, counted from "
        "0. A parameter is updated once a step, so it has one group.",
        cure=cure,
        place=frames.last.place,
    )


def _apart(optimizer: torch.optim.Optimizer, group: dict[str, Any], both: set[int]) -> str:
    """How two lists are kept apart: what one of them holds alone stays, and leaves the other."""
    number = len(optimizer.param_groups)
    inside = [
        at
        for at, one in enumerate(optimizer.param_groups)
        if both.issuperset(ids := {id(p) for p in one["params"]}) and ids
    ]
    if inside and {id(one) for one in group["params"]} - both:
        return (
            f"Leave them out of group {number}: taken = {{id(p) for p in first}}, with first for "
            f"the parameters of group {inside[0]}, and [p for p in ... if id(p) not in taken] in "
            f"the place of what group {number} is given."
        )
    return (
        f"Leave them out of the groups before it: taken = {{id(p) for p in last}}, with last for "
        f"the parameters of group {number}, and [p for p in group if id(p) not in taken] in the "
        "place of each earlier list."
    )


def _results_on_line(frame: Frame) -> set[str]:
    """The names on the failing line that hold a result of an operation."""
    nodes = [node for node in failing.on_line(frame) if isinstance(node, ast.Name)]
    pairs = [(node.id, looked_up(node, frame)) for node in nodes]
    return {name for name, one in pairs if isinstance(one, Tensor) and not one.is_leaf}


def read_result(frames: Frames, told: Explained, message: str) -> Explained | None:
    """The line that computes with a tensor right after it was made to require grad."""
    found = []
    for tree, file in frames.files():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                continue
            outer = node.value
            inner = _starts(outer)
            if inner is not None and inner is not outer:
                found.append((node, ast.unparse(node.targets[0]), file))
    if (by := _returned(frames, told)) is not None:
        return by
    if len(found) != 1:
        return None
    (node, name, file) = found[0]
    given = _results_on_line(frames.last)
    if given and name not in given:
        return None
    right = ast.unparse(_as_leaf(ast.parse(ast.unparse(node.value), mode="eval").body))
    return replace(
        told,
        meaning=f"{told.meaning} The line named here computes {name} from a tensor that requires "
        "grad already, so the result is no leaf.",
        cure=f"Let the result be the leaf: {name} = {right}.",
        place=f"{file_name(file)}, line {node.lineno}",
        sure=False,
    )


def _returned(frames: Frames, told: Explained) -> Explained | None:
    """A result that a function of the reader's returns, and the one line of it that sets a flag."""
    frame = frames.last
    for name in sorted(_results_on_line(frame)):
        made = source.assigned(frame.source, name) if frame.source is not None else []
        value = source.value_of(made[-1], name) if made else None
        function = looked_up(value.func, frame) if isinstance(value, ast.Call) else None
        code = own_function(getattr(function, "__func__", function))
        if value is None or code is None:
            continue
        tree, file, first = code
        flags = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and (failing.name_of(node) == "requires_grad_" or _starts(node) is node)
        ]
        if len(flags) != 1:
            continue
        called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
        return replace(
            told,
            meaning=f"{told.meaning} {name} is what {called}() returns: the flag is set at the "
            "line named here, and what is computed after that is no leaf.",
            cure=f"Set the flag last: {name} = {ast.unparse(value)}.detach().requires_grad_(). "
            "Then the leaf is what the optimizer changes and the loss is computed from.",
            place=f"{file_name(file)}, line {first + flags[0] - 1}",
        )
    return None


def _starts(node: ast.expr) -> ast.expr | None:
    """The call inside of an expression that makes a tensor with requires_grad=True."""
    return next(
        (
            one
            for one in ast.walk(node)
            if isinstance(one, ast.Call)
            and any(word.arg == "requires_grad" for word in one.keywords)
        ),
        None,
    )


def _as_leaf(node: ast.expr) -> ast.expr:
    """An expression with the flag set on what it computes; of a collection, on its entries."""
    made = _starts(node)
    if made is None or made is node:
        return node
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
        node.elt = _as_leaf(node.elt)
    elif isinstance(node, ast.DictComp):
        node.value = _as_leaf(node.value)
    elif isinstance(node, ast.List | ast.Tuple):
        node.elts = [_as_leaf(one) for one in node.elts]
    elif isinstance(node, ast.Dict):
        node.values = [_as_leaf(one) for one in node.values]
    else:
        flag = ast.Attribute(_Plain().visit(node), "requires_grad_", ast.Load())
        return ast.Call(flag, [], [])
    return node


class _Plain(ast.NodeTransformer):
    """Takes requires_grad=True out of calls."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.keywords = [one for one in node.keywords if one.arg != "requires_grad"]
        return node


def read_state(frames: Frames, told: Explained, message: str) -> Explained | None:
    """How many groups and parameters were saved, and how many there are."""
    names = frames.given("load_state_dict")
    optimizer, state = names.get("self"), names.get("state_dict")
    if not isinstance(optimizer, torch.optim.Optimizer) or not isinstance(state, dict):
        return None
    saved = [len(one["params"]) for one in state["param_groups"]]
    held = [len(one["params"]) for one in optimizer.param_groups]
    name = next((name for name, one in frames.optimizers() if one is optimizer), "this optimizer")
    said = f"The saved state is of {_counted(saved)}, and {name} holds {_counted(held)}."
    if sum(saved) == sum(held):
        return replace(
            told,
            meaning=f"{said} The parameters are as many, and their groups are others.",
            cure=f"Make {name} with the groups that it had when it was saved: a list of "
            f"{len(saved)} dicts in the place of one of {len(held)}. Then load.",
            place=_line(frames, name),
        )
    if (new := _added(frames, sum(saved), sum(held))) is not None:
        model, names_ = new
        parts = sorted({one.rpartition(".")[0] or one for one in names_})
        left = ", ".join(f"{model}.{one}" for one in names_[:3])
        return replace(
            told,
            meaning=f"{said} The saved model had no {left}: {model} has {len(names_)} parameters "
            "more than it.",
            cure=f"Make {name} over the old ones, [p for n, p in {model}.named_parameters() if not "
            f"n.startswith({tuple(parts)!r})], load, and then add the new ones: "
            f'{name}.add_param_group({{"params": [p for n, p in {model}.named_parameters() if '
            f"n.startswith({tuple(parts)!r})]}}).",
            place=_line(frames, name),
        )
    return replace(
        told,
        meaning=f"{said} Where parameters are left out since they are frozen, the number is "
        "another.",
        cure=f"Make {name} over the {sum(saved)} that it held when it was saved, and freeze after "
        "that: a frozen parameter gets no gradient, and the step leaves it as it is. Or load the "
        "model alone and begin with a new optimizer.",
        place=_line(frames, name),
    )


def _added(frames: Frames, saved: int, held: int) -> tuple[str, list[str]] | None:
    """The model with parameters that a saved state of it lacks, as many as a group has more."""
    states = [
        set(one)
        for _, one in opening.opened(frames.variables(), is_library)
        if isinstance(one, dict)
        and one
        and all(isinstance(key, str) for key in one)
        and all(isinstance(value, Tensor) for value in one.values())
    ]
    for name, model in frames.modules():
        mine = [key for key, _ in model.named_parameters()]
        for state in states:
            new = [key for key in mine if key not in state]
            if len(mine) == held and new and len(new) == held - saved:
                return name, new
    return None


def _counted(groups: list[int]) -> str:
    if len(groups) == 1:
        return f"one group of {groups[0]} parameters"
    return f"{len(groups)} groups of {' and '.join(map(str, groups))} parameters"


def _line(frames: Frames, name: str) -> str:
    """The one line of the reader's own files that gives an optimizer its name."""
    lines = [
        f"{file_name(file)}, line {node.lineno}"
        for tree, file in frames.files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return lines[0] if len(lines) == 1 else frames.last.place
