"""Classic mutation operators: each yields the ways in which one node can be changed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import Any

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

ALIKE = {
    "append": ("insert",),
    "backward_pre_hook": ("backward_hook",),
    "buffers": ("parameters",),
    "children": ("modules",),
    "clone": ("detach",),
    "detach": ("clone", "detach_"),
    "enable_grad": ("no_grad",),
    "eval": ("train",),
    "grad_fn": ("grad",),
    "inference_mode": ("no_grad",),
    "is_leaf": ("requires_grad",),
    "max": ("min",),
    "mean": ("sum",),
    "min": ("max",),
    "modules": ("children",),
    "named_buffers": ("named_parameters",),
    "named_children": ("named_modules",),
    "named_modules": ("named_children",),
    "named_parameters": ("named_buffers",),
    "no_grad": ("inference_mode", "enable_grad"),
    "numel": ("dim",),
    "ones_like": ("zeros_like",),
    "parameters": ("buffers",),
    "register_forward_hook": ("register_forward_pre_hook",),
    "register_full_backward_hook": ("register_full_backward_pre_hook",),
    "register_hook": ("register_post_accumulate_grad_hook",),
    "register_post_accumulate_grad_hook": ("register_hook",),
    "requires_grad": ("is_leaf",),
    "reshape": ("view",),
    "std": ("var",),
    "sum": ("mean",),
    "train": ("eval",),
    "untyped_storage": ("storage",),
    "var": ("std",),
    "zeros_like": ("ones_like",),  # what empty_like holds differs from run to run
}
"""Names that are taken for each other, as methods and attributes."""

_WALKS = {"parameters", "named_parameters", "buffers", "named_buffers"}


def changes(tree: ast.Module) -> Iterator[Change]:
    """Every change that an operator makes anywhere in a text without docstrings."""
    for node in _observable(tree):
        for kind, operators in _OPERATORS.items():
            if isinstance(node, kind):
                for name, operator in operators:
                    for instead in operator(node):
                        yield Change(name, node, instead)
        for block in _blocks(node):
            yield from _in_block(block)
    for function in tree.body:
        yield from _other_names(function)


def _observable(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes whose change may be noticed: not what is printed, nor the text of an exception, nor
    the order of the members that a value is looked for among."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if _prints(child):
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


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and not isinstance(node, ast.Module):
            yield block


def _in_block(block: list[ast.stmt]) -> Iterator[Change]:
    """Statements left out, exchanged, or without what stands around them."""
    for i, statement in enumerate(block):
        before, after = block[:i], block[i + 1 :]
        if not isinstance(statement, ast.Pass) and not _prints(statement):
            yield Change("drop statement", block, [*before, *after] or [ast.Pass()])
        if after and not isinstance(statement, ast.Return) and _depend(statement, after[0]):
            swapped = [*before, after[0], statement, *after[1:]]
            called = " ; ".join(ast.unparse(one).split("\n")[0] for one in (statement, after[0]))
            yield Change("swap statements", block, swapped, called)
        if isinstance(statement, ast.With):
            yield Change("drop with", block, [*before, *statement.body, *after])
        if isinstance(statement, ast.Try):
            bare = [*statement.body, *statement.orelse]
            yield Change("drop try", block, [*before, *bare, *statement.finalbody, *after])
            if statement.finalbody:
                kept = bare if not statement.handlers else [_without_finally(statement)]
                yield Change("drop finally", block, [*before, *kept, *after])
        if isinstance(statement, ast.If):
            yield Change("if True", block, [*before, *statement.body, *after])
            yield Change("if False", block, [*before, *statement.orelse, *after] or [ast.Pass()])
        if isinstance(statement, ast.For) and after and isinstance(after[-1], ast.Return):
            early = ast.For(
                statement.target, statement.iter, [*statement.body, after[-1]], [], None
            )
            yield Change("return in loop", block, [*before, early, *after])


def _depend(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether the order of two statements may matter: what one binds or acts on the other uses."""
    return any(
        changed & {node.id for node in ast.walk(user) if isinstance(node, ast.Name)}
        for changed, user in ((_changed(one), other), (_changed(other), one))
    )


