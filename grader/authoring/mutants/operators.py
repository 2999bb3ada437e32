"""Classic mutation operators: each yields the ways in which one node can be changed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from grader.authoring.mutants import calls, statements
from grader.authoring.mutants.mutation import Change

Operator = Callable[[Any], Iterator[Any]]

_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}


def changes(tree: ast.Module) -> Iterator[Change]:
    """Every change that an operator makes anywhere in a text without docstrings."""
    for node in _observable(tree):
        for kind, operators in _OPERATORS.items():
            if isinstance(node, kind):
                for name, operator in operators:
                    for instead in operator(node):
                        yield Change(name, node, instead)
        for block in statements.blocks(node):
            yield from statements.in_block(block)
    for function in tree.body:
        yield from _other_names(function)


def _observable(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes whose change may be noticed: not what is printed, nor the text of an exception, nor
    the order of the members that a value is looked for among."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if statements.prints(child):
            continue
        if isinstance(child, ast.Raise):
            yield child
        elif isinstance(child, ast.Compare) and isinstance(child.ops[0], ast.In | ast.NotIn):
            yield child
            yield from _observable(child.left)
            for group in child.comparators:
                inner = list(_observable(group))
                yield from inner[1:] if isinstance(group, ast.Tuple | ast.List) else inner
        else:
            yield from _observable(child)


def _binary(node: ast.BinOp) -> Iterator[ast.expr]:
    if type(node.op) in _BINARY:
        yield ast.BinOp(node.left, _BINARY[type(node.op)](), node.right)


def _augmented(node: ast.AugAssign) -> Iterator[ast.stmt]:
    if type(node.op) in _BINARY:
        yield ast.AugAssign(node.target, _BINARY[type(node.op)](), node.value)


def _assigned(node: ast.AugAssign) -> Iterator[ast.stmt]:
    yield ast.Assign([node.target], node.value, lineno=node.lineno)


def _operand(node: ast.BinOp | ast.BoolOp) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
    elif len(node.values) == 2:
        yield from node.values
    else:
        for i in range(len(node.values)):
            yield ast.BoolOp(node.op, [*node.values[:i], *node.values[i + 1 :]])


def _and_or(node: ast.BoolOp) -> Iterator[ast.expr]:
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)


def _compared(node: ast.Compare) -> Iterator[ast.expr]:
    for i, op in enumerate(node.ops):
        for other in _COMPARED[type(op)]:
            ops = [*node.ops[:i], other(), *node.ops[i + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)


def _constant(node: ast.Constant) -> Iterator[ast.expr]:
    value = node.value
    if isinstance(value, str):
        yield ast.Constant(value + "?")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield ast.Constant(value + 1)
        if value != 1:
            yield (
                ast.Constant(value - 1)
                if value > 0
                else ast.UnaryOp(ast.USub(), ast.Constant(1 - value))
            )


def _boolean(node: ast.Constant) -> Iterator[ast.expr]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)


def _members(node: ast.Tuple | ast.List | ast.Dict) -> Iterator[ast.expr]:
    if isinstance(node, ast.Dict):
        for swapped in calls.neighbours(node.values):
            yield ast.Dict(node.keys, swapped)
    else:
        for swapped in calls.neighbours(node.elts):
            yield type(node)(swapped, node.ctx)


def _member_dropped(node: ast.Tuple | ast.List | ast.Set) -> Iterator[ast.expr]:
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or len(node.elts) < 2:
        return
    for i in range(len(node.elts)):
        rest = [*node.elts[:i], *node.elts[i + 1 :]]
        yield ast.Set(rest) if isinstance(node, ast.Set) else type(node)(rest, node.ctx)


def _minus_or_not(node: ast.UnaryOp) -> Iterator[ast.expr]:
    yield node.operand


def _negated(node: ast.If | ast.IfExp) -> Iterator[ast.AST]:
    negated = ast.UnaryOp(ast.Not(), node.test)
    if isinstance(node, ast.IfExp):
        yield ast.IfExp(negated, node.body, node.orelse)
    else:
        yield ast.If(negated, node.body, node.orelse)


def _one_branch(node: ast.IfExp) -> Iterator[ast.expr]:
    yield from (node.body, node.orelse)


def _break(node: ast.For | ast.While) -> Iterator[ast.stmt]:
    body = [*node.body, ast.Break()]
    if isinstance(node, ast.For):
        yield ast.For(node.target, node.iter, body, node.orelse, None)
    else:
        yield ast.While(node.test, body, node.orelse)


def _without_first(node: ast.For | ast.comprehension) -> Iterator[ast.AST]:
    yield _over(node, ast.Slice(ast.Constant(1)))


def _only_first(node: ast.comprehension) -> Iterator[ast.AST]:
    yield _over(node, ast.Slice(None, ast.Constant(1)))


def _over(node: ast.For | ast.comprehension, part: ast.Slice) -> ast.AST:
    listed = ast.Call(ast.Name("list", ast.Load()), [node.iter], [])
    some = ast.Subscript(listed, part, ast.Load())
    if isinstance(node, ast.For):
        return ast.For(node.target, some, node.body, node.orelse, None)
    return ast.comprehension(node.target, some, node.ifs, node.is_async)


def _unfiltered(node: ast.comprehension) -> Iterator[ast.AST]:
    for i in range(len(node.ifs)):
        ifs = [*node.ifs[:i], *node.ifs[i + 1 :]]
        yield ast.comprehension(node.target, node.iter, ifs, node.is_async)


def _decorator(node: ast.FunctionDef) -> Iterator[ast.stmt]:
    for i in range(len(node.decorator_list)):
        rest = [*node.decorator_list[:i], *node.decorator_list[i + 1 :]]
        yield ast.FunctionDef(
            node.name, node.args, node.body, rest, node.returns, lineno=node.lineno
        )


def _index(node: ast.Subscript) -> Iterator[ast.expr]:
    if isinstance(node.ctx, ast.Load):
        yield node.value


def _any_error(node: ast.ExceptHandler) -> Iterator[ast.AST]:
    if node.type is not None:
        yield ast.ExceptHandler(ast.Name("BaseException", ast.Load()), node.name, node.body)


def _detached(node: ast.Return) -> Iterator[ast.stmt]:
    if node.value is not None and not isinstance(node.value, ast.Tuple | ast.Dict | ast.Constant):
        yield ast.Return(ast.Call(ast.Attribute(node.value, "detach", ast.Load()), [], []))


def _other_names(function: ast.stmt) -> Iterator[Change]:
    """Each use of a local name, with the name in its place that comes next in the function."""
    uses = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    arguments = [node.arg for node in ast.walk(function) if isinstance(node, ast.arg)]
    stored = [node.id for node in uses if isinstance(node.ctx, ast.Store)]
    names = list(dict.fromkeys([*arguments, *stored]))
    for node in uses:
        if isinstance(node.ctx, ast.Load) and node.id in names and len(names) > 1:
            other = names[(names.index(node.id) + 1) % len(names)]
            yield Change("other name", node, ast.Name(other, ast.Load()))


_OPERATORS: dict[type[ast.AST] | tuple[type[ast.AST], ...], tuple[tuple[str, Operator], ...]] = {
    ast.BinOp: (("binary operator", _binary), ("drop operand", _operand)),
    ast.BoolOp: (("and, or", _and_or), ("drop operand", _operand)),
    ast.AugAssign: (("binary operator", _augmented), ("assign", _assigned)),
    ast.Compare: (("compare", _compared),),
    ast.Constant: (("constant", _constant), ("True, False", _boolean)),
    ast.Call: (
        ("swap arguments", calls.arguments),
        ("drop argument", calls.argument_dropped),
        ("drop keyword", calls.keyword),
        ("recurse=False", calls.recurse),
        ("drop method", calls.method),
        ("drop function", calls.function),
        ("on the CPU", calls.on_the_cpu),
    ),
    ast.Attribute: (("name taken for another", calls.alike),),
    (ast.Tuple, ast.List, ast.Dict): (("swap members", _members),),
    (ast.Tuple, ast.List, ast.Set): (("drop member", _member_dropped),),
    ast.UnaryOp: (("drop not or minus", _minus_or_not),),
    (ast.If, ast.IfExp): (("negate", _negated),),
    ast.IfExp: (("one branch", _one_branch),),
    (ast.For, ast.While): (("break after the first", _break),),
    (ast.For, ast.comprehension): (("without the first", _without_first),),
    ast.comprehension: (("the first alone", _only_first), ("unfiltered", _unfiltered)),
    ast.FunctionDef: (("drop decorator", _decorator),),
    ast.Subscript: (("drop index", _index),),
    ast.ExceptHandler: (("catch everything", _any_error),),
    ast.Return: (("return detached", _detached),),
}
