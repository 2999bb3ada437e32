"""Follows a value through the text of the reader's functions to the line where it lost its graph.

Nothing is run: statements are read in the order of the text, and of each name it is noted whether
it carries a graph or, if it does not, which lines took the graph from what it was computed of.
"""

from __future__ import annotations

import ast
import inspect
from collections import deque
from types import FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn

from grader.errors.seen.cuts import operations
from grader.errors.seen.cuts.operations import gives_places, name_of
from grader.errors.seen.reading.frames import Frames, own_function
from grader.errors.seen.reading.scope import (
    GRAPH,
    NOTHING,
    Cut,
    Scope,
    Value,
    behind,
    defaults,
    holds_graph,
    is_made_to_learn,
    is_own,
    joined,
    of_new,
    renamed,
    without_frozen,
)

MOST_STEPS = 20_000
DEPTH = 8


def cuts(frames: Frames) -> tuple[Cut, ...]:
    """The lines that cut the tensor which the failing line differentiates off its graph.

    It has no graph. Where a function may return one with a graph or one without, as far as its
    text shows, it returned the one without.
    """
    for first in frames.own:
        for is_cut in (False, True):
            reading = _Reading(frames, is_cut)
            body = getattr(first.source, "body", [])
            reading.block(body, Scope({}, first, first.file, 1, first.above))
            reached = reading.reached
            found = [without_frozen(one.cuts) for one in reached if not one.graph and one.cuts]
            if found:
                return found[0]
        if any(one.graph for one in reached):
            return ()
    return ()