def _changed(statement: ast.stmt) -> set[str]:
    """The names that a statement binds, writes into, or calls a method of."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            found |= {inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found |= {inner.id for inner in ast.walk(node.func) if isinstance(inner, ast.Name)}
    return found - {"torch", "nn", "F", "math"}


def _prints(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    called = value.func if isinstance(value, ast.Call) else None
    return isinstance(called, ast.Name) and called.id == "print"


def _without_finally(statement: ast.Try) -> ast.Try:
    return ast.Try(statement.body, statement.handlers, statement.orelse, [])


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


def _arguments(node: ast.Call) -> Iterator[ast.expr]:
    for swapped in _neighbours(node.args):
        yield ast.Call(node.func, swapped, node.keywords)


def _members(node: ast.Tuple | ast.List | ast.Dict) -> Iterator[ast.expr]:
    if isinstance(node, ast.Dict):
        for swapped in _neighbours(node.values):
            yield ast.Dict(node.keys, swapped)
    else:
        for swapped in _neighbours(node.elts):
            yield type(node)(swapped, node.ctx)


def _neighbours(items: Sequence[ast.expr]) -> Iterator[list[ast.expr]]:
    for i in range(len(items) - 1):
        yield [*items[:i], items[i + 1], items[i], *items[i + 2 :]]


def _member_dropped(node: ast.Tuple | ast.List | ast.Set) -> Iterator[ast.expr]:
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or len(node.elts) < 2:
        return
    for i in range(len(node.elts)):
        rest = [*node.elts[:i], *node.elts[i + 1 :]]
        yield ast.Set(rest) if isinstance(node, ast.Set) else type(node)(rest, node.ctx)


def _keyword(node: ast.Call) -> Iterator[ast.expr]:
    for i in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, [*node.keywords[:i], *node.keywords[i + 1 :]])


def _argument_dropped(node: ast.Call) -> Iterator[ast.expr]:
    if len(node.args) > 1:
        yield ast.Call(node.func, node.args[:-1], node.keywords)


def _recurse(node: ast.Call) -> Iterator[ast.expr]:
    if isinstance(node.func, ast.Attribute) and node.func.attr in _WALKS:
        flag = ast.keyword("recurse", ast.Constant(False))
        yield ast.Call(node.func, node.args, [*node.keywords, flag])


def _method(node: ast.Call) -> Iterator[ast.expr]:
    if isinstance(node.func, ast.Attribute) and not _is_torch(node.func.value):
        yield node.func.value


def _function(node: ast.Call) -> Iterator[ast.expr]:
    if node.args and (isinstance(node.func, ast.Name) or _is_torch(node.func)):
        yield node.args[0]


def _is_torch(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("torch", "nn", "F", "functional", "math")


def _alike(node: ast.Attribute) -> Iterator[ast.expr]:
    others = ALIKE.get(node.attr, ())
    if node.attr.endswith("_") and not node.attr.endswith("__"):
        others = (node.attr[:-1],)
    for other in others:
        yield ast.Attribute(node.value, other, node.ctx)


def _on_the_cpu(node: ast.Call) -> Iterator[ast.expr]:
    """A tensor like another, made from its shape and dtype, and not on its device."""
    if not isinstance(node.func, ast.Attribute) or not node.args:
        return
    name, torch_ = node.func.attr, ast.Name("torch", ast.Load())
    if name.endswith("_like") and _is_torch(node.func):
        like, made = node.args[0], name.removesuffix("_like")
        shape: list[ast.expr] = [ast.Attribute(like, "shape", ast.Load()), *node.args[1:]]
    elif name.startswith("new_"):
        like, made, shape = node.func.value, name.removeprefix("new_"), node.args
    else:
        return
    dtype = ast.keyword("dtype", ast.Attribute(like, "dtype", ast.Load()))
    given = [dtype, *(one for one in node.keywords if one.arg != "dtype")]
    yield ast.Call(ast.Attribute(torch_, made, ast.Load()), shape, given)


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
        ("swap arguments", _arguments),
        ("drop argument", _argument_dropped),
        ("drop keyword", _keyword),
        ("recurse=False", _recurse),
        ("drop method", _method),
        ("drop function", _function),
        ("on the CPU", _on_the_cpu),
    ),
    ast.Attribute: (("name taken for another", _alike),),
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