class _Reading:
    def __init__(self, frames: Frames, is_cut: bool) -> None:
        self.frames, self.is_cut, self.steps = frames, is_cut, 0
        self.failing = frames.last
        self.reached: list[Value] = []
        self.open: list[int] = []

    def block(self, body: list[ast.stmt], scope: Scope) -> None:
        for statement in body:
            self.steps += 1
            if self.steps > MOST_STEPS:
                return
            self.statement(statement, scope)

    def statement(self, one: ast.stmt, scope: Scope) -> None:
        if isinstance(one, ast.Assign | ast.AnnAssign | ast.AugAssign):
            self.assign(one, scope)
        elif isinstance(one, ast.Return | ast.Expr) and one.value is not None:
            value = self.value(one.value, scope)
            if isinstance(one, ast.Return):
                scope.returned.append(value)
        elif isinstance(one, ast.For | ast.AsyncFor):
            self.give(one.target, self.value(one.iter, scope), scope)
            self.block(one.body, scope)
        elif isinstance(one, ast.If) and (truth := scope.truth(one.test)) is not None:
            self.block(one.body if truth else one.orelse, scope)
        elif isinstance(one, ast.With | ast.AsyncWith):
            before = scope.off
            scope.off = self.mode(one, scope)
            self.block(one.body, scope)
            scope.off = before
        else:
            for part in ("body", "orelse", "finalbody"):
                inner = getattr(one, part, None)
                if isinstance(inner, list) and not isinstance(one, ast.FunctionDef | ast.ClassDef):
                    self.block(inner, scope)

    def mode(self, one: ast.With | ast.AsyncWith, scope: Scope) -> Cut | None:
        for item in one.items:
            call = item.context_expr
            name = name_of(call.func) if isinstance(call, ast.Call) else ""
            if name in operations.OFF:
                what = "in inference mode" if name == "inference_mode" else "under no_grad"
                return scope.cut(call, f"nothing is recorded {what}")
            if name == "enable_grad":
                return None
        return scope.off

    def assign(self, one: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: Scope) -> None:
        if one.value is None:
            return
        value = self.value(one.value, scope)
        if isinstance(one, ast.AugAssign):
            self.give(one.target, joined([value, self.value(one.target, scope)]), scope)
            return
        targets = one.targets if isinstance(one, ast.Assign) else [one.target]
        for target in targets:
            pairs: list[tuple[ast.expr, Value]] = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(one.value, ast.Tuple):
                each = zip(target.elts, one.value.elts, strict=False)
                pairs = [(to, self.value(of, scope)) for to, of in each]
            elif isinstance(target, ast.Tuple) and gives_places(one.value, len(target.elts)):
                places = self.lost(one.value, value, operations.PLACES, scope)
                pairs = list(zip(target.elts, (value, places), strict=True))
            for to, of in pairs:
                self.give(to, of, scope)

    def give(self, target: ast.expr, value: Value, scope: Scope) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for one in target.elts:
                self.give(one, value, scope)
        elif isinstance(target, ast.Subscript):
            name = ast.unparse(target.value)
            scope.names[name] = joined([value, scope.names.get(name, NOTHING)])
        else:
            scope.names[ast.unparse(target)] = value
            scope.known.pop(ast.unparse(target), None)

    def value(self, node: ast.expr, scope: Scope) -> Value:
        found = self.computed(node, scope)
        if found.graph and scope.off is not None and not isinstance(node, ast.Name | ast.Attribute):
            return Value(False, (scope.off,))
        return found

    def computed(self, node: ast.expr, scope: Scope) -> Value:
        self.steps += 1
        if self.steps > MOST_STEPS or isinstance(node, ast.Constant | ast.Lambda):
            return NOTHING
        if isinstance(node, ast.Name | ast.Attribute):
            return self.named(node, scope)
        if isinstance(node, ast.Call):
            return self.call(node, scope)
        if isinstance(node, ast.Compare):
            parts = joined([self.value(one, scope) for one in (node.left, *node.comparators)])
            return self.lost(node, parts, "a comparison has no gradient", scope)
        if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
            for one in node.generators:
                self.give(one.target, self.value(one.iter, scope), scope)
            inner = node.value if isinstance(node, ast.DictComp) else node.elt
            return self.value(inner, scope)
        if isinstance(node, ast.Subscript):
            if gives_places(node.value, 2) and ast.unparse(node.slice) in ("1", "-1"):
                return self.lost(node, self.value(node.value, scope), operations.PLACES, scope)
            whole, place = self.value(node.value, scope), self.value(node.slice, scope)
            return whole if whole.graph else Value(False, (*whole.cuts, *place.cuts))
        if isinstance(node, ast.IfExp) and (truth := scope.truth(node.test)) is not None:
            return self.value(node.body if truth else node.orelse, scope)
        inside = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
        return joined([self.value(one, scope) for one in inside])

    def named(self, node: ast.Name | ast.Attribute, scope: Scope) -> Value:
        text = ast.unparse(node)
        if text in scope.names:
            return scope.names[text]
        inside = scope.object(node)
        if isinstance(inside, Tensor):
            return GRAPH if inside.requires_grad else NOTHING
        if isinstance(node, ast.Attribute) and node.attr in operations.ASKED:
            return NOTHING
        if holds_graph(inside):
            return GRAPH
        if isinstance(inside, list | tuple | dict | deque | float):  # of numbers, by now
            return NOTHING
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value, scope)
            return (
                self.lost(node, owner, ".data has no graph", scope)
                if node.attr == "data"
                else owner
            )
        return NOTHING

    def lost(self, node: ast.AST, value: Value, why: str, scope: Scope) -> Value:
        """What is left of a value that an operation cuts: behind detach() it may leave torch."""
        cut = scope.cut(node, why)
        leaves = "numpy" in why and any(cut.place == one.place for one in value.cuts)
        return Value(False, (cut,)) if value.graph or leaves else value

    def call(self, node: ast.Call, scope: Scope) -> Value:
        name = name_of(node.func)
        owner = NOTHING
        if isinstance(node.func, ast.Attribute) and name not in ("no_grad",):
            owner = self.value(node.func.value, scope)
        given = [self.value(one, scope) for one in node.args]
        named = {one.arg or "": self.value(one.value, scope) for one in node.keywords}
        whole = joined([owner, *given, *named.values()])
        if name in operations.LIKENED and isinstance(node.func, ast.Attribute):
            whole = owner
        if name.endswith("_like"):
            return NOTHING
        if name in ("backward", "grad", "register_hook") and self.is_failing(node, scope):
            self.reached.append(joined([owner, *given[:1]]))
        if name in operations.COUNTED and not is_own(scope.object(node.func)):
            return NOTHING
        if name in operations.COMPARED and not isinstance(scope.object(node.func), MethodType):
            return self.lost(node, whole, "a comparison has no gradient", scope)
        if name in ("append", "extend", "add", "update") and isinstance(node.func, ast.Attribute):
            self.give(node.func.value, whole, scope)
        inside = scope.object(node.func)
        if is_made_to_learn(node, name, inside):
            return GRAPH
        if name in operations.MADE and (inside is None or inside is getattr(torch, name, None)):
            return self.lost(node, whole, operations.MADE[name], scope)
        if isinstance(node.func, ast.Name) and name in ("float", "int"):
            return self.lost(node, whole, f"{name}() makes a number", scope)
        if name in operations.LEAVES and (inside is None or not is_own(inside)):
            return self.lost(node, whole, operations.LEAVES[name], scope)
        if name == "sample" and owner.graph and not (inside is not None and is_own(inside)):
            return self.lost(node, owner, "sample() draws without a graph", scope)
        if isinstance(inside, nn.Module) and not is_own(getattr(type(inside), "forward", None)):
            return self.layer(node, inside, joined([*given, *named.values()]), scope)
        function, owned = behind(inside) if inside is not None else of_new(node, scope)
        if function is not None:
            returned = self.enter(node, function, owned, given, named, scope)
            return whole if returned is None else returned
        return whole

    def layer(self, node: ast.Call, module: nn.Module, given: Value, scope: Scope) -> Value:
        """What a module of a library returns: a graph, if one of its parameters has the flag."""
        parameters = list(module.parameters())
        if any(one.requires_grad for one in parameters):
            return GRAPH
        if given.graph or given.cuts or not parameters:
            return given
        name = ast.unparse(node.func)
        return Value(False, (scope.cut(node, f"no parameter of {name} requires grad"),))

    def enter(
        self,
        node: ast.Call,
        function: FunctionType,
        owned: Any,
        given: list[Value],
        named: dict[str, Value],
        scope: Scope,
    ) -> Value | None:
        """What a function of the reader's own returns, by its text; None of any other."""
        inner = inspect.unwrap(function)
        code = own_function(inner)
        if code is None or len(self.open) >= DEPTH or id(inner) in self.open:
            return None
        tree, file, first = code
        body = next((one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)), None)
        if body is None:
            return None
        names = [one.arg for one in (*body.args.posonlyargs, *body.args.args)]
        known = defaults(inner)
        mine = names[0] if owned is not None and names else ""
        known |= {names.pop(0): owned} if mine else {}
        theirs = ast.unparse(getattr(node.func, "value", node.func)) if mine else ""
        bound = (
            renamed(scope.names, theirs, mine)
            | dict(zip(names, given, strict=False))
            | {key: one for key, one in named.items() if key}
        )
        by_name = [(one.arg, one.value) for one in node.keywords if one.arg]
        for argument, one in (*zip(names, node.args, strict=False), *by_name):
            known.pop(argument, None)
            is_known, held = scope.looked_up(one)
            if (is_known or held is not None) and not isinstance(held, Tensor):
                known[argument] = held
                if not bound[argument].graph and not bound[argument].cuts:
                    bound.pop(argument)
        frame = next(
            (
                one
                for one in self.frames.own
                if one.code_name == inner.__code__.co_name
                and one.first_line == inner.__code__.co_firstlineno
                and one.file == inner.__code__.co_filename
            ),
            None,
        )
        own = Scope(bound, frame, file, first, inner.__globals__, known, scope.off)
        marked = [one for one in body.decorator_list if name_of(one) in operations.OFF]
        if marked:
            own.off = own.cut(marked[0], f"{body.name} is decorated to record nothing")
        self.open.append(id(inner))
        self.block(body.body, own)
        self.open.pop()
        scope.names |= renamed(own.names, mine, theirs)
        without = [one for one in own.returned if not one.graph and one.cuts]
        return joined(without if self.is_cut and without else own.returned)

    def is_failing(self, node: ast.Call, scope: Scope) -> bool:
        line, frame = scope.first + node.lineno - 1, self.failing
        return scope.file == frame.file and line <= frame.line <= line + (
            (node.end_lineno or node.lineno) - node.lineno
        )
